internal import FTSLCore

private let outboxWays =
    "if the outbox was restored from a copy, its newer messages may be lost: look at 'ftsl status' "
    + "of both ends, then begin anew with 'ftsl status OUTBOX --retire DESTINATION'"

extension Explanations {
    /// Lanes whose two ends remember different things.
    static let histories: [Explanation] = [
        .failure(
            .inboxChanged, "inbox-changed", "another inbox answers than the one met before",
            causes: [
                "the inbox file was deleted and made anew",
                "two listeners swapped their inboxes, or the address leads elsewhere now",
            ],
            action: "bring the old inbox back, or begin anew with 'ftsl status OUTBOX --retire "
                + "DESTINATION'; what was accepted before is then not sent again"),
        .failure(
            .historyLost, "history-lost", "the inbox lacks messages that it had accepted",
            causes: ["the inbox was restored from an older copy"],
            action: "bring the newest inbox back; what is gone cannot be sent again, because "
                + "the outbox dropped it when it was accepted"),
        .failure(
            .outboxRolledBack, "outbox-rolled-back",
            "the inbox knows messages that this outbox never sent",
            causes: [
                "the outbox was restored from an older copy", "two machines use copies of it",
            ],
            action: outboxWays),
        .failure(
            .foreignProducer, "foreign-producer", "the producer belongs to another identity",
            causes: [
                "the outbox was copied to another user or machine", "the sender's key changed",
            ],
            action: "use the identity that sent first, or a fresh outbox"),
        .failure(
            .tooManyProducers, "too-many-producers", "the inbox remembers no further producers",
            causes: ["each outbox is a producer, and they are remembered for ever"],
            action: "retire old ones with 'ftsl status INBOX --retire PRODUCER'"),
        .failure(
            .noInbox, "no-inbox", "the listener takes no messages",
            causes: ["it was started without --inbox", "the port belongs to another listener"],
            action: "start the listener with --inbox PATH, or check the port"),
        .failure(
            .inboxUnavailable, "inbox-unavailable", "the inbox cannot store at the moment",
            causes: ["its disk is full", "it holds as much as it may"],
            action: "nothing is lost: the sender keeps the message and goes on when there is room"),
        .failure(
            .noStreams, "no-streams", "the listener takes messages only",
            causes: ["it was started with --inbox alone", "the port belongs to another listener"],
            action: "use 'ftsl send', or start the listener with a service for streams too"),
    ]

    /// Single messages and the consumers of an inbox.
    static let messages: [Explanation] = [
        .failure(
            .messageTooLarge, "message-too-large", "a message is larger than allowed",
            causes: ["--max-message of the sender or of the listener"],
            action: "send it as a stream with 'ftsl connect', or raise the limit at both ends"),
        .failure(
            .topicForbidden, "topic-forbidden", "the sender may not use this topic",
            causes: ["its key lacks the permission inbox=GLOB at the listener"],
            action: "let the listener's owner run 'ftsl key trust KEY --allow inbox=GLOB'"),
        .failure(
            .inboxFull, "inbox-full", "the inbox holds as much as it may and rejects more",
            causes: ["consumers are behind", "the listener runs with --on-full fail"],
            action: "see 'ftsl status INBOX' for the slowest cursor; send again later"),
        .failure(
            .idReused, "id-reused", "another message was sent under this id before",
            causes: ["--id names one message; the same id came with another body"],
            action: "use a new id for a new message"),
        .failure(
            .malformedMessage, "malformed-message", "a message cannot be read",
            causes: [
                "input that is not framed as --frame says", "a topic or header out of bounds",
            ],
            action: "see the position in the sentence on stderr"),
        .failure(
            .messageExpired, "message-expired", "the message was not delivered within its --ttl",
            causes: ["the receiver was away for longer"],
            action: "send it again if it still matters, or give it more time"),
        .failure(
            .messageCancelled, "message-cancelled", "the message was cancelled before it was sent",
            causes: ["somebody ran 'ftsl send --cancel ID'"], action: "nothing"),
        .failure(
            .messageDead, "message-dead", "consumers failed at the message too often",
            causes: ["the command of 'ftsl tail --exec' ended with an error each time"],
            action: "mend the command, then 'ftsl tail INBOX --cursor NAME --return INDEX'"),
        .failure(
            .cursorMismatch, "cursor-mismatch", "the cursor was made for something else",
            causes: ["another topic filter, or --group where it was --cursor, or the reverse"],
            action: "use another name, or drop it with 'ftsl status INBOX --drop-cursor NAME'"),
        .failure(
            .noSuchCursor, "no-such-cursor", "the inbox has no cursor of this name",
            causes: ["a misspelt name", "it was dropped after --cursor-expiry"],
            action: "'ftsl status INBOX' lists them"),
        .failure(
            .deadLettersFull, "dead-letters-full", "no room for another dead letter",
            causes: ["consumers failed at many messages and nobody looked"],
            action: "see 'ftsl tail INBOX --cursor NAME --dead'; return or drop them"),
        .failure(
            .finishedTooFarAhead, "finished-too-far-ahead",
            "a message holds up 65,536 finished ones behind it",
            causes: ["one member of a group neither finishes nor fails at a message"],
            action: "end that member; its message goes to another"),
    ]
}
