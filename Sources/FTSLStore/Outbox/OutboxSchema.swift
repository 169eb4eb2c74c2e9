/// The tables of an outbox. [FTSL §7]
///
/// A message's row id is its lane's key and its sequence, so that a lane is one run of rows.
enum OutboxSchema {
    static let schema = Schema(
        applicationID: 0x4654_534F, name: "an outbox", migrations: [version1, version2, version3])

    /// Bits of a row id that hold the sequence.
    static let sequenceBits: UInt64 = 40
    static let maxSequence: UInt64 = 1 << sequenceBits - 1
    static let maxLane: UInt64 = 1 << (63 - sequenceBits) - 1

    private static let version1 = """
        CREATE TABLE lane(
            key INTEGER PRIMARY KEY, destination TEXT NOT NULL, producer BLOB NOT NULL UNIQUE,
            -- Not the one that a renewed lane had before.
            current INTEGER NOT NULL,
            inbox BLOB, moves INTEGER NOT NULL, starts INTEGER NOT NULL, end INTEGER NOT NULL,
            chain INTEGER NOT NULL, settled INTEGER NOT NULL, settled_chain INTEGER NOT NULL,
            halted INTEGER, bytes INTEGER NOT NULL
        );
        CREATE UNIQUE INDEX lane_destination ON lane(destination) WHERE current;
        CREATE TABLE message(
            at INTEGER PRIMARY KEY, created INTEGER NOT NULL, expires INTEGER,
            digest INTEGER NOT NULL, chain INTEGER NOT NULL,
            -- Its skip reason, and 16 when it is to be cancelled.
            flags INTEGER NOT NULL,
            -- Topic, id and headers.
            head BLOB NOT NULL,
            -- The bytes, or the key of `large`.
            body NOT NULL
        );
        -- Bodies by what they are: refs counts messages and the process that writes it.
        CREATE TABLE large(
            key INTEGER PRIMARY KEY AUTOINCREMENT, count INTEGER, digest INTEGER,
            refs INTEGER NOT NULL, writer INTEGER, time INTEGER NOT NULL
        );
        CREATE INDEX large_digest ON large(digest);
        CREATE TABLE piece(
            body INTEGER NOT NULL, offset INTEGER NOT NULL, bytes BLOB NOT NULL,
            PRIMARY KEY(body, offset)
        ) WITHOUT ROWID;
        -- Outcomes other than accepted, in the order of their time.
        CREATE TABLE exception(
            n INTEGER PRIMARY KEY, lane INTEGER NOT NULL, sequence INTEGER NOT NULL,
            kind INTEGER NOT NULL, value INTEGER NOT NULL, time INTEGER NOT NULL,
            UNIQUE(lane, sequence)
        );
        CREATE TABLE id(
            n INTEGER PRIMARY KEY, id TEXT NOT NULL, lane INTEGER NOT NULL,
            sequence INTEGER NOT NULL, time INTEGER NOT NULL, UNIQUE(id, lane)
        );
        """
    private static let version2 = """
        -- What is below may have been sent; of older files nobody knows.
        ALTER TABLE lane ADD COLUMN offered INTEGER NOT NULL DEFAULT 1;
        UPDATE lane SET offered = end;
        """
    private static let version3 = """
        -- Of the body that an id was given to; unknown of older files.
        ALTER TABLE id ADD COLUMN count INTEGER;
        ALTER TABLE id ADD COLUMN digest INTEGER;
        """
}
