import Foundation
import Testing

/// A listener that is asked from another machine, by a key that may control it or may not.
@Suite("Control from afar", .onStage)
struct SecurityControlTests {
    /// Bob is on a machine of his own: he does not see Ada's control sockets.
    private struct Scene {
        let ada: Person
        let bob: Person
        let listener: Listener

        var endpoint: String { "127.0.0.1:\(listener.port)" }

        func bob(_ arguments: [String], input: Input = .null) throws -> Program {
            let runtime = bob.home + "/run"
            try FileManager.default.createDirectory(
                atPath: runtime, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            return try bob.stage.ftsl(
                arguments, input: input, under: bob.wrapper + ["XDG_RUNTIME_DIR=\(runtime)"])
        }

        func status(_ options: String...) throws -> [JSONObject] {
            let program = try bob(["status", endpoint, "--json"] + options)
            try expectStatus(0, program)
            return try program.output?.allText().split(separator: "\n")
                .compactMap { JSONObject(String($0)) } ?? []
        }
    }

    private func scene(_ allow: String, _ options: [String]) throws -> Scene {
        let (ada, bob) = try (stage.person("ada"), stage.person("bob"))
        try ada.authorize(bob, "--allow", allow)
        let scene = Scene(
            ada: ada, bob: bob,
            listener: try ada.listen(options + ["--name", "web", "--heartbeat", "300ms"]))
        // The key is remembered, whatever is answered.
        try scene.bob(["status", scene.endpoint, "--accept-new"]).wait()
        return scene
    }

    @Test("Without the permission nothing is told, and with it at once")
    func permission() throws {
        let scene = try scene("stream,inbox,consume,migrate", ["--exec", "cat"])
        try expectRefusal(scene.bob(["status", scene.endpoint]), 77, "not allowed")
        try expectRefusal(scene.bob(["migrate", scene.endpoint, "--status"]), 77, "not allowed")
        try scene.ada.authorize(scene.bob, "--allow", "control")
        #expect(try scene.status().first?.string("name") == "web")
        // It controls, and nothing else.
        let client = try scene.bob(["connect", scene.endpoint, "--accept-new"], input: .null)
        try expectRefusal(client, 77, "not allowed")
    }

    @Test("Plaintext never controls, on loopback neither")
    func plaintext() throws {
        let (ada, bob) = try (stage.person("ada"), stage.person("bob"))
        let listener = try stage.listen(["--exec", "cat"], under: ada.wrapper)
        let scene = Scene(ada: ada, bob: bob, listener: listener)
        // A key that nobody let in is no better.
        try scene.bob(["status", scene.endpoint, "--accept-new"]).wait()
        try expectRefusal(scene.bob(["status", scene.endpoint]), 77, "not allowed")
        try expectStatus(64, scene.bob(["status", scene.endpoint, "--insecure"]))
    }

    @Test("Sessions and the inbox are shown as on the listener's own machine, and can be ended")
    func page() throws {
        let stage = try stage
        let inbox = stage.path("in.db")
        let scene = try scene(
            "stream,inbox,control", ["--exec", "cat", "--inbox", inbox])
        let client = try scene.bob(["connect", scene.endpoint, "--accept-new"], input: .pipe)
        client.input?.write("hello\n")
        try client.output?.line(containing: "hello")
        try expectStatus(0, scene.bob(["send", scene.endpoint, "one", "--accept-new"]))
        let lines = try scene.status()
        let stream = try #require(lines.first { $0.string("service") == "exec" })
        #expect(stream.integer("received") == 6)
        #expect(stream.string("peer_key") == (try scene.bob.key()))
        #expect(lines.contains { $0.string("service") == "control" })
        #expect(lines.first { $0.string("kind") == "inbox" }?.integer("messages") == 1)
        let table = try scene.bob(["status", scene.endpoint])
        try expectStatus(0, table)
        #expect(try table.output?.allText().contains("\n1 message, 3 B") == true)

        let id = try #require(stream.string("session"))
        try expectStatus(0, scene.bob(["status", scene.endpoint, "--kill", id]))
        try expectStatus(80, client)
        // Who asked has gone, and so have the sessions of the questions.
        try eventually("only its own session") {
            try scene.status().count { $0.string("service") == "control" } == 1
        }
    }

    @Test("--watch goes on through lost connections, and ends when the key is revoked")
    func watch() throws {
        let scene = try scene("control", ["--exec", "cat"])
        let relay = try stage.relay(to: scene.listener)
        let endpoint = "127.0.0.1:\(relay.port)"
        let watch = try scene.bob(["status", endpoint, "--json", "--watch", "--accept-new"])
        try watch.output?.line(containing: "\"kind\":\"listener\"")
        relay.cut()
        // What it shows of its own session is news after each cut.
        try watch.output?.line(containing: "\"attachment\":1")
        try scene.ada.ftsl("key", "revoke", scene.bob.key())
        try expectStatus(77, watch)
    }

    @Test("A listener is moved from afar; a restart is asked for where it runs")
    func move() throws {
        let scene = try scene("stream,control", ["--exec", "cat"])
        try expectRefusal(
            scene.bob(["migrate", scene.endpoint, "--restart"]), 64, "own machine")
        let target = try scene.ada.listen(
            ["--exec", "cat", "--accept-migration", "--name", "other"])
        let client = try scene.bob(["connect", scene.endpoint, "--accept-new"], input: .pipe)
        client.input?.write("hello\n")
        try client.output?.line(containing: "hello")
        let move = try scene.bob(
            ["migrate", scene.endpoint, "127.0.0.1:\(target.port)", "--json"])
        try expectStatus(0, move)
        // A plain command stays where it is, and the client with it.
        client.input?.close()
        try expectStatus(0, client)
        try expectRefusal(
            scene.bob(["migrate", scene.endpoint, "127.0.0.1:\(target.port)"]), 83, "moved")
    }
}
