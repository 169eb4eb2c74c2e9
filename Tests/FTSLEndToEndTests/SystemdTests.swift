import Foundation
import Testing

@Suite("Under a service manager", .needs("/usr/bin/python3", "systemd-socket-activate"), .onStage)
struct SystemdTests {
    @Test(
        "It hears READY, STATUS, WATCHDOG, RELOADING and STOPPING, and the command does not talk",
        arguments: ["path", "abstract"])
    func notifications(kind: String) throws {
        let result = try stage.python("Services/notifications", [Tool.path, kind], .seconds(60))
        #expect(result.status == .status(0), "\(result.output)\(result.errors)")
    }

    @Test("A socket that the manager has opened is served, and stays its")
    func activation() throws {
        let stage = try stage
        let path = stage.path("s.sock")
        let manager = try stage.start(
            Launch(
                path: "systemd-socket-activate",
                arguments: [
                    "-l", path, "-E", "XDG_RUNTIME_DIR=\(stage.folder)", "-E",
                    "XDG_STATE_HOME=\(stage.folder)/state", Tool.path, "listen", "--exec", "cat",
                ]))
        try manager.errors?.line(containing: "Listening on")
        let client = try stage.connect("unix:\(path)", input: .pipe)
        client.input?.write("hello\n")
        try client.output?.line(containing: "hello")
        client.input?.close()
        try expectStatus(0, client)
        // The manager has become the listener: exec keeps the pid.
        manager.signal(SIGTERM)
        try expectStatus(128 + SIGTERM, manager)
        #expect(FileManager.default.fileExists(atPath: path))
    }

    @Test("A socket beyond loopback needs --public, as an endpoint does")
    func beyondLoopback() throws {
        let stage = try stage
        let port = try Socket.unusedPort()
        let manager = try stage.start(
            Launch(
                path: "systemd-socket-activate",
                arguments: ["-l", "0.0.0.0:\(port)", Tool.path, "listen", "--exec", "cat"]))
        try manager.errors?.line(containing: "Listening on")
        let connection = try Socket.connect(port)
        try expectStatus(78, manager)
        #expect(manager.errors?.text.contains("--public") == true)
        connection.close()
    }
}
