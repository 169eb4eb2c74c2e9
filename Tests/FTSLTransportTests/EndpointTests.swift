import FTSLTransport
import Testing

@Suite("Endpoints")
struct EndpointTests {
    @Test(
        "Every spelling of an endpoint is understood",
        arguments: [
            ("host:1", .tcp(host: "host", port: 1)), ("host", .tcp(host: "host", port: 38750)),
            (":7", .tcp(host: "localhost", port: 7)),
            ("10.0.0.1:65535", .tcp(host: "10.0.0.1", port: 65535)),
            ("[::1]:9", .tcp(host: "::1", port: 9)), ("[::1]", .tcp(host: "::1", port: 38750)),
            ("ftsl://host:1", .tcp(host: "host", port: 1)),
            ("ftsl://host", .tcp(host: "host", port: 38750)),
            ("ftsl://host:1/", .tcp(host: "host", port: 1)), ("unix:/run/x", .unix(path: "/run/x")),
            ("unix:x", .unix(path: "x")),
            ("bücher.example:1", .tcp(host: "bücher.example", port: 1)),
        ] as [(String, Endpoint)])
    func spellings(text: String, endpoint: Endpoint) throws {
        #expect(try Endpoint(parsing: text, for: .connect) == endpoint)
    }

    @Test("To listen, an empty host is loopback and port 0 is any")
    func listening() throws {
        #expect(
            try Endpoint(parsing: ":0", for: .listen) == .tcp(host: "127.0.0.1", port: 0))
    }

    @Test(
        "What is not an endpoint is refused with one sentence that quotes it",
        arguments: [
            "", "host:", "host:x", "host:65536", "host:-1", "host:1:2", "::1", "[::1", "[host]:1",
            "[::1]x", "ho st:1", "host:0", "unix:", "a b", "host:1/", "http://host:1", "host: 1",
        ])
    func refused(text: String) throws {
        let error = #expect(throws: Endpoint.SyntaxError.self) {
            try Endpoint(parsing: text, for: .connect)
        }
        let sentence = try #require(error?.text)
        #expect(sentence.contains("'\(text)'"))
        #expect(!sentence.contains("\n") && !sentence.hasSuffix("."))
    }

    @Test("A socket path has room for its terminator")
    func socketPaths() throws {
        let longest = "unix:" + String(repeating: "a", count: 107)
        #expect(try Endpoint(parsing: longest, for: .listen).description == longest)
        #expect(throws: Endpoint.SyntaxError.self) {
            try Endpoint(parsing: longest + "a", for: .listen)
        }
    }

    @Test("Alternatives are separated by commas, and an empty one is a mistake")
    func lists() throws {
        let list = try Endpoint.list(parsing: "a:1,[::1]:2,unix:/x", for: .connect)
        #expect(list == [.tcp(host: "a", port: 1), .tcp(host: "::1", port: 2), .unix(path: "/x")])
        #expect(throws: Endpoint.SyntaxError.self) {
            try Endpoint.list(parsing: "a:1,", for: .connect)
        }
    }

    @Test("What is shown can be typed again", arguments: ["a:1", "[::1]:2", "unix:/x y"])
    func roundTrip(text: String) throws {
        #expect(try Endpoint(parsing: text, for: .connect).description == text)
    }

    @Test("Only this machine reaches loopback and Unix sockets")
    func loopback() throws {
        for text in ["localhost:1", "127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "unix:/x"] {
            #expect(try Endpoint(parsing: text, for: .listen).isLoopback)
        }
        for text in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "example.org:1"] {
            #expect(try !Endpoint(parsing: text, for: .listen).isLoopback)
        }
    }
}
