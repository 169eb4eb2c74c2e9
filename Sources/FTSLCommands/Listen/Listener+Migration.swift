internal import FTSLCore
internal import FTSLKit
internal import FTSLStore
internal import FTSLTransport
internal import Glibc
internal import NIOCore

extension Listener {
    /// Streams of this process's own stdin and stdout stay; everything else can move.
    func openMigration(_ service: any SessionService, on loop: any EventLoop) {
        guard !options.isStdio, let driver else { return }
        var settings = MigrationSettings()
        settings.label = options.moves.service
        settings.service =
            options.exec != nil ? options.commands.kind : options.forward != nil ? "forward" : ""
        // A backend is another one on another host; a command must be the same.
        settings.serviceDigest = options.exec.map { MigrationSettings.digest(of: $0) } ?? []
        settings.accepts = options.moves.acceptMigration
        settings.acceptsPlaintext = endpoint.isLoopback || options.insecure
        settings.movesPlaintext = options.insecure
        settings.unmovable = options.moves.unmovable == .refuse ? .refuse : .drain
        settings.endpoints = ["\(endpoint)"]
        settings.key = gate.own.map { "\($0)" } ?? ""
        let timeout = options.configuration.limits.sessionTimeoutSeconds
        settings.sessionTimeout = UInt64(timeout) * 1_000
        let host = MigrationHost(
            settings, driver: driver, service: service as? any MovableService,
            records: records,
            security: { [unowned self] endpoint, _ in security(at: endpoint) },
            mayMigrate: { [unowned self] in gate.mayMigrate($0) }, on: loop)
        self.host = host
        host.mover = options.messages.inbox == nil ? nil : self
        host.onTrouble = { [unowned self] in log.error($0.text) }
        host.onNotice = { [unowned self] in log.notice($0) }
        driver.migrations = host
        driver.acceptor.configuration.offered.insert(.migration)
        driver.rights = { [unowned self] identity in
            var rights = gate.rights(of: identity)
            if gate.mayMigrate(identity) || host.knows(identity) { rights.insert(.migration) }
            return rights
        }
        migration = ListenerMigration(self, host)
        do {
            if records.exists { try host.recover() }
        } catch {
            end(StoreFailure.ending(of: error))
        }
    }

    /// The name that the control socket will have if none was given.
    ///
    /// Nil: the kernel chooses the port, which says nothing about an earlier listener there.
    private var defaultName: String? {
        switch endpoint {
        case .tcp(_, 0): nil
        case .tcp(_, let port): "\(port)"
        case .unix(let path):
            ControlFolder.name(like: String(path.split(separator: "/").last ?? "_"))
        }
    }

    /// What this listener knows of moves, under its name; without one it is nobody's to find again.
    func makeRecords() -> HostRecordsFile {
        let name = options.name ?? defaultName ?? "\(Self.nameless)\(getpid())"
        return HostRecordsFile("\(StateFolder.ofThisUser)/listeners/\(name).db") {
            try StateFolder.make("listeners")
        }
    }

    /// No listener can be named like this.
    private static let nameless = "-"

    func forgetRecords() {
        guard options.name == nil, defaultName == nil else { return }
        for suffix in ["", "-wal", "-shm", "-lock"] { unlink(records.path + suffix) }
    }

    /// Another host is spoken to with TLS, and must be known: on loopback, too. [FTSL §10]
    private func security(at endpoint: Endpoint) -> Dialer.Security {
        let judge = ServerJudge(
            store: .ofThisUser, pinned: [], acceptNew: false, own: gate.own, log: log)
        guard let credentials else {
            // Refused with a sentence: there is no identity to prove.
            return .plaintext
        }
        return .tls(credentials) { judge.judge($0, at: endpoint) }
    }
}

extension Listener: InboxMover {
    var path: String { options.messages.inbox ?? "" }
    var store: InboxStore? { inbox?.store }

    func leave(to target: MoveTarget, then: @escaping (Failure?) -> Void) {
        guard let host, let inbox = takeInbox() else { return then(nil) }
        let store = inbox.store
        host.disk.run {
            try store.markMoved(to: target.endpointList, moves: target.generation.moves)
        } then: { result in
            inbox.close { then(result.failure) }
        }
    }

    func arrive(
        _ install: @escaping @Sendable () throws -> Void, then: @escaping (Failure?) -> Void
    ) {
        guard let host, let loop else { return then(nil) }
        // Who talks to the one that is replaced begins anew with the one that comes.
        endMessageSessions(Failure(.local, .shuttingDown, "another inbox takes its place"))
        let old = takeInbox()
        let go = { [self] in
            host.disk.run(install) { [self] result in
                if let failure = result.failure { return then(failure) }
                serveInbox(on: loop)
                then(nil)
            }
        }
        if let old { old.close(go) } else { go() }
    }
}

/// Answers the operator's questions about moves. [FTSL §10]
final class ListenerMigration: MigrationControl {
    private unowned let listener: Listener
    private let host: MigrationHost
    private var last: [String: JSONValue] = ["state": .string("none")]

