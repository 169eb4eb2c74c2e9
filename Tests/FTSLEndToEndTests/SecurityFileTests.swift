import Foundation
import Testing

/// Files that decide who is trusted are believed only while nobody else can write them.
@Suite("Files of trust", .onStage)
struct SecurityFileTests {
    @Test(
        "A file with a mode that lets others in is 78, and the sentence says how to mend it",
        arguments: [
            ("identity.pem", 0o640), ("identity.pem", 0o604), ("identity.pem", 0o620),
            ("known_peers", 0o664), ("known_peers", 0o646), ("authorized_peers", 0o620),
            ("authorized_peers", 0o602),
        ])
    func modes(_ file: String, _ mode: mode_t) throws {
        let ada = try stage.person("ada")
        _ = try ada.key()
        try ada.ftsl("key", "trust", ada.key())
        try ada.ftsl("key", "trust", "--as", "server", ada.key())
        chmod("\(ada.folder)/\(file)", mode)
        let command = file == "identity.pem" ? "show" : "list"
        try expectRefusal(ada.start(["key", command]), 78, file, "chmod")
    }

    @Test("The public lists may be readable by all, and are still written when they are")
    func readable() throws {
        let ada = try stage.person("ada")
        try ada.ftsl("key", "trust", ada.key())
        chmod(ada.authorizedPeers, 0o644)
        try ada.authorize(try stage.person("bob"))
        #expect(try ada.ftsl("key", "list").split(separator: "\n").count == 2)
    }

    @Test(
        "A listener beyond loopback and a client do not start with an identity that others can read"
    )
    func startingWithIt() throws {
        let ada = try stage.person("ada")
        _ = try ada.key()
        chmod(ada.identity, 0o644)
        try expectRefusal(ada.start(["listen", "--public", "0.0.0.0:0"]), 78, "identity.pem")
        try expectRefusal(
            ada.start(["connect", "127.0.0.1:9", "--accept-new"]), 78, "identity.pem")
    }

    @Test(
        "A symbolic link in place of a file is not followed",
        arguments: ["identity.pem", "known_peers", "authorized_peers"])
    func links(_ file: String) throws {
        let (ada, eve) = try (stage.person("ada"), stage.person("eve"))
        _ = try (ada.key(), eve.key())
        try eve.ftsl("key", "trust", eve.key())
        try eve.ftsl("key", "trust", "--as", "server", eve.key())
        unlink("\(ada.folder)/\(file)")
        symlink("\(eve.folder)/\(file)", "\(ada.folder)/\(file)")
        let command = file == "identity.pem" ? "show" : "list"
        try expectRefusal(ada.start(["key", command]), 78, "symbolic link")
    }

    @Test("A link that waits where the identity will be made does not lead the key elsewhere")
    func dangling() throws {
        let ada = try stage.person("ada")
        try FileManager.default.createDirectory(
            atPath: ada.folder, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        let target = try stage.path("stolen")
        symlink(target, ada.identity)
        try expectRefusal(ada.start(["key", "show"]), 78, "symbolic link")
        #expect(FileManager.default.fileExists(atPath: target) == false)
    }

    @Test("A folder that others can write, or that is a link, is refused for reading and writing")
    func folder() throws {
        let ada = try stage.person("ada")
        _ = try ada.key()
        for mode in [0o770, 0o707] as [mode_t] {
            chmod(ada.folder, mode)
            try expectRefusal(ada.start(["key", "show"]), 78, "can be changed by others")
            try expectRefusal(ada.start(["key", "list"]), 78, "can be changed by others")
        }
        chmod(ada.folder, 0o700)
        rename(ada.folder, ada.home + "/elsewhere")
        symlink(ada.home + "/elsewhere", ada.folder)
        try expectRefusal(ada.start(["key", "show"]), 78, "not a folder of its own")
    }

    @Test("Files and folders of another user are refused", .needsRoot)
    func owner() throws {
        let ada = try stage.person("ada")
        _ = try ada.key()
        chown(ada.identity, 65534, 65534)
        try expectRefusal(ada.start(["key", "show"]), 78, "belongs to another user")
        chown(ada.identity, 0, 0)
        chown(ada.folder, 65534, 65534)
        try expectRefusal(ada.start(["key", "show"]), 78, "can be changed by others")
    }

    @Test("A damaged identity is not replaced in silence")
    func damaged() throws {
        let ada = try stage.person("ada")
        _ = try ada.key()
        try write("nonsense\n", to: ada.identity)
        try expectRefusal(ada.start(["key", "show"]), 78, "no usable identity")
        #expect(try String(contentsOfFile: ada.identity, encoding: .utf8) == "nonsense\n")
    }

    @Test("An identity whose key and certificate do not belong together is refused")
    func mixed() throws {
        let (ada, eve) = try (stage.person("ada"), stage.person("eve"))
        _ = try (ada.key(), eve.key())
        let parts = try [ada, eve].map {
            try String(contentsOfFile: $0.identity, encoding: .utf8)
                .components(separatedBy: "-----BEGIN CERTIFICATE-----")
        }
        try write(parts[0][0] + "-----BEGIN CERTIFICATE-----" + parts[1][1], to: ada.identity)
        let end = try ada.start(["listen", "--public", "0.0.0.0:0"])
        try expectRefusal(end, 78, "identity.pem")
    }

    @Test("A Unix socket serves its own user and root, and turns away everybody else", .needsRoot)
    func unixSocket() throws {
        let ada = try stage.person("ada")
        chmod(try stage.folder, 0o755)
        let path = try stage.path("socket")
        let flag = try stage.path("ran")
        let listener = try stage.listen(
            ["--exec", "touch \(flag); cat"], at: "unix:\(path)", under: ada.wrapper)
        chmod(path, 0o777)
        let tool = try stage.path("program")
        // By another process: a descriptor of ours, inherited by some other test's child, would make it busy.
        try stage.run("cp", [Tool.path, tool])
        let other = try stage.start(
            Launch(
                path: "setpriv",
                arguments: [
                    "--reuid", "65534", "--regid", "65534", "--clear-groups", "env", "HOME=/",
                    "XDG_CONFIG_HOME=/nowhere", tool, "connect", "unix:\(path)", "--timeout", "2s",
                ]))
        let end = try other.wait(.seconds(20))
        #expect([.status(69), .status(124)].contains(end), "\(end): \(other.errors?.text ?? "")")
        #expect(FileManager.default.fileExists(atPath: flag) == false)
        try ada.expectEcho(listener.endpoint)
        #expect(FileManager.default.fileExists(atPath: flag))
    }

    @Test("A client says nothing to another user's Unix socket", .needsRoot)
    func foreignSocket() throws {
        chmod(try stage.folder, 0o755)
        let (tool, folder) = try (stage.path("ftsl"), stage.path("theirs"))
        try stage.run("cp", [Tool.path, tool])
        try stage.run("install", ["-d", "-o", "65534", "-m", "755", folder])
        let listener = try stage.start(
            Launch(
                path: "setpriv",
                arguments: [
                    "--reuid", "65534", "--regid", "65534", "--clear-groups", "env", "HOME=/",
                    "XDG_CONFIG_HOME=/nowhere", tool, "listen", "unix:\(folder)/socket",
                ]))
        try listener.errors?.line(containing: "listening on")
        let client = try stage.connect("unix:\(folder)/socket", input: .pipe)
        client.input?.write("secret")
        try expectRefusal(client, 77, "another user")
        #expect(listener.output?.text == "")
    }
}
