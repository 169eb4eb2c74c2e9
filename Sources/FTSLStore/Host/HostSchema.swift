/// The tables of what a listener knows about moves. [FTSL §10]
enum HostSchema {
    static let schema = Schema(
        applicationID: 0x4654_5348, name: "a listener's record", migrations: [version1])

    private static let version1 = """
        -- Moves away from here.
        CREATE TABLE source(
            ticket BLOB PRIMARY KEY, target TEXT NOT NULL, target_key TEXT NOT NULL,
            moves INTEGER NOT NULL, digest BLOB NOT NULL, state INTEGER NOT NULL,
            at INTEGER NOT NULL
        ) WITHOUT ROWID;
        -- Moves to here.
        CREATE TABLE target(
            ticket BLOB PRIMARY KEY, source TEXT NOT NULL, source_key TEXT NOT NULL,
            moves INTEGER NOT NULL, digest BLOB NOT NULL, state INTEGER NOT NULL,
            has_inbox INTEGER NOT NULL, at INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE signpost(
            session BLOB PRIMARY KEY, secret BLOB NOT NULL, identity TEXT,
            endpoints TEXT NOT NULL, key TEXT NOT NULL, moves INTEGER NOT NULL,
            starts INTEGER NOT NULL, until INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX signpost_until ON signpost(until) WHERE until > 0;
        CREATE TABLE inbox_signpost(
            inbox BLOB PRIMARY KEY, endpoints TEXT NOT NULL, key TEXT NOT NULL,
            moves INTEGER NOT NULL, starts INTEGER NOT NULL
        ) WITHOUT ROWID;
        -- Signposts of tickets that are frozen: they count once the ticket is moved.
        CREATE TABLE leaving(
            ticket BLOB NOT NULL, session BLOB NOT NULL, secret BLOB NOT NULL, identity TEXT,
            endpoints TEXT NOT NULL, key TEXT NOT NULL, moves INTEGER NOT NULL,
            starts INTEGER NOT NULL, until INTEGER NOT NULL, PRIMARY KEY(ticket, session)
        ) WITHOUT ROWID;
        CREATE TABLE leaving_inbox(
            ticket BLOB PRIMARY KEY, inbox BLOB NOT NULL, endpoints TEXT NOT NULL,
            key TEXT NOT NULL, moves INTEGER NOT NULL, starts INTEGER NOT NULL
        ) WITHOUT ROWID;
        -- Kind 0 is a session, 1 an inbox.
        CREATE TABLE generation(
            kind INTEGER NOT NULL, id BLOB NOT NULL, moves INTEGER NOT NULL,
            until INTEGER NOT NULL, PRIMARY KEY(kind, id)
        ) WITHOUT ROWID;
        CREATE INDEX generation_until ON generation(until) WHERE until > 0;
        """
}
