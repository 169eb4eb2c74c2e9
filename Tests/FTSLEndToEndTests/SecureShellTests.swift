import Foundation
import Testing

/// A real sshd on loopback with keys of its own, and an ssh that reaches it only through `ftsl`.
private struct SecureShell {
    let configuration: String
    let cuts: Watched<Int>
    /// Where sshd listens.
    let server: String

    /// `listening` is said to the listener.
    init(cutEvery bytes: Int = 2 << 20, listening: [String] = []) throws {
        for name in ["host", "user"] {
            try stage.run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", stage.path(name)])
        }
        let keys = try stage.path("authorized_keys")
        try FileManager.default.copyItem(atPath: stage.path("user.pub"), toPath: keys)
        // Where sshd drops its privileges; only its own service script makes it.
        if geteuid() == 0 { mkdir("/run/sshd", 0o755) }
        let settings = try stage.path("sshd_config")
        try """
        ListenAddress 127.0.0.1
        HostKey \(stage.path("host"))
        AuthorizedKeysFile \(keys)
        StrictModes no
        UsePAM no
        PidFile none
        PermitRootLogin prohibit-password
        PasswordAuthentication no
        Subsystem sftp internal-sftp
        """.write(toFile: settings, atomically: true, encoding: .utf8)
        let sshd = try #require(Requirement.find("sshd"))
        let (_, port) = try stage.serve { port in
            Launch(path: sshd, arguments: ["-D", "-e", "-f", settings, "-p", "\(port)"])
        }
        server = "127.0.0.1:\(port)"
        let listener = try stage.listen(["--forward", server] + listening)
        let relay = try stage.relay(to: listener)
        cuts = try stage.keepCutting(relay, every: bytes)
        configuration = try stage.path("ssh_config")
        try """
        Host far
          ProxyCommand \(Tool.path) connect -q \(relay.endpoint)
          User \(NSUserName())
          IdentityFile \(stage.path("user"))
          IdentitiesOnly yes
          BatchMode yes
          StrictHostKeyChecking accept-new
          UserKnownHostsFile \(stage.path("known_hosts"))
        """.write(toFile: configuration, atomically: true, encoding: .utf8)
    }
}

@Suite(
    "ssh, scp, rsync and git over ftsl while connections are cut",
    .needs("sshd", "ssh", "ssh-keygen", "scp", "rsync", "git"), .onStage(weight: 2))
struct SecureShellTests {
    @Test("ssh: bytes both ways, standard error and the exit status")
    func ssh() throws {
        let shell = try SecureShell()
        let file = try stage.randomFile("in", 24 << 20)
        let ssh = try stage.start(
            Launch(
                path: "ssh",
                arguments: ["-F", shell.configuration, "far", "cat; echo aside >&2; exit 7"],
                input: .file(file), output: .file(stage.path("out"))))
        try expectStatus(7, ssh, .seconds(60))
        #expect(try ssh.errors?.allText().contains("aside\n") == true)
        try expectSame(file, stage.path("out"))
        #expect(shell.cuts.current >= 10)
    }

    @Test("ssh: a session drains while its listener moves; the next one is served over there")
    func drain() throws {
        let shell = try SecureShell(listening: ["--name", "ssh-a"])
        let target = try stage.listen(
            ["--forward", shell.server, "--name", "ssh-b", "--accept-migration"])
        let file = try stage.randomFile("in", 16 << 20)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        let out = try stage.path("out")
        let ssh = try stage.start(
            Launch(
                path: "ssh", arguments: ["-F", shell.configuration, "far", "cat; exit 7"],
                input: .pipe, output: .file(out)))
        let half = bytes.count / 2
        ssh.input?.write(bytes[..<half])
        try eventually("the first half is back") {
            let attributes = try FileManager.default.attributesOfItem(atPath: out)
            return attributes[.size] as? Int == half
        }
        try expectStatus(0, stage.ftsl(["migrate", "ssh-a", target.endpoint]))
        let next = try stage.start(
            Launch(
                path: "ssh", arguments: ["-F", shell.configuration, "far", "cat"], input: .pipe))
        try eventually("the next session is at the target") {
            try stage.sessions(of: "ssh-b").count == 1
        }
        ssh.input?.write(bytes[half...])
        ssh.input?.close()
        try expectStatus(7, ssh, .seconds(60))
        try expectSame(file, out)
        next.input?.write("there\n")
        next.input?.close()
        try expectStatus(0, next, .seconds(30))
        #expect(try next.output?.allText() == "there\n")
    }

    @Test("scp there and back")
    func scp() throws {
        let shell = try SecureShell()
        let file = try stage.randomFile("in", 24 << 20)
        let (there, back) = try (stage.path("there"), stage.path("back"))
        try stage.run("scp", ["-q", "-F", shell.configuration, file, "far:\(there)"], .seconds(60))
        try stage.run("scp", ["-q", "-F", shell.configuration, "far:\(there)", back], .seconds(60))
        try expectSame(file, back)
        #expect(shell.cuts.current >= 10)
    }

    @Test("rsync of a tree, and again after a change")
    func rsync() throws {
        let shell = try SecureShell(cutEvery: 1 << 20)
        let (tree, copy) = try (stage.path("tree"), stage.path("copy"))
        try FileManager.default.createDirectory(
            atPath: tree + "/deep", withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: Tool.tests, toPath: tree + "/tests")
        _ = try stage.randomFile("tree/deep/random", 12 << 20)
        // Not by time: both versions of a file may be of the same second.
        let ssh = "ssh -F \(shell.configuration)"
        let arguments = ["-a", "--checksum", "-e", ssh, tree + "/", "far:\(copy)/"]
        try stage.run("rsync", arguments, .seconds(60))
        try expectSame(tree, copy)
        _ = try stage.randomFile("tree/deep/random", 12 << 20, seed: 22)
        try stage.run("rsync", arguments, .seconds(60))
        try expectSame(tree, copy)
        #expect(shell.cuts.current >= 10)
    }

    @Test("git clone and push")
    func git() throws {
        let shell = try SecureShell(cutEvery: 1 << 20)
        let (origin, copy) = try (stage.path("origin"), stage.path("copy"))
        let user = ["-c", "user.name=T", "-c", "user.email=t@example.invalid"]
        try stage.run("git", ["init", "-q", "-b", "main", origin])
        _ = try stage.randomFile("origin/random", 12 << 20)
        try stage.run("git", ["-C", origin, "add", "."])
        try stage.run("git", user + ["-C", origin, "commit", "-qm", "one"])
        try stage.run("git", ["-C", origin, "config", "receive.denyCurrentBranch", "ignore"])
        let ssh = ["-c", "core.sshCommand=ssh -F \(shell.configuration)"]
        try stage.run("git", ssh + ["clone", "-q", "far:\(origin)", copy], .seconds(60))
        try expectSame("\(origin)/random", "\(copy)/random")
        _ = try stage.randomFile("copy/more", 8 << 20, seed: 23)
        try stage.run("git", ["-C", copy, "add", "."])
        try stage.run("git", user + ["-C", copy, "commit", "-qm", "two"])
        try stage.run("git", ssh + ["-C", copy, "push", "-q"], .seconds(60))
        let heads = try [origin, copy].map {
            try stage.run("git", ["-C", $0, "rev-parse", "main"])
        }
        #expect(heads[0] == heads[1])
        try stage.run("git", ["-C", origin, "fsck", "--full"])
        #expect(shell.cuts.current >= 10)
    }
}
