package import FTSLCore

/// What is where an inbox wants to arrive.
package enum InboxPlace: Hashable, Sendable {
    case absent
    /// Never had a lane, a message or a cursor.
    case unused(InboxIdentity)
    case used(InboxIdentity, InboxMove?)

    /// Looks into the file, hosted or not. Throws `StoreFailure` for what is no inbox.
    package init(_ path: String) throws {
        let database: Database
        do {
            database = try StoreFile.inspect(path, InboxSchema.schema, cacheKiB: 64)
        } catch let failure as StoreFailure where failure.reason == .missing {
            self = .absent
            return
        }
        let state = try InboxState.load(database)
        let identity = InboxIdentity(id: state.id, generation: state.generation)
        let isUnused =
            state.next == 1 && state.key == 1 && state.fence == 0 && state.producers == 0
            && state.cursors == 0
        self = isUnused ? .unused(identity) : .used(identity, try InboxMove.load(database))
    }

    /// The inbox that may be hosted from there.
    var host: InboxIdentity? {
        switch self {
        case .unused(let identity), .used(let identity, nil): identity
        case .absent, .used: nil
        }
    }

    /// Why an inbox that would be at `moves` cannot take the place; nil: it can.
    package func obstacle(to inbox: InboxID, moves: UInt64) -> String? {
        let (identity, move): (InboxIdentity, InboxMove?)
        switch self {
        case .absent: return nil
        case .unused(let found):
            if found.id != inbox { return nil }
            (identity, move) = (found, nil)
        case .used(let found, let itsMove):
            guard found.id == inbox else { return "another inbox is there, and in use" }
            (identity, move) = (found, itsMove)
        }
        guard identity.generation.moves < moves, move.map({ $0.moves <= moves }) ?? true else {
            return "a newer generation of the inbox is known there"
        }
        return nil
    }
}
