import Foundation
import Testing

/// Somebody with an identity and beliefs of their own: a folder that stands for a home.
struct Person {
    let stage: Stage
    /// `$XDG_CONFIG_HOME` of everything this person runs.
    let home: String

    /// Where `ftsl` keeps what it knows for this person.
    var folder: String { home + "/ftsl" }
    var identity: String { folder + "/identity.pem" }
    var knownPeers: String { folder + "/known_peers" }
    var authorizedPeers: String { folder + "/authorized_peers" }
    var wrapper: [String] { ["/usr/bin/env", "XDG_CONFIG_HOME=\(home)"] }

    /// Runs `ftsl` to its end and gives back what it wrote.
    @discardableResult
    func ftsl(_ arguments: String...) throws -> String {
        let program = try stage.ftsl(arguments, under: wrapper)
        try expectStatus(0, program)
        return try program.output?.allText() ?? ""
    }

    func start(_ arguments: [String], input: Input = .null) throws -> Program {
        try stage.ftsl(arguments, input: input, under: wrapper)
    }

    /// This person's fingerprint.
    func key() throws -> String {
        try ftsl("key", "show").trimmingCharacters(in: .newlines)
    }

    /// Lets another person come to this one's listeners.
    func authorize(_ other: Person, _ options: String...) throws {
        let program = try start(["key", "trust", other.key()] + options)
        try expectStatus(0, program)
    }

    /// A listener beyond loopback, where only TLS is spoken.
    func listen(
        _ options: [String] = [], at endpoint: String = "0.0.0.0:0", input: Input = .null
    ) throws -> Listener {
        // A public listener wants to know somebody, be it a key that nobody has.
        if !FileManager.default.fileExists(atPath: authorizedPeers), !options.contains("--insecure")
        {
            try ftsl("key", "trust", "ftsl1:" + String(repeating: "a", count: 52))
        }
        return try stage.listen(
            ["--public"] + options, at: endpoint, input: input, under: wrapper)
    }

    func connect(
        _ endpoint: String, _ options: [String] = [], input: Input = .null
    ) throws -> Program {
        try stage.connect(endpoint, options, input: input, under: wrapper)
    }

    /// Sends a line to a listener that echoes and expects it back.
    func expectEcho(
        _ endpoint: String, _ options: [String] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let client = try connect(endpoint, options, input: .pipe)
        client.input?.write("hello\n")
        client.input?.close()
        try expectStatus(0, client, sourceLocation: sourceLocation)
        #expect(try client.output?.allText() == "hello\n", sourceLocation: sourceLocation)
    }
}

extension Stage {
    func person(_ name: String) throws -> Person {
        let home = path("home-\(name)")
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
        return Person(stage: self, home: home)
    }

    /// Runs a script of `Tests/Adversary` with Debian's Python, which has the libraries that it needs.
    func adversary(_ script: String, _ arguments: [String], input: Input = .null) throws -> Program
    {
        try start(
            Launch(
                path: "/usr/bin/python3",
                arguments: ["-B", "\(Tool.tests)/Adversary/\(script)"] + arguments,
                environment: ["TMPDIR": folder], input: input))
    }

    /// The JSON object that a script ends with.
    func verdict(_ script: String, _ arguments: [String]) throws -> JSONObject {
        let program = try adversary(script, arguments)
        try expectStatus(0, program, .seconds(60))
        return try #require(program.output?.objects.last, "\(program.errors?.text ?? "")")
    }
}

/// Expects a refusal that is one sentence with these words in it.
func expectRefusal(
    _ program: Program, _ status: Int32 = 77, _ words: String...,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    try expectStatus(status, program, sourceLocation: sourceLocation)
    let sentence = try oneSentence(program, sourceLocation: sourceLocation)
    for word in words {
        #expect(
            sentence.contains(word), "'\(word)' in: \(sentence)", sourceLocation: sourceLocation)
    }
}

func mode(_ path: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? -1
}
