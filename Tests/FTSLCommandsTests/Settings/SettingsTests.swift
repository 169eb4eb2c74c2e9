import ArgumentParser
import Testing

@testable import FTSLCommands

/// Settings from text and variables, without touching this process's environment.
struct SettingsFixture {
    static let root = OptionCatalog.load()
    var settings: Settings

    init(_ json: String? = nil, _ environment: [String: String] = [:]) throws {
        let file = try json.map { text in
            try ConfigurationFile(path: "/c.json", bytes: Array(text.utf8), root: Self.root)
        }
        settings = Settings(
            root: Self.root, environment: SettingsEnvironment.options(in: environment),
            file: file, path: "/c.json")
    }

    func arguments(_ arguments: String...) throws -> [String] {
        try settings.applied(to: arguments).arguments
    }

    func setting(_ key: String, _ arguments: String...) throws -> Setting? {
        try settings.resolved(arguments).first { $0.option.key == key }
    }
}

@Suite("Precedence of settings")
struct SettingsPrecedenceTests {
    private let json = """
        {
          "defaults": { "linger": "1s", "heartbeat": "1s", "buffer": "1M",
                        "connect": { "linger": "2s" } },
          "contexts": { "work": { "buffer": "2M", "heartbeat": "2s" } }
        }
        """

    @Test("Command line, environment, context, defaults, built in: in this order")
    func order() throws {
        let variables = ["FTSL_BUFFER": "4M", "FTSL_CONTEXT": "work"]
        let fixture = try SettingsFixture(json, variables)
        let line = ["connect", "a:1"]
        let all = try fixture.settings.resolved(line + ["--buffer=8M"])
        let byKey = Dictionary(uniqueKeysWithValues: all.map { ($0.option.key, $0) })
        #expect(byKey["buffer"]?.value == "8M")
        #expect(byKey["buffer"]?.source == .commandLine)
        #expect(byKey["heartbeat"]?.value == "2s")
        #expect(
            byKey["heartbeat"]?.source == .file(path: "/c.json", place: "contexts.work.heartbeat"))
        #expect(byKey["linger"]?.value == "2s")
        #expect(
            byKey["linger"]?.source == .file(path: "/c.json", place: "defaults.connect.linger"))
        #expect(byKey["interval"]?.value == "1s")
        #expect(byKey["interval"]?.source == .builtIn)
        #expect(byKey["timeout"]?.value == nil)
        let buffer = try fixture.setting("buffer", "connect", "a:1")
        #expect(buffer?.value == "4M")
        #expect(buffer?.source == .environment("FTSL_BUFFER"))
    }

    @Test("A command's own section counts before the shared keys, and not for others")
    func sections() throws {
        let fixture = try SettingsFixture(json)
        #expect(try fixture.setting("linger", "connect", "a:1")?.value == "2s")
        #expect(try fixture.setting("linger", "listen")?.value == "1s")
    }

    @Test("--context is obeyed before FTSL_CONTEXT, and that before the defaults' context")
    func contexts() throws {
        let fixture = try SettingsFixture(
            """
            { "defaults": { "context": "a" },
              "contexts": { "a": { "linger": "1s" }, "b": { "linger": "2s" }, "c": { "linger": "3s" } } }
            """, ["FTSL_CONTEXT": "b"])
        #expect(try fixture.setting("linger", "listen", "--context", "c")?.value == "3s")
        #expect(try fixture.setting("linger", "listen", "--context=c")?.value == "3s")
        #expect(try fixture.setting("linger", "listen")?.value == "2s")
        let plain = Settings(root: SettingsFixture.root, file: fixture.settings.file)
        let linger = try plain.resolved(["listen"]).first { $0.option.key == "linger" }
        #expect(linger?.value == "1s")
    }

    @Test("What the command line gives is found in every spelling")
    func given() throws {
        let variables = ["FTSL_KEEP_OPEN": "1", "FTSL_QUIET": "1", "FTSL_IDLE_TIMEOUT": "3"]
        let fixture = try SettingsFixture(nil, variables)
        #expect(try fixture.setting("keep-open", "listen", "-qk")?.source == .commandLine)
        #expect(try fixture.setting("quiet", "listen", "-qk")?.source == .commandLine)
        #expect(try fixture.setting("idle-timeout", "connect", "-w", "5", "a:1")?.value == "5")
        let dashed = try fixture.setting("quiet", "listen", "--", "-q")
        #expect(dashed?.source == .environment("FTSL_QUIET"))
    }
}

