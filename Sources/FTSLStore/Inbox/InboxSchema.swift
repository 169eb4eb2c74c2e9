/// The tables of an inbox. [FTSL §7]
///
/// `message` has no index besides its row id, which is the inbox index: rules give every sequence
/// of a producer out once, topics and producers are numbers, and `run` finds a producer's messages
/// through one row per transaction instead of one per message.
enum InboxSchema {
    static let schema = Schema(
        applicationID: 0x4654_5349, name: "an inbox", migrations: [version1, version2])

    private static let version1 = """
        CREATE TABLE state(
            -- One row: who the inbox is, and what would be slow to count.
            id BLOB NOT NULL, moves INTEGER NOT NULL, starts INTEGER NOT NULL,
            fence INTEGER NOT NULL, next INTEGER NOT NULL, key INTEGER NOT NULL,
            messages INTEGER NOT NULL, bytes INTEGER NOT NULL, producers INTEGER NOT NULL,
            cursors INTEGER NOT NULL, dead INTEGER NOT NULL, trimmed INTEGER NOT NULL
        );
        CREATE TABLE message(
            idx INTEGER PRIMARY KEY, topic INTEGER NOT NULL, sender INTEGER NOT NULL,
            sequence INTEGER NOT NULL, stored INTEGER NOT NULL,
            -- How long before `stored` it was made, by another clock.
            age INTEGER NOT NULL,
            digest INTEGER NOT NULL, expires INTEGER,
            -- Id and headers.
            extras BLOB,
            -- The bytes, or the key of `piece`.
            body NOT NULL
        );
        CREATE TABLE piece(
            body INTEGER NOT NULL, offset INTEGER NOT NULL, bytes BLOB NOT NULL,
            PRIMARY KEY(body, offset)
        ) WITHOUT ROWID;
        -- Bodies that are not whole yet.
        CREATE TABLE partial(
            producer BLOB NOT NULL, sequence INTEGER NOT NULL, body INTEGER NOT NULL,
            PRIMARY KEY(producer, sequence)
        ) WITHOUT ROWID;
        -- Names that messages share. `last` is the newest message that has it.
        CREATE TABLE topic(
            key INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, last INTEGER NOT NULL);
        CREATE INDEX topic_last ON topic(last);
        CREATE TABLE sender(
            key INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, last INTEGER NOT NULL);
        CREATE INDEX sender_last ON sender(last);
        -- The messages of a sender that one transaction stored are among those from first to last.
        CREATE TABLE run(
            sender INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
            sequence INTEGER NOT NULL, PRIMARY KEY(sender, first)
        ) WITHOUT ROWID;
        CREATE INDEX run_sequence ON run(sender, sequence);
        CREATE TABLE producer(
            id BLOB PRIMARY KEY, owner TEXT NOT NULL, next INTEGER NOT NULL,
            chain INTEGER NOT NULL, fence INTEGER NOT NULL, settled INTEGER NOT NULL,
            exceptions BLOB NOT NULL, used INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE cursor(
            name TEXT PRIMARY KEY, grouped INTEGER NOT NULL, filter BLOB NOT NULL,
            floor INTEGER NOT NULL, finished BLOB NOT NULL, attempts BLOB NOT NULL,
            used INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX cursor_floor ON cursor(floor);
        CREATE TABLE dead(
            cursor TEXT NOT NULL, idx INTEGER NOT NULL, attempts INTEGER NOT NULL,
            reason TEXT NOT NULL, died INTEGER NOT NULL, PRIMARY KEY(cursor, idx)
        ) WITHOUT ROWID;
        CREATE INDEX dead_idx ON dead(idx);
        -- Dead letters put back and not finished since.
        CREATE TABLE returned(
            cursor TEXT NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY(cursor, idx)) WITHOUT ROWID;
        CREATE INDEX returned_idx ON returned(idx);
        -- Idempotency keys, in the order of their time.
        CREATE TABLE known(
            n INTEGER PRIMARY KEY, owner TEXT NOT NULL, id TEXT NOT NULL, idx INTEGER NOT NULL,
            count INTEGER NOT NULL, digest INTEGER NOT NULL, time INTEGER NOT NULL,
            UNIQUE(id, owner)
        );
        """
    private static let version2 = """
        -- At most one row: which host has the inbox now.
        CREATE TABLE moved(
            endpoints TEXT NOT NULL, moves INTEGER NOT NULL, at INTEGER NOT NULL);
        """
}