    init(_ listener: Listener, _ host: MigrationHost) {
        self.listener = listener
        self.host = host
    }

    func plan(_ request: MoveRequest, _ reply: ControlReply) {
        let survey = host.survey(for: request.target)
        for (session, obstacle) in survey.obstacles {
            reply.progress(["session": .string(session), "obstacle": .string(obstacle)])
        }
        var wanted = request
        wanted.isPlan = true
        host.migrate(wanted, progress: { _ in }) { [self] result in
            switch result {
            case .success:
                if !survey.obstacles.isEmpty, listener.options.moves.unmovable == .refuse {
                    return reply.done(
                        .rolledBack, error: "sessions that cannot move are in the way (--unmovable)"
                    )
                }
                reply.done(
                    .success,
                    [
                        "sessions": .integer(UInt64(survey.movable)),
                        "stay": .integer(UInt64(survey.obstacles.count)),
                        "bytes": .integer(survey.bytes),
                        "pause_ms": .integer(survey.pauseMilliseconds),
                    ])
            case .failure(let failure): refuse(reply, failure)
            }
        }
    }

    func migrate(_ request: MoveRequest, _ reply: ControlReply) {
        last = ["state": .string("running")]
        host.migrate(request) { [self] progress in
            var fields: [String: JSONValue] = [
                "phase": .string(progress.phase.rawValue),
                "sessions": .integer(UInt64(progress.sessions)),
                "bytes": .integer(progress.bytes),
            ]
            if !progress.text.isEmpty { fields["text"] = .string(progress.text) }
            last = fields.merging(["state": .string("running")]) { $1 }
            reply.progress(fields)
        } done: { [self] result in
            switch result {
            case .success(let report):
                listener.metrics?.moved(paused: report.pause)
                for text in report.unmovable {
                    reply.progress(["obstacle": .string(text)])
                    listener.log.notice("stays here: \(text)")
                }
                let fields = Self.fields(of: report)
                last = fields.merging(["state": .string("moved")]) { $1 }
                listener.log.notice(
                    "moved \(Numbers.count(UInt64(report.sessions), "session")) to "
                        + request.target.map(\.description).joined(separator: ","))
                reply.done(.success, fields)
                if let linger = request.linger { listener.retire(after: linger) }
            case .failure(let failure):
                listener.metrics?.rolledBack()
                last = ["state": .string("rolled back"), "reason": .string(failure.text)]
                refuse(reply, failure)
            }
        }
    }

    private static func fields(of report: MigrationReport) -> [String: JSONValue] {
        [
            "sessions": .integer(UInt64(report.sessions)),
            "stayed": .integer(UInt64(report.unmovable.count)),
            "failed": .integer(UInt64(report.failed)), "bytes": .integer(report.bytes),
            "inbox_bytes": .integer(report.inboxBytes),
            "pause_ms": .integer(report.pause.wholeNanoseconds / 1_000_000),
            "generation": .string("\(report.generation)"), "ticket": .string("\(report.ticket)"),
        ]
    }

    private func refuse(_ reply: ControlReply, _ failure: Failure) {
        reply.done(failure.code.exitStatus, error: failure.text, code: failure.code)
    }

    func status(_ reply: ControlReply) {
        var fields = last
        for (index, ticket) in host.undecided.enumerated() {
            fields["prepared_\(index + 1)"] = .string("\(ticket)")
        }
        if case .moved(let target) = listener.driver?.acceptor.absence {
            fields["moved_to"] = .string(target.endpointList)
            fields["signposts"] = .integer(UInt64(listener.driver?.acceptor.signpostCount ?? 0))
        }
        reply.done(.success, fields)
    }

    func abort(_ reply: ControlReply) {
        if host.abort() {
            reply.done(.success)
        } else {
            reply.done(
                .rolledBack, error: "no migration is going on that could still be rolled back")
        }
    }

    func resolve(_ resolution: MigrationResolution, _ reply: ControlReply) {
        guard let ticket = host.undecided.first else {
            return reply.done(.noInput, error: "nothing is prepared here that waits for a decision")
        }
        guard resolution.decision == .activate else {
            _ = host.resolve(activate: false)
            return reply.done(.success, ["ticket": .string("\(ticket)")])
        }
        host.askSource(of: ticket, within: .seconds(10)) { [self] decision in
            guard host.undecided.contains(ticket) else {
                return reply.done(.success, ["ticket": .string("\(ticket)")])
            }
            let isRefused = decision == .aborted || decision == .undecided
            if isRefused, !resolution.evenIfAlive {
                let word = decision == .aborted ? "went on by itself" : "has not decided"
                return reply.done(
                    .rolledBack,
                    error: "the source answers, and \(word); --even-if-alive overrules it")
            }
            _ = host.resolve(activate: true)
            reply.done(.success, ["ticket": .string("\(ticket)")])
        }
    }
}
