import Foundation
import Testing

/// Everything else here may run as root, to whom the kernel allows what it refuses to others: once
/// each connection over TCP was among it.
@Suite("A user without privileges", .onStage(weight: 2))
struct UnprivilegedTests {
    private func script(_ text: String) throws -> Program {
        let stage = try stage
        chmod(stage.folder, 0o755)
        let (tool, home) = (stage.path("ftsl"), stage.path("home"))
        try stage.run("cp", [Tool.path, tool])
        try stage.run("install", ["-d", "-o", "65534", "-m", "700", home])
        return try stage.start(
            Launch(
                path: "setpriv",
                arguments: [
                    "--reuid", "65534", "--regid", "65534", "--clear-groups", "sh", "-euc",
                    "cd \(home); \(text)",
                ],
                environment: [
                    "HOME": home, "TMPDIR": home, "XDG_CONFIG_HOME": home, "XDG_STATE_HOME": home,
                    "XDG_RUNTIME_DIR": home, "ftsl": tool,
                ]))
    }

    @Test("selftest holds: streams, messages and moves over TCP", .needsRoot)
    func selftest() throws {
        try expectStatus(0, try script(#""$ftsl" selftest"#), .seconds(60))
    }

    @Test("--local and --forward dial and accept, in plaintext and over TLS", .needsRoot)
    func forwarding() throws {
        // From a session through a plain connection into another session.
        let program = try script(
            #"""
            mkfifo a b c
            "$ftsl" listen 127.0.0.1:0 --exec cat --name echo --ready-fd 3 3>a & one=$!
            read echo <a
            "$ftsl" connect "$echo" --local 127.0.0.1:0 2>b & two=$!
            read words <b
            "$ftsl" listen 127.0.0.1:0 --forward "${words##* }" --name way --ready-fd 3 3>c & three=$!
            read way <c
            printf 'one\n' | "$ftsl" connect "$way"
            printf 'two\n' | "$ftsl" connect "$echo" --accept-new
            kill $one $two $three
            """#)
        try expectStatus(0, program)
        #expect(try program.output?.allText() == "one\ntwo\n")
    }
}
