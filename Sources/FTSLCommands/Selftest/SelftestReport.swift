/// What one part of the self-test carried, through what, and whether it arrived.
struct SelftestResult: Sendable {
    var check: String
    /// For people: `64.0 MiB both ways`.
    var carried: String
    /// The same for programs.
    var amounts: [String: UInt64]
    var cuts: UInt64 = 0
    var kills: UInt64 = 0
    var moves: UInt64 = 0
    /// Of what was sent, and of what arrived.
    var sent = ""
    var received = ""
    var seconds = 0.0
    var complaints: [String] = []

    var holds: Bool { complaints.isEmpty }
}

/// How the self-test tells what it found.
enum SelftestReport {
    static func table(_ results: [SelftestResult]) -> String {
        var table = Table([
            "CHECK", "CARRIED", "CUTS", "KILLS", "MOVES", "SENT", "RECEIVED", "SECONDS", "RESULT",
        ])
        for result in results {
            table.add([
                result.check, result.carried, "\(result.cuts)", "\(result.kills)",
                "\(result.moves)", shown(result.sent), shown(result.received),
                Numbers.fixed(result.seconds, 1), result.holds ? "holds" : "BROKEN",
            ])
        }
        return table.text
    }

    private static func shown(_ digest: String) -> String { digest.isEmpty ? "-" : digest }

    static func lines(_ results: [SelftestResult]) -> String {
        results.map { JSONValue.object(fields(of: $0)).line }.joined()
    }

    private static func fields(of result: SelftestResult) -> [String: JSONValue] {
        let fields: [String: JSONValue] = [
            "check": .string(result.check), "holds": .bool(result.holds),
            "carried": .string(result.carried), "cuts": .integer(result.cuts),
            "kills": .integer(result.kills), "moves": .integer(result.moves),
            "sent_digest": .string(result.sent), "received_digest": .string(result.received),
            "seconds": .number(result.seconds),
            "complaints": .array(result.complaints.map { .string($0) }),
        ]
        return fields.merging(result.amounts.mapValues { .integer($0) }) { $1 }
    }

    /// Nil: all of it held.
    static func ending(_ results: [SelftestResult]) -> Ending? {
        let broken = results.filter { !$0.holds }
        guard let first = broken.first, let complaint = first.complaints.first else { return nil }
        let count = broken.count == 1 ? "" : " (and \(broken.count - 1) more did not hold)"
        return Ending(.internalError, "\(first.check) did not hold: \(complaint)\(count)")
    }
}

/// Whether what arrived is what was sent; says what is wrong, or nil.
enum SelftestJudge {
    /// A stream, one way.
    static func stream(
        _ found: ContentDigest, sent: ContentDigest, _ way: String
    ) -> String? {
        if found.count != sent.count {
            return "\(found.count) of \(sent.count) bytes arrived \(way)"
        }
        return found == sent ? nil : "other bytes than those that were sent arrived \(way)"
    }

    /// Things that must be there once each, in their order.
    static func sequence(_ found: [String], sent: [String], _ noun: String) -> String? {
        guard found != sent else { return nil }
        let known = Set(sent)
        var seen: Set<String> = []
        let doubled = found.filter { !seen.insert($0).inserted }
        let troubles = [
            (sent.filter { !seen.contains($0) }, "missing"), (doubled, "there again"),
            (found.filter { !known.contains($0) }, "not what was sent"),
        ].compactMap { items, what in
            items.first.map { first in
                "\(items.count) of \(sent.count) \(noun): \(what), the first: '\(first)'"
            }
        }
        return troubles.isEmpty ? "the \(noun) are out of order" : troubles.joined(separator: "; ")
    }

    /// Without faults nothing is proven.
    static func faults(_ count: UInt64, atLeast least: UInt64, _ noun: String) -> String? {
        count >= least ? nil : "only \(count) \(noun) happened, \(least) were wanted"
    }
}
