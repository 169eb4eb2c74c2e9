internal import FTSLCore
internal import NIOCore

/// One transport connection, from its dial to the last notice of its end.
final class Link {
    enum Kind {
        case client(Int, ConnectionID)
        /// The attack's number in the world's list.
        case attacker(Int)
    }

    let number: Int
    let kind: Kind
    let acceptorID: ConnectionID
    /// The host that was dialled; there is only one where nothing moves.
    let host: Int
    /// The acceptor process it belongs to: a restarted one does not know it.
    let incarnation: Int
    let up: Pipe
    let down: Pipe
    /// The end still counts on the connection: has neither closed it nor heard of its end.
    var initiatorHolds = false
    var acceptorHolds = false
    /// The dial was given up before the connection stood.
    var isAbandoned = false
    /// What the initiator said first, for attackers to play again.
    var capture = ByteBuffer()

    init(number: Int, kind: Kind, host: Int = 0, incarnation: Int, shape: LinkShape) {
        self.host = host
        self.number = number
        self.kind = kind
        self.incarnation = incarnation
        acceptorID = ConnectionID(UInt64(1_000_000 + number))
        up = Pipe(shape: shape)
        down = Pipe(shape: shape)
    }

    var initiatorID: ConnectionID? { if case .client(_, let id) = kind { id } else { nil } }

    /// Nothing will come out of either end any more.
    var isBroken: Bool { up.isDead && down.isDead }

    /// The end held it once, or never will: its process need not remember it.
    func isOver(for role: Role) -> Bool {
        role == .initiator ? isAbandoned || initiatorLetGo : acceptorLetGo
    }

    private var initiatorLetGo = false
    private var acceptorLetGo = false

    var client: Int? { if case .client(let client, _) = kind { client } else { nil } }

    func holds(_ role: Role) -> Bool { role == .initiator ? initiatorHolds : acceptorHolds }

    func letGo(_ role: Role) {
        if role == .initiator {
            initiatorHolds = false
            initiatorLetGo = true
        } else {
            acceptorHolds = false
            acceptorLetGo = true
        }
    }

    subscript(direction: Direction) -> Pipe { direction == .up ? up : down }
}
