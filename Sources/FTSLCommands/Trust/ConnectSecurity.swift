internal import FTSLCore
internal import FTSLKit
internal import FTSLTransport
internal import NIOCore

/// Which endpoints a client speaks TLS with, and whom it accepts there.
///
/// Plaintext is for loopback and Unix sockets, and for those who ask for it.
struct ConnectSecurity {
    private let insecure: Bool
    private let wanted: Bool
    private let credentials: TLSCredentials?
    let judge: ServerJudge

    init(_ options: ServerTrustOptions, _ endpoints: [Endpoint], log: Log) throws {
        if options.keys.isGiven, options.insecure {
            throw Ending(.usage, "--insecure excludes --peer, --accept-new and --tls-ca")
        }
        try self.init(
            options.keys, endpoints, insecure: options.insecure, always: options.keys.isGiven,
            log: log)
    }

    /// - Parameter always: TLS on loopback and Unix sockets, too.
    init(
        _ options: ServerKeyOptions, _ endpoints: [Endpoint], insecure: Bool = false,
        always: Bool, log: Log
    ) throws {
        self.insecure = insecure
        wanted = always
        let pinned = try options.peer.map { text in
            guard let key = Fingerprint(text) else {
                throw Ending(.usage, "--peer: '\(text)' is not a key")
            }
            return key
        }
        let store = TrustStore.ofThisUser
        let needsTLS = wanted || (!insecure && endpoints.contains { !$0.isLoopback })
        credentials = needsTLS ? try options.certificates.credentials(store) : nil
        let own = needsTLS && !options.certificates.isGiven
        judge = ServerJudge(
            store: store, pinned: pinned, acceptNew: options.acceptNew,
            own: own ? try store.fingerprint() : nil, log: log)
        if insecure, endpoints.contains(where: { !$0.isLoopback }) {
            log.notice("speaking plaintext: everybody on the way can read and change it")
        }
    }

    /// A session that was opened with a verified peer never goes back to plaintext, and one that
    /// was opened on loopback does not take its plaintext elsewhere. [FTSL §4.7]
    func security(for endpoint: Endpoint, bound: PeerIdentity?) -> Dialer.Security {
        let isBound = bound?.isVerified ?? false
        let mustBeSecure = isBound || wanted || (!endpoint.isLoopback && !insecure)
        guard mustBeSecure else { return .plaintext }
        guard let credentials else { preconditionFailure("TLS without credentials") }
        return .tls(credentials) { judge.judge($0, at: endpoint) }
    }

    /// Asks the person at the terminal about the key that was turned down last, if there are both;
    /// without trust the process ends.
    func askAboutStranger(
        on loop: any EventLoop, _ log: Log, again: @escaping () -> Void
    ) -> Bool {
        guard let stranger = judge.stranger, let question = PeerQuestion(on: loop) else {
            return false
        }
        question.ask(stranger.key, at: stranger.endpoint) { isRight in
            do throws(Ending) {
                try settle(stranger, isRight)
            } catch {
                ProcessEnd.with(error, log)
            }
            again()
        }
        return true
    }

    /// Remembers the key that a person has called right; a wrong one ends the attempt.
    func settle(
        _ stranger: (key: Fingerprint, endpoint: Endpoint), _ isRight: Bool
    ) throws(Ending) {
        guard isRight else {
            throw Ending(.noPermission, "\(stranger.endpoint) was not trusted")
        }
        do throws(SecretFile.Refused) {
            try judge.store.updateKnownPeers {
                $0.trust(stranger.key, at: "\(stranger.endpoint)", name: "")
            }
        } catch {
            throw Ending(.cannotCreate, error.text)
        }
    }
}