@Suite("Settings as arguments")
struct SettingsArgumentsTests {
    @Test("Settings stand before the user's own arguments")
    func order() throws {
        let fixture = try SettingsFixture(nil, ["FTSL_BUFFER": "1M"])
        #expect(
            try fixture.arguments("connect", "a:1", "-v") == [
                "connect", "--buffer=1M", "a:1", "-v",
            ]
        )
    }

    @Test(
        "A flag takes 1, 0, true and false",
        arguments: [("1", true), ("true", true), ("TRUE", true), ("0", false), ("false", false)])
    func flags(text: String, isSet: Bool) throws {
        let fixture = try SettingsFixture(nil, ["FTSL_RETRY_FIRST": text, "FTSL_PROGRESS": text])
        #expect(
            try fixture.arguments("connect", "a:1")
                == ["connect"] + (isSet ? ["--retry-first"] : [])
                + [isSet ? "--progress" : "--no-progress", "a:1"])
    }

    @Test("A count may be given as a number")
    func counts() throws {
        let fixture = try SettingsFixture(nil, ["FTSL_VERBOSE": "2"])
        #expect(try fixture.arguments("listen") == ["listen", "--verbose", "--verbose"])
        #expect(try fixture.arguments("listen", "-v") == ["listen", "-v"])
    }

    @Test("JSON numbers and truth values do as well as strings")
    func jsonKinds() throws {
        let fixture = try SettingsFixture(
            #"{"defaults":{"max-sessions":5,"keep-open":true,"one":false,"linger":1.5}}"#)
        #expect(
            try fixture.arguments("listen")
                == ["listen", "--keep-open", "--max-sessions=5", "--linger=1.5"])
    }

    @Test("An option that a command does not have is left alone there")
    func foreign() throws {
        let fixture = try SettingsFixture(nil, ["FTSL_MAX_SESSIONS": "5"])
        #expect(try fixture.arguments("connect", "a:1") == ["connect", "a:1"])
    }

    @Test("A context can name the endpoint, for clients")
    func endpoint() throws {
        let json = #"{"contexts":{"w":{"endpoint":"gate:1","listen":{"endpoint":":2"}}}}"#
        let fixture = try SettingsFixture(json)
        #expect(
            try fixture.arguments("connect", "--context", "w")
                == ["connect", "gate:1", "--context", "w"])
        #expect(
            try fixture.arguments("connect", "--context", "w", "b:3")
                == ["connect", "--context", "w", "b:3"])
        #expect(
            try fixture.arguments("listen", "--context", "w") == ["listen", ":2", "--context", "w"])
    }

    @Test("Where clients go is not where a listener listens")
    func listenersEndpoint() throws {
        let json = #"{"contexts":{"w":{"endpoint":"gate:1"}}}"#
        let fixture = try SettingsFixture(json, ["FTSL_ENDPOINT": "gate:2"])
        #expect(
            try fixture.arguments("listen", "--context", "w") == ["listen", "--context", "w"])
        #expect(try fixture.arguments("connect") == ["connect", "gate:2"])
    }

    @Test("What --exec tells its children is not taken for options by them")
    func children() {
        let variables = [
            "FTSL_SESSION_ID": "1", "FTSL_PEER": "127.0.0.1", "FTSL_CLOSED": "",
            "FTSL_BUFFER": "1M",
        ]
        #expect(SettingsEnvironment.options(in: variables) == ["FTSL_BUFFER": "1M"])
        let ofMessage = ["FTSL_MESSAGE_ID": "1", "FTSL_HEADER_COLOUR": "red"]
        #expect(SettingsEnvironment.options(in: ofMessage) == [:])
        #expect(SettingsEnvironment.options(in: ["FTSL_RESTART_IMAGE": "9"]) == [:])
        let outside = ["FTSL_TOPIC": "a", "FTSL_BUFFER": "1M"]
        #expect(SettingsEnvironment.options(in: outside) == outside)
    }
}

