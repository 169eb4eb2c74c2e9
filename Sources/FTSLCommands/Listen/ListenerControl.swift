internal import FTSLCore
internal import FTSLKit
internal import FTSLTransport
internal import Glibc
internal import NIOCore

/// A listener's control socket: its name, and what it answers.
final class ListenerControl {
    /// Sessions that are described in one turn of the loop: the others' data goes on between.
    private static let turn = 128

    private unowned let listener: Listener
    private let loop: any EventLoop
    private let server: ControlServer
    private let files: DiskQueue
    private let started = MonotonicClock.now
    private(set) var name: String?
    /// One at a time.
    private var isMigrating = false

    init(_ listener: Listener, on loop: any EventLoop) {
        self.listener = listener
        self.loop = loop
        server = ControlServer(on: loop)
        files = DiskQueue(on: loop)
        server.handlers = [
            "listener": { [unowned self] _, reply in reply.done(.success, summary) },
            "status": { [unowned self] in status($0, $1) },
            "kill": { [unowned self] in kill($0, $1) },
            "expire": { [unowned self] in expire($0, $1) },
            "inbox": { [unowned self] in inbox($1) },
            "migrate": { [unowned self] in migrate($0, $1) },
            "migrate-status": { [unowned self] in migration($1)?.status($1) },
            "migrate-abort": { [unowned self] in migration($1)?.abort($1) },
            "migrate-resolve": { [unowned self] in resolve($0, $1) },
            "restart": { [unowned self] in restart($0, $1) },
        ]
    }

    func makeService(on loop: any EventLoop) -> any SessionService {
        server.makeService(on: loop)
    }

    /// Takes a name for as long as this process lives.
    func take(_ name: String) throws(Ending) {
        do {
            try ControlFolder.make()
            try server.listen(
                at: ControlFolder.socket(of: name),
                adopting: listener.inheritance?.descriptors[.control])
        } catch let refused as ControlFolder.Refused {
            throw Ending(.cannotCreate, "no control socket '\(name)': \(refused.text)")
        } catch ControlFailure.refused(let text) {
            throw Ending(.cannotCreate, "no control socket '\(name)': \(text)")
        } catch {
            throw Ending(
                .cannotCreate,
                "a listener '\(name)' is running already; give this one another --name",
                see: "ftsl status \(name)")
        }
        self.name = name
    }

    /// Without a name of its own a listener has that of its port or socket; where that cannot be
    /// had, it serves without.
    func takeDefaultName(of endpoint: Endpoint) {
        guard name == nil else { return }
        let text =
            switch endpoint {
            case .tcp(_, let port): "\(port)"
            case .unix(let path): String(path.split(separator: "/").last ?? "_")
            }
        do {
            try take(ControlFolder.name(like: text))
        } catch {
            listener.log.notice(error.sentence ?? "no control socket")
        }
    }

    func close() { server.close() }

    func hold(_ kept: KeptDescriptors) throws(Unmovable) -> CInt? { try server.hold(kept) }

    // MARK: What it says

    private var acceptor: Acceptor? { listener.driver?.acceptor }

    private var summary: [String: JSONValue] {
        let options = listener.options
        let generation = acceptor?.host.generation ?? .first
        let active = acceptor?.activeSessions ?? 0
        let attached = acceptor?.attachedSessions ?? 0
        return [
            "kind": .string("listener"), "name": .string(name ?? ""),
            "endpoint": .string("\(listener.listening?.endpoint ?? listener.endpoint)"),
            "service": .string(options.moves.service), "serves": .string(serves),
            "sessions": .integer(UInt64(active)),
            "parked": .integer(UInt64(max(0, active - attached))),
            "tombstones": .integer(UInt64(acceptor?.tombstones ?? 0)),
            "uptime": .number(MonotonicClock.now.since(started).inSeconds),
            "inbox": options.messages.inbox.map { .string(FileStatus.absolute($0)) } ?? .null,
            "generation": .string("\(generation.moves).\(generation.starts)"),
            "pid": .integer(UInt64(getpid())),
            "version": .string(CommandLineTool.version),
            "draining": .bool(acceptor?.isDraining ?? false),
        ]
    }

    /// Kinds of sessions that are served.
    private var serves: String {
        let inbox = listener.options.messages.inbox == nil ? [] : ["inbox"]
        return ((streams.map { [$0] } ?? []) + inbox).joined(separator: "+")
    }

    private var streams: String? {
        if listener.options.exec != nil { return "exec" }
        if listener.options.forward != nil { return "forward" }
        return listener.options.isStdio ? "stdio" : nil
    }

    private func status(_ request: ControlRequest, _ reply: ControlReply) {
        describe((acceptor?.sessionIDs ?? [])[...], reply)
    }

    private func describe(_ ids: ArraySlice<SessionID>, _ reply: ControlReply) {
        for id in ids.prefix(Self.turn) {
            if let fields = fields(of: id) { reply.progress(fields) }
        }
        let rest = ids.dropFirst(Self.turn)
        if rest.isEmpty { return reply.done(.success, summary) }
        let bound = NIOLoopBound((self, reply), eventLoop: loop)
        loop.execute { bound.value.0.describe(rest, bound.value.1) }
    }

