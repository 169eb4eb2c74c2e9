package import NIOCore

/// What two hosts say about a ticket, on the main stream of a session of its own. [FTSL §10]
package enum MigrationMessage: Equatable, Sendable {
    /// What would move; never a command: the target runs only what its own configuration has.
    package struct Offer: Equatable, Sendable {
        package var ticket: TicketID
        package var imageVersion: UInt16
        package var label: String
        /// What serves the streams, and a digest of how it is configured; empty: nothing does.
        package var service: String
        package var serviceDigest: [UInt8]
        package var sessions: UInt32
        /// Memory that the sessions have been promised, in bytes.
        package var memory: UInt64
        package var plaintextSessions: UInt32
        package var inbox: InboxOffer?
        /// Where the source answers for its ticket, and the key it has.
        package var source: MoveTarget
        /// Nothing is to happen: the answer is all that is wanted.
        package var isPlan: Bool

        package init(
            ticket: TicketID, imageVersion: UInt16 = MigrationMessage.imageVersion, label: String,
            service: String, serviceDigest: [UInt8], sessions: UInt32, memory: UInt64,
            plaintextSessions: UInt32, inbox: InboxOffer?, source: MoveTarget, isPlan: Bool
        ) {
            self.ticket = ticket
            self.imageVersion = imageVersion
            self.label = label
            self.service = service
            self.serviceDigest = serviceDigest
            self.sessions = sessions
            self.memory = memory
            self.plaintextSessions = plaintextSessions
            self.inbox = inbox
            self.source = source
            self.isPlan = isPlan
        }
    }

    package struct InboxOffer: Equatable, Sendable {
        package var id: InboxID
        package var moves: UInt64
        package var bytes: UInt64

        package init(id: InboxID, moves: UInt64, bytes: UInt64) {
            self.id = id
            self.moves = moves
            self.bytes = bytes
        }
    }

    /// What became of a ticket, as its source knows.
    package enum Decision: UInt8, Sendable {
        case moved = 1
        /// In memory only: ask again.
        case undecided = 2
        case aborted = 3
    }

    /// What a target has of a ticket.
    package enum Holding: Equatable, Sendable {
        case nothing
        case prepared(digest: [UInt8])
        case active
    }

    case offer(Offer)
    case accept
    case refuse(Failure)
    /// A piece of the inbox's file (0) or log (1).
    case inbox(part: UInt8, offset: UInt64, ByteBuffer)
    case image(ByteBuffer)
    /// All of the image, and of the inbox, was said; their digests.
    case seal(image: [UInt8], inbox: [UInt8])
    case prepared(digest: [UInt8])
    case decided
    /// The target serves; so many sessions could not be started there.
    case active(failed: UInt32)
    case abort(Failure)
    /// The target, or whoever asks for it, wants to know.
    case ask(TicketID)
    case answer(Decision)
    /// The source, after a restart, wants to know.
    case query(TicketID)
    case holding(Holding)
    /// The source, to a target that was activated by hand: what the ticket would have moved has
    /// gone elsewhere since, at a newer generation.
    case superseded(TicketID, MoveTarget)

    package static let imageVersion: UInt16 = 1
}

extension Bound {
    /// One message of two hosts: a piece of a file with its head. It is taken whole, so it must fit
    /// into any window well.
    package static let migrationMessage = (256 << 10) + 4096
    package static let migrationPiece = 32 << 10
}

extension MigrationMessage {
    private enum Kind: UInt8 {
        case offer = 1
        case accept, refuse, inbox, image, seal, prepared, decided, active, abort, ask, answer
        case query, holding, superseded
    }

    private var kind: Kind {
        switch self {
        case .offer: .offer
        case .accept: .accept
        case .refuse: .refuse
        case .inbox: .inbox
        case .image: .image
        case .seal: .seal
        case .prepared: .prepared
        case .decided: .decided
        case .active: .active
        case .abort: .abort
        case .ask: .ask
        case .answer: .answer
        case .query: .query
        case .holding: .holding
        case .superseded: .superseded
        }
    }

    /// Length, kind, fields; a piece's bytes follow as the second buffer, uncopied.
    package func encoded() -> [ByteBuffer] {
        var body = ByteBuffer()
        var piece = ByteBuffer()
        switch self {
        case .offer(let offer): Self.encode(offer, into: &body)
        case .accept: break
        case .refuse(let failure), .abort(let failure): body.write(failure)
        case .inbox(let part, let offset, let bytes):
            body.writeInteger(part)
            body.writeInteger(offset)
            piece = bytes
        case .image(let bytes): piece = bytes
        case .seal(let image, let inbox):
            body.writeLong(ByteBuffer(bytes: image))
            body.writeLong(ByteBuffer(bytes: inbox))
        case .prepared(let digest): body.writeLong(ByteBuffer(bytes: digest))
        case .decided: break
        case .active(let failed): body.writeInteger(failed)
        case .ask(let ticket), .query(let ticket): body.write(ticket)
        case .answer(let decision): body.writeInteger(decision.rawValue)
        case .holding(.nothing): body.writeInteger(UInt8(0))
        case .holding(.prepared(let digest)):
            body.writeInteger(UInt8(1))
            body.writeLong(ByteBuffer(bytes: digest))
        case .holding(.active): body.writeInteger(UInt8(2))
        case .superseded(let ticket, let target):
            body.write(ticket)
            body.write(target)
        }
        var head = ByteBuffer()
        head.writeInteger(UInt32(1 + body.readableBytes + piece.readableBytes))
        head.writeInteger(kind.rawValue)
        head.writeBuffer(&body)
        return piece.readableBytes > 0 ? [head, piece] : [head]
    }

