import FTSLCore
import FTSLKit
import FTSLTransport
import Foundation
import Logging
import MetricsTestKit
import Synchronization
import Testing

/// Keeps what is logged.
private final class LogRecord: Sendable {
    private let lines = Mutex<[String]>([])

    var logger: Logger {
        var logger = Logger(label: "test") { [self] _ in Handler(record: self) }
        logger.logLevel = .debug
        return logger
    }

    var all: [String] { lines.withLock { $0 } }

    func contains(_ message: String, _ value: String) -> Bool {
        lines.withLock { $0.contains { $0.hasPrefix(message) && $0.contains(value) } }
    }

    private struct Handler: LogHandler {
        let record: LogRecord
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.debug

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }
            record.lines.withLock { $0.append("\(event.message) \(all)") }
        }
    }
}

@Suite("What applications log and measure", .timeLimit(.minutes(2)))
struct TelemetryTests {
    private let folder = TestFolder()
    private let metrics = TestMetrics()
    private let record = LogRecord()

    private func eventually(
        sourceLocation: SourceLocation = #_sourceLocation, _ condition: () throws -> Bool
    ) async throws {
        let end = ContinuousClock.now + .seconds(30)
        while try !condition() {
            let state = "\(metrics.counters.map { ($0.label, $0.totalValue) }) \(record.all)"
            try #require(ContinuousClock.now < end, "\(state)", sourceLocation: sourceLocation)
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private func port(of address: String) throws -> Int {
        try #require(address.split(separator: ":").last.flatMap { Int($0) })
    }

    private func total(_ name: String) throws -> Int64 {
        try metrics.expectCounter(name).totalValue
    }

    @Test("A messenger counts what is stored and accepted, and connections that are lost")
    func messenger() async throws {
        let listener = try InboxListener(
            folder.file("inbox.db"), at: .tcp(host: "127.0.0.1", port: 0))
        let cable = try Cable(to: try port(of: listener.address))
        let cuts = Atomic(0)
        Thread.detachNewThread {
            for life in 0..<2 {
                try? cable.carry { cuts.load(ordering: .relaxed) == life }
                cable.cut()
            }
        }
        let address = "127.0.0.1:\(cable.port)"
        let messenger = try await Messenger(
            to: address, .exactlyOnce(outbox: folder.file("outbox.db")),
            logger: record.logger, metrics: metrics)
        for number in 0..<3 {
            try await messenger.send(Message(topic: "n", text: "\(number)"), until: .accepted)
        }
        #expect(try total("ftsl_messages_stored_total") == 3)
        try await eventually { try total("ftsl_messages_accepted_total") == 3 }
        #expect(try total("ftsl_messages_rejected_total") == 0)
        #expect(try total("ftsl_disconnects_total") == 0)
        cuts.store(1, ordering: .relaxed)
        try await eventually { record.contains("not connected", address) }
        #expect(try total("ftsl_disconnects_total") > 0)
        try await messenger.send(Message(topic: "n", text: "more"), until: .accepted)
        try await eventually { try total("ftsl_messages_accepted_total") == 4 }
        await messenger.close()
        cuts.store(2, ordering: .relaxed)
    }

    @Test("A server counts sessions that open and lose their connection, and names them in its log")
    func server() async throws {
        var options = Server.Options()
        options.records = folder.file("records.db")
        options.logger = record.logger
        options.metrics = metrics
        let server = try await Server(at: "127.0.0.1:0", options: options) { session, _ in
            Echo(session: session)
        }
        let port = try port(of: server.address)
        var client: RawClient? = try RawClient(port: port)
        let session = try #require(try client?.open())
        try await eventually { try total("ftsl_sessions_opened_total") == 1 }
        #expect(record.contains("session opened", "\(session.identity.id)"))
        #expect(try metrics.expectMeter("ftsl_sessions").lastValue == 1)
        client = nil
        try await eventually { try total("ftsl_disconnects_total") == 1 }
        #expect(record.contains("connection lost", "unreachable"))
        client = try RawClient(port: port)
        #expect(try client?.resume(session, as: 2) == true)
        try await eventually { try total("ftsl_reconnects_total") == 1 }
        #expect(record.contains("session resumed", "\(session.identity.id)"))
        client = nil
        await server.close()
    }

    private struct Echo: Migratable {
        let session: ServerSession

        func receive(_ bytes: [UInt8]) async throws { try await session.send(bytes) }
        func receiveEnd() async throws { try await session.finish() }
        func checkpoint() async throws -> [UInt8] { [] }
    }
}
