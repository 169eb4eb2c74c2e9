import Foundation
import Testing

/// A public-key infrastructure instead of known keys.
@Suite("Certificates under an authority", .onStage, .needs("openssl"))
struct SecurityCertificateTests {
    /// An authority with the certificates it signs, made by openssl.
    struct Authority {
        let stage: Stage
        let name: String
        var certificate: String { stage.path("\(name).crt") }

        init(_ stage: Stage, _ name: String = "authority") throws {
            self.stage = stage
            self.name = name
            try openssl(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
                    + "-subj /CN=\(name) -keyout \(stage.path(name)).key -out \(certificate)")
        }

        /// The options of an end with a certificate for these names.
        func options(_ end: String, names: String) throws -> [String] {
            let path = stage.path("\(name)-\(end)")
            try "subjectAltName=\(names)\n".write(
                toFile: path + ".ext", atomically: true, encoding: .utf8)
            try openssl(
                "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=\(end) "
                    + "-keyout \(path).key -out \(path).csr")
            try openssl(
                "x509 -req -in \(path).csr -CA \(certificate) -CAkey \(stage.path(name)).key "
                    + "-CAcreateserial -days 2 -extfile \(path).ext -out \(path).crt")
            chmod(path + ".key", 0o600)
            return [
                "--tls-cert", path + ".crt", "--tls-key", path + ".key", "--tls-ca", certificate,
            ]
        }

        private func openssl(_ line: String) throws {
            try stage.run("openssl", line.split(separator: " ").map(String.init))
        }
    }

    private func listen(_ options: [String], _ ada: Person) throws -> Listener {
        try ada.listen(["--exec", "cat"] + options)
    }

    @Test("Both ends accept certificates under their authority whose host name is right")
    func goodName() throws {
        let ada = try stage.person("ada")
        let authority = try Authority(stage)
        let listener = try listen(authority.options("server", names: "DNS:localhost"), ada)
        let client = try authority.options("client", names: "DNS:laptop.example.org")
        try ada.expectEcho("localhost:\(listener.port)", client)
        let file = try ada.connect("localhost:\(listener.port)", client)
        try expectStatus(0, file)
        #expect(FileManager.default.fileExists(atPath: ada.knownPeers) == false)
    }

    @Test("An address is accepted where the certificate names it")
    func address() throws {
        let ada = try stage.person("ada")
        let authority = try Authority(stage)
        let listener = try listen(
            authority.options("server", names: "DNS:db.example.org,IP:127.0.0.1"), ada)
        let client = try authority.options("client", names: "DNS:laptop.example.org")
        try ada.expectEcho("127.0.0.1:\(listener.port)", client)
    }

    @Test("The command is told the name of its client's certificate")
    func name() throws {
        let ada = try stage.person("ada")
        let authority = try Authority(stage)
        let listener = try ada.listen(
            ["--exec", "echo $FTSL_PEER_KEY"]
                + authority.options("server", names: "DNS:localhost"))
        let client = try ada.connect(
            "localhost:\(listener.port)",
            authority.options("client", names: "DNS:laptop.example.org,DNS:other"))
        try expectStatus(0, client)
        #expect(try client.output?.allText() == "laptop.example.org\n")
    }

    @Test("A certificate for another host is 77, by name and by address")
    func wrongName() throws {
        let ada = try stage.person("ada")
        let authority = try Authority(stage)
        let listener = try listen(authority.options("server", names: "DNS:db.example.org"), ada)
        let client = try authority.options("client", names: "DNS:laptop.example.org")
        for host in ["localhost", "127.0.0.1"] {
            try expectRefusal(ada.connect("\(host):\(listener.port)", client), 77, "certificate")
        }
    }

    @Test("A certificate under a foreign authority is 77 at either end")
    func foreign() throws {
        let ada = try stage.person("ada")
        let (ours, theirs) = try (Authority(stage), Authority(stage, "foreign"))
        let listener = try listen(ours.options("server", names: "DNS:localhost"), ada)
        let endpoint = "localhost:\(listener.port)"
        let stranger = try theirs.options("client", names: "DNS:laptop.example.org")
        try expectStatus(77, try ada.connect(endpoint, stranger))
        // It believes the listener's authority, but the listener does not believe its certificate.
        let half = stranger.dropLast() + [ours.certificate]
        try expectStatus(77, try ada.connect(endpoint, Array(half)))
    }

