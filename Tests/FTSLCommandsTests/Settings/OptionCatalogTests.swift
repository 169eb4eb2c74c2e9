import Testing

@testable import FTSLCommands

@Suite("The catalogue of options")
struct OptionCatalogTests {
    private let root = OptionCatalog.load()

    @Test("It has every command and its options, straight from the parser")
    func commands() throws {
        #expect(
            root.subcommands.map(\.name)
                == [
                    "listen", "connect", "send", "tail", "migrate", "status", "key", "shell",
                    "selftest",
                    "explain",
                ])
        let connect = try #require(root.subcommands.first { $0.name == "connect" })
        #expect(connect.option("buffer")?.kind == .value)
        #expect(connect.option("buffer")?.defaultValue == "64M")
        #expect(connect.option("retry-first")?.kind == .flag)
        #expect(connect.option("progress")?.kind == .switchable)
        #expect(connect.option("verbose")?.kind == .count)
        #expect(connect.option("endpoint")?.kind == .positional)
        #expect(connect.option("idle-timeout")?.shorts == ["w"])
        #expect(connect.option("no-progress") == nil)
        #expect(connect.option("help") == nil)
    }

    @Test("The name in the environment is the long name in capitals")
    func environmentNames() throws {
        let listen = try #require(root.subcommands.first { $0.name == "listen" })
        #expect(listen.option("session-timeout")?.environmentName == "FTSL_SESSION_TIMEOUT")
        #expect(listen.option("buffer")?.environmentName == "FTSL_BUFFER")
    }

    @Test("Names that tests and packagers use are no options")
    func reserved() {
        let names = Set(root.allOptions.map(\.environmentName))
        #expect(names.isDisjoint(with: ["FTSL_BINARY", "FTSL_LONG", "FTSL_REGENERATE"]))
        #expect(!names.contains { $0.hasPrefix("FTSL_SIM_") || $0.hasPrefix("FTSL_HEADER_") })
    }

    @Test("No option is named like a command")
    func disjoint() {
        // `migrate --status` is a question of the moment: a file's "status" is the command's section.
        let keys = Set(root.allOptions.map(\.key)).subtracting(["status"])
        #expect(keys.isDisjoint(with: root.subcommands.map(\.name)))
    }
}