@Suite("Bad settings")
struct BadSettingsTests {
    private func refusal(
        _ json: String? = nil, _ environment: [String: String] = [:],
        _ arguments: [String] = ["connect", "a:1"]
    ) -> Ending? {
        #expect(throws: Ending.self) {
            _ = try SettingsFixture(json, environment).settings.applied(to: arguments)
        }
    }

    @Test(
        "An unknown key is 78 and the nearest one is named",
        arguments: [
            (#"{"defaults":{"bufer":1}}"#, "'buffer'"),
            (#"{"contexts":{"w":{"conect":{}}}}"#, "'connect'"),
            (#"{"contexts":{"w":{"connect":{"retry-frist":true}}}}"#, "'retry-first'"),
            (#"{"default":{}}"#, "'defaults'"),
        ])
    func unknownKeys(json: String, nearest: String) throws {
        let ending = try #require(refusal(json))
        #expect(ending.status == 78)
        #expect(ending.sentence?.contains("did you mean \(nearest)?") == true)
        #expect(ending.sentence?.hasPrefix("/c.json: ") == true)
    }

    @Test(
        "What has the wrong shape is 78",
        arguments: [
            "[]", "1", #"{"defaults":1}"#, #"{"contexts":[]}"#, #"{"contexts":{"w":1}}"#,
            #"{"defaults":{"connect":1}}"#, #"{"defaults":{"buffer":null}}"#,
            #"{"defaults":{"buffer":[1]}}"#, #"{"defaults":{"retry-first":"yes"}}"#,
            #"{"defaults":{"verbose":-1}}"#, #"{"contexts":{"w":{"context":"v"}}}"#,
        ])
    func shapes(json: String) throws {
        #expect(try #require(refusal(json)).status == 78)
    }

    @Test("Bad JSON is 78 with line and column")
    func syntax() throws {
        let ending = try #require(refusal("{\n  \"defaults\": {,}\n}"))
        #expect(ending.status == 78)
        #expect(ending.sentence?.hasPrefix("/c.json: line 2, column 16: ") == true)
    }

    @Test("A bad flag in the environment is 64 and named")
    func environment() throws {
        let ending = try #require(refusal(nil, ["FTSL_RETRY_FIRST": "maybe"]))
        #expect(ending.status == 64)
        #expect(ending.sentence?.hasPrefix("FTSL_RETRY_FIRST: 'maybe'") == true)
    }

    @Test("A context that is not there is 78, with the nearest name and who asked")
    func contexts() throws {
        let json = #"{"contexts":{"work":{}}}"#
        let asked = try #require(refusal(json, [:], ["connect", "--context", "wrok"]))
        #expect(asked.status == 78)
        #expect(asked.sentence?.contains("did you mean 'work'?") == true)
        let variable = try #require(refusal(json, ["FTSL_CONTEXT": "x"]))
        #expect(variable.sentence?.contains("FTSL_CONTEXT") == true)
        #expect(try #require(refusal(nil, ["FTSL_CONTEXT": "x"])).status == 78)
    }

    /// What the parser says, as the tool asks it.
    private func complaint(_ arguments: [String]) -> String? {
        do {
            _ = try RootCommand.parseAsRoot(arguments)
            return nil
        } catch {
            return RootCommand.message(for: error)
        }
    }

    @Test("The blame for a value that the parser refuses goes to where it came from")
    func culprits() throws {
        func culprit(
            _ json: String?, _ environment: [String: String], _ arguments: String...
        ) throws -> SettingSource? {
            try SettingsFixture(json, environment).settings.applied(to: arguments)
                .culprit(complaint)?.source
        }
        let two = ["FTSL_BUFFER": "12Z", "FTSL_LINGER": "1s"]
        #expect(try culprit(nil, two, "connect", "a:1") == .environment("FTSL_BUFFER"))
        #expect(
            try culprit(#"{"defaults":{"buffer":"1"}}"#, [:], "connect", "a:1")
                == .file(path: "/c.json", place: "defaults.buffer"))
        #expect(
            try culprit(nil, ["FTSL_ENDPOINT": "1:2:3"], "connect") == .environment("FTSL_ENDPOINT")
        )
        #expect(
            try culprit(nil, ["FTSL_FORWARD": "a:1"], "listen", "--exec", "x")
                == .environment("FTSL_FORWARD"))
    }

    @Test("The user's own mistakes are the user's")
    func ownMistakes() throws {
        let fixture = try SettingsFixture(nil, ["FTSL_LINGER": "1s"])
        for arguments in [["connect"], ["connect", "a:1", "--buffer", "x"], ["connect", "1:2:3"]] {
            #expect(try fixture.settings.applied(to: arguments).culprit(complaint) == nil)
        }
    }
}

@Suite("Where config.json is")
struct ConfigurationPathTests {
    @Test("Below XDG_CONFIG_HOME if that is absolute, else below ~/.config")
    func paths() {
        func path(_ variables: [String: String]) -> String? {
            ConfigurationFile.standardPath { variables[$0] }
        }
        #expect(path(["XDG_CONFIG_HOME": "/x", "HOME": "/h"]) == "/x/ftsl/config.json")
        #expect(path(["XDG_CONFIG_HOME": "x", "HOME": "/h"]) == "/h/.config/ftsl/config.json")
        #expect(path(["HOME": "/h"]) == "/h/.config/ftsl/config.json")
        #expect(path([:]) == nil)
    }

    @Test("A file that is not there is none; a folder in its place is 78")
    func reading() throws {
        #expect(try ConfigurationFile.read("/nowhere/at/all") == nil)
        #expect(try ConfigurationFile.read("/dev/null/x") == nil)
        let ending = #expect(throws: Ending.self) { try ConfigurationFile.read("/tmp") }
        #expect(ending?.status == 78)
        let endless = #expect(throws: Ending.self) { try ConfigurationFile.read("/dev/zero") }
        #expect(endless?.sentence?.contains("larger than") == true)
    }
}
