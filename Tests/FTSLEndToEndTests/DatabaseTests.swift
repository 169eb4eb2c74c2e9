import Foundation
import Testing

extension Stage {
    /// `listen --forward` to this server and `connect --local` to that, with a relay in between.
    func tunnel(to port: Int) throws -> (port: Int, relay: Relay, local: Program) {
        let listener = try listen(["--forward", "127.0.0.1:\(port)"])
        let relay = try relay(to: listener)
        let local = try connect(relay.endpoint, ["--local", ":0", "-v"])
        return (try FTSLEndToEndTests.port(of: local), relay, local)
    }
}

@Suite("PostgreSQL through --local and --forward", .onStage(weight: 2))
struct PostgreSQLTests {
    /// Debian keeps the server's programs out of the way of PATH.
    private static let folder: String? = {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return versions.sorted { (Int($0) ?? 0) < (Int($1) ?? 0) }.last.map { "\(root)/\($0)/bin" }
    }()

    /// The server refuses to run as root.
    private var asPostgres: [String] {
        geteuid() == 0
            ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] : []
    }

    private func start() throws -> Int {
        let bin = try #require(Self.folder, "no PostgreSQL server in /usr/lib/postgresql")
        let data = try stage.path("cluster")
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        if geteuid() == 0 {
            try stage.run("chown", ["postgres:", data])
            try stage.run("chmod", ["755", stage.folder])
        }
        let initdb =
            asPostgres + ["\(bin)/initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N"]
        try stage.run(initdb[0], Array(initdb.dropFirst()), .seconds(60))
        let (server, port) = try stage.serve { port in
            let line =
                asPostgres + [
                    "\(bin)/postgres", "-D", data, "-p", "\(port)", "-k", data,
                    "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off",
                ]
            return Launch(path: line[0], arguments: Array(line.dropFirst()))
        }
        try eventually("PostgreSQL takes queries", .seconds(30)) {
            try psql(port, "select 1").wait() == .status(0)
        }
        // Told to go before it is killed, it leaves no shared memory behind.
        try stage.beforeEnd {
            server.signal(SIGINT)
            _ = try? server.wait(.seconds(10))
        }
        return port
    }

    private func psql(_ port: Int, _ query: String) throws -> Program {
        try stage.start(
            Launch(
                path: "psql",
                arguments: [
                    "-h", "127.0.0.1", "-p", "\(port)", "-U", "postgres", "-X", "-A", "-t", "-q",
                    "-v", "ON_ERROR_STOP=1", "-c", query,
                ]))
    }

    private func dump(_ port: Int, into name: String) throws -> String {
        try stage.run(
            "pg_dump",
            ["-h", "127.0.0.1", "-p", "\(port)", "-U", "postgres", "-f", stage.path(name)],
            .seconds(60))
        let text = try String(contentsOfFile: stage.path(name), encoding: .utf8)
        // Newer versions put a random word into two lines.
        return text.split(separator: "\n").filter { !$0.contains("restrict ") }
            .joined(separator: "\n")
    }

    @Test(
        "psql and pg_dump while connections are cut",
        .enabled(if: Requirement.isCI || folder != nil, "PostgreSQL is not installed"),
        .needs("psql", "pg_dump", "setpriv"))
    func dump() throws {
        let port = try start()
        let (local, relay, _) = try stage.tunnel(to: port)
        let cuts = try stage.keepCutting(relay, every: 1 << 20)
        let fill = """
            create table t as select i, md5(i::text) as a, md5((i * 7)::text) as b
            from generate_series(1, 200000) as i
            """
        try expectStatus(0, psql(local, fill), .seconds(60))
        let sum = "select count(*), md5(string_agg(a || b, ',' order by i)) from t"
        let near = try psql(port, sum)
        let far = try psql(local, sum)
        try expectStatus(0, far)
        #expect(try far.output?.allText() == near.output?.allText())
        #expect(try far.output?.allText().hasPrefix("200000|") == true)
        #expect(try dump(local, into: "far.sql") == dump(port, into: "near.sql"))
        let rows = try psql(local, "select * from t order by i")
        #expect(
            try rows.output?.allText(.seconds(60))
                == psql(port, "select * from t order by i")
                .output?.allText(.seconds(60)))
        #expect(cuts.current >= 10)
    }
}

@Suite("Redis through --local and --forward", .onStage(weight: 2))
struct RedisTests {
    private func redis(_ port: Int, _ arguments: [String], input: Input = .null) throws -> Program {
        try stage.start(
            Launch(path: "redis-cli", arguments: ["-p", "\(port)"] + arguments, input: input))
    }

    @Test(
        "redis-cli while connections are cut: a large value, and a hundred thousand commands",
        .needs("redis-server", "redis-cli"))
    func commands() throws {
        let (_, port) = try stage.serve { port in
            try Launch(
                path: "redis-server",
                arguments: [
                    "--port", "\(port)", "--bind", "127.0.0.1", "--save", "", "--daemonize", "no",
                    "--dir", stage.folder,
                ])
        }
        let (local, relay, _) = try stage.tunnel(to: port)
        let cuts = try stage.keepCutting(relay, every: 1 << 20)
        let file = try stage.randomFile("value", 8 << 20)
        try expectStatus(0, redis(local, ["-x", "set", "large"], input: .file(file)))
        let value = try redis(local, ["--raw", "get", "large"])
        let data = try #require(value.output).all(.seconds(60))
        // redis-cli adds a newline.
        #expect(try data.dropLast() == Data(contentsOf: URL(fileURLWithPath: file)))
        let count = 100_000
        let lines = (1...count).map { "SET key:\($0) \($0)\r\n" }.joined()
        try lines.write(toFile: stage.path("commands"), atomically: true, encoding: .utf8)
        let mass = try redis(local, ["--pipe"], input: .file(stage.path("commands")))
        try expectStatus(0, mass, .seconds(60))
        #expect(try mass.output?.allText().contains("errors: 0, replies: \(count)") == true)
        #expect(try redis(local, ["dbsize"]).output?.allText() == "\(count + 1)\n")
        #expect(cuts.current >= 10)
    }
}