    @Test("Known keys are worth nothing at a listener with an authority")
    func keyAtAuthority() throws {
        let ada = try stage.person("ada")
        let authority = try Authority(stage)
        let listener = try listen(authority.options("server", names: "DNS:localhost"), ada)
        try expectStatus(77, try ada.connect("localhost:\(listener.port)", ["--accept-new"]))
    }

    @Test("A client without a certificate is refused in the handshake")
    func noCertificate() throws {
        let ada = try stage.person("ada")
        let authority = try Authority(stage)
        for options in [[], try authority.options("server", names: "DNS:localhost")] {
            let listener = try listen(options, ada)
            let client = try stage.start(
                Launch(
                    path: "openssl",
                    arguments: [
                        "s_client", "-connect", "127.0.0.1:\(listener.port)", "-alpn", "ftsl/1",
                        "-quiet", "-no_ign_eof",
                    ], input: .pipe))
            let end = try client.wait(.seconds(20))
            let said = try client.errors?.allText() ?? ""
            #expect(end != .status(0), "\(said)")
            #expect(said.contains("certificate required"), "\(said)")
        }
    }

    @Test("Half of the three options, and a key that others can read, are refused")
    func halves() throws {
        let ada = try stage.person("ada")
        let options = try Authority(stage).options("server", names: "DNS:localhost")
        let listen = ["listen", "--public", "0.0.0.0:0"]
        try expectStatus(64, try ada.start(listen + options.prefix(2)))
        try expectStatus(64, try ada.start(listen + options.suffix(2)))
        for mode in [0o640, 0o604] as [mode_t] {
            chmod(options[3], mode)
            try expectRefusal(ada.start(listen + options), 78, "mode", "chmod 600")
        }
        chmod(options[3], 0o600)
        rename(options[3], options[3] + ".real")
        symlink(options[3] + ".real", options[3])
        // Renewing tools keep keys behind links; what is looked at is the file.
        _ = try ada.listen(["--exec", "cat"] + options)
        chmod(options[3] + ".real", 0o644)
        try expectRefusal(ada.start(listen + options), 78, "mode")
        unlink(options[3])
        try expectRefusal(ada.start(listen + options), 78, "no file")
    }

    @Test("SIGHUP brings in a renewed certificate and drops no session")
    func reload() throws {
        let ada = try stage.person("ada")
        let authority = try Authority(stage)
        let client = try authority.options("client", names: "DNS:laptop.example.org")
        let options = try authority.options("server", names: "DNS:db.example.org")
        let listener = try listen(options, ada)
        let endpoint = "localhost:\(listener.port)"
        try expectStatus(77, try ada.connect(endpoint, client))
        _ = try authority.options("server", names: "DNS:localhost")
        listener.program.signal(SIGHUP)
        try expectSoon("the new certificate in use") {
            try ada.connect(endpoint, client).wait(.seconds(20)) == .status(0)
        }
        let session = try ada.connect(endpoint, client, input: .pipe)
        session.input?.write("before\n")
        try session.output?.line(containing: "before")
        _ = try authority.options("server", names: "DNS:localhost,DNS:renewed.example.org")
        listener.program.signal(SIGHUP)
        session.input?.write("after\n")
        try session.output?.line(containing: "after")
        session.input?.close()
        try expectStatus(0, session)
        #expect(try session.errors?.allText() == "")
    }

    @Test("A certificate that cannot be used at SIGHUP leaves the old one in place")
    func badReload() throws {
        let ada = try stage.person("ada")
        let authority = try Authority(stage)
        let client = try authority.options("client", names: "DNS:laptop.example.org")
        let options = try authority.options("server", names: "DNS:localhost")
        let listener = try listen(options, ada)
        try write("nonsense", to: options[1])
        listener.program.signal(SIGHUP)
        try listener.errors.line(containing: "kept the old")
        try ada.expectEcho("localhost:\(listener.port)", client)
    }
}