    private func fields(of id: SessionID) -> [String: JSONValue]? {
        guard let acceptor, let session = acceptor.session(id),
            let standing = acceptor.standing(of: id)
        else { return nil }
        let now = MonotonicClock.now
        let identity = acceptor.identity(of: id)
        return [
            "kind": .string("session"), "session": .string("\(id)"),
            "peer": .string(acceptor.address(of: id)),
            "peer_key": identity.isVerified ? .string("\(identity)") : .null,
            "service": .string(Self.service(session.identity.flags) ?? streams ?? ""),
            "state": .string(standing.state.rawValue),
            "attachment": .integer(session.highestAttachment.value),
            "unacknowledged": .integer(
                session.sendingChannels.reduce(0) { $0 + $1.unacknowledged }),
            "age": .number(now.since(standing.openedAt).inSeconds),
            "offline": standing.parkedSince.map { .number(now.since($0).inSeconds) } ?? .null,
            "outcome": session.outcome.map { .string(SessionMonitor.name(of: $0)) } ?? .null,
        ].merging(SessionPositions.fields(of: session)) { $1 }
    }

    /// What a session is for that carries no stream.
    private static func service(_ flags: ServiceFlags) -> String? {
        if flags.contains(.messages) { return "inbox" }
        if flags.contains(.migration) { return SessionRights.migrationService }
        return flags.contains(.control) ? SessionRights.controlService : nil
    }

    /// What `ftsl status` says of the inbox, for those who cannot look at its file.
    private func inbox(_ reply: ControlReply) {
        guard let path = listener.options.messages.inbox.map(FileStatus.absolute) else {
            return reply.done(.noInput, error: "this listener has no inbox")
        }
        files.run {
            try MessageFile(path).page()
        } then: { result in
            switch result {
            case .success(let page):
                for line in page.lines { reply.progress(["line": line]) }
                let rows = page.table.split(separator: "\n", omittingEmptySubsequences: false)
                for row in rows.dropLast() {
                    reply.progress(["row": .string(String(row))])
                }
                reply.done()
            case .failure(let failure):
                reply.done(failure.code.exitStatus, error: failure.text, code: failure.code)
            }
        }
    }

    // MARK: What it does

    private func kill(_ request: ControlRequest, _ reply: ControlReply) {
        guard let id = session(request, reply) else { return }
        let reason = Failure(
            .local, .killedByOperator, "an operator ended the session with ftsl status --kill")
        guard acceptor?.session(id)?.outcome == nil else {
            return reply.done(.noInput, error: "session \(id) has ended already")
        }
        listener.log.info("session \(id) is ended by the operator")
        listener.driver?.abort(id, reason)
        if acceptor?.session(id)?.outcome == nil, acceptor?.session(id) != nil {
            // Its peer may know success by now: nothing may contradict that.
            reply.done(.noInput, error: "session \(id) is complete but for the last word")
        } else {
            reply.done(.success, ["session": .string("\(id)")])
        }
    }

    private func expire(_ request: ControlRequest, _ reply: ControlReply) {
        guard let id = session(request, reply) else { return }
        let reason = Failure(
            .local, .killedByOperator, "an operator forgot the session with ftsl status --expire")
        guard acceptor?.connection(of: id) == nil else {
            return reply.done(
                .usage, error: "session \(id) has a connection; --kill ends it")
        }
        // Said first: without its session a listener for one session ends.
        reply.done(.success, ["session": .string("\(id)")])
        listener.driver?.expire(id, reason)
    }

    /// The one session that a prefix stands for; nil: the reply was told why not.
    private func session(_ request: ControlRequest, _ reply: ControlReply) -> SessionID? {
        let prefix = request.text("session")?.lowercased() ?? ""
        let found = (acceptor?.sessionIDs ?? []).filter { "\($0)".hasPrefix(prefix) }
        switch found.count {
        case 1 where !prefix.isEmpty: return found[0]
        case 0: reply.done(.noInput, error: "'\(name ?? "")' knows no session '\(prefix)'")
        default:
            let some = found.prefix(3).map { "\($0)" }.joined(separator: ", ")
            reply.done(.usage, error: "'\(prefix)' begins more than one session: \(some)")
        }
        return nil
    }

    // MARK: Migration

    /// Nil: the reply was told that there is none.
    private func migration(_ reply: ControlReply) -> (any MigrationControl)? {
        if let migration = listener.migration { return migration }
        reply.done(.configuration, error: "migration is not available yet")
        return nil
    }

    private func migrate(_ request: ControlRequest, _ reply: ControlReply) {
        if listener.options.isStdio {
            return reply.done(
                .usage,
                error: "this listener's service is its own stdin and stdout, which are this "
                    + "machine's and cannot move; only --exec, --forward and --inbox can")
        }
        guard let wanted = MoveRequest(request) else {
            return reply.done(.usage, error: "the request has no target that could be one")
        }
        guard let migration = migration(reply) else { return }
        if request.flag("plan") { return migration.plan(wanted, reply) }
        guard !isMigrating else {
            return reply.done(
                .rolledBack,
                error: "a migration of '\(name ?? "")' is going on; --status shows it, --abort "
                    + "ends it")
        }
        isMigrating = true
        reply.onDone = { [weak self] in self?.isMigrating = false }
        migration.migrate(wanted, reply)
    }

    private func resolve(_ request: ControlRequest, _ reply: ControlReply) {
        guard let resolution = MigrationResolution(request) else {
            return reply.done(.usage, error: "what is decided is either activate or discard")
        }
        migration(reply)?.resolve(resolution, reply)
    }

    private func restart(_ request: ControlRequest, _ reply: ControlReply) {
        guard reply.isLocal else {
            return reply.done(
                .usage, error: "a restart is asked for on the listener's own machine")
        }
        guard !isMigrating else {
            return reply.done(.rolledBack, error: "a migration or a restart is going on")
        }
        isMigrating = true
        reply.onDone = { [weak self] in self?.isMigrating = false }
        listener.restart(as: request.text("binary"), reply)
    }
}