    private static func encode(_ offer: Offer, into body: inout ByteBuffer) {
        body.write(offer.ticket)
        body.writeInteger(offer.imageVersion)
        body.writeShortText(offer.label)
        body.writeShortText(offer.service)
        body.writeLong(ByteBuffer(bytes: offer.serviceDigest))
        body.writeInteger(offer.sessions)
        body.writeInteger(offer.memory)
        body.writeInteger(offer.plaintextSessions)
        body.writeOptional(offer.inbox) {
            $0.writeInteger($1.id.high)
            $0.writeInteger($1.id.low)
            $0.writeInteger($1.moves)
            $0.writeInteger($1.bytes)
        }
        body.write(offer.source)
        body.write(offer.isPlan)
    }

    /// Takes the next whole message off the front; nil when more bytes are needed.
    package static func next(from input: inout ByteBuffer) throws(Failure) -> MigrationMessage? {
        let start = input.readerIndex
        guard let length: UInt32 = input.getInteger(at: start) else { return nil }
        guard length >= 1, length <= Bound.migrationMessage else {
            throw .violation(.frameTooLarge, "a migration message of \(length) bytes")
        }
        guard input.readableBytes >= 4 + Int(length) else { return nil }
        input.moveReaderIndex(forwardBy: 4)
        guard var body = input.readSlice(length: Int(length)) else { throw .shortFrame }
        let message = try MigrationMessage(from: &body)
        try body.needEnd()
        return message
    }

    private init(from body: inout ByteBuffer) throws(Failure) {
        guard let kind = Kind(rawValue: try body.need()) else {
            throw .violation(.unknownKind, "a migration message of unknown kind")
        }
        switch kind {
        case .offer: self = .offer(try Self.offer(from: &body))
        case .accept: self = .accept
        case .refuse: self = .refuse(try body.needFailure())
        case .abort: self = .abort(try body.needFailure())
        case .inbox:
            let (part, offset): (UInt8, UInt64) = (try body.need(), try body.need())
            self = .inbox(part: part, offset: offset, body.takeRest())
        case .image: self = .image(body.takeRest())
        case .seal: self = .seal(image: try body.needDigest(), inbox: try body.needDigest())
        case .prepared: self = .prepared(digest: try body.needDigest())
        case .decided: self = .decided
        case .active: self = .active(failed: try body.need())
        case .ask: self = .ask(try body.needTicket())
        case .query: self = .query(try body.needTicket())
        case .answer:
            guard let decision = Decision(rawValue: try body.need()) else { throw .notAnImage }
            self = .answer(decision)
        case .holding:
            switch try body.need(UInt8.self) {
            case 0: self = .holding(.nothing)
            case 1: self = .holding(.prepared(digest: try body.needDigest()))
            case 2: self = .holding(.active)
            default: throw .notAnImage
            }
        case .superseded:
            self = .superseded(try body.needTicket(), try body.needTarget())
        }
    }

    private static func offer(from body: inout ByteBuffer) throws(Failure) -> Offer {
        let head = (try body.needTicket(), try body.need(UInt16.self), try body.needText())
        let service = (try body.needText(), try body.needDigest())
        let sizes: (UInt32, UInt64, UInt32) = (
            try body.need(), try body.need(), try body.need()
        )
        var inbox: InboxOffer?
        if try body.needPresence() {
            inbox = InboxOffer(
                id: InboxID(high: try body.need(), low: try body.need()),
                moves: try body.need(), bytes: try body.need())
        }
        return Offer(
            ticket: head.0, imageVersion: head.1, label: head.2, service: service.0,
            serviceDigest: service.1, sessions: sizes.0, memory: sizes.1,
            plaintextSessions: sizes.2, inbox: inbox, source: try body.needTarget(),
            isPlan: try body.needPresence())
    }
}

extension ByteBuffer {
    package mutating func write(_ ticket: TicketID) {
        writeInteger(ticket.high)
        writeInteger(ticket.low)
    }

    package mutating func needTicket() throws(Failure) -> TicketID {
        TicketID(high: try need(), low: try need())
    }

    mutating func needDigest() throws(Failure) -> [UInt8] {
        Array((try needLong()).readableBytesView)
    }

    mutating func takeRest() -> ByteBuffer { readSlice(length: readableBytes) ?? ByteBuffer() }
}
