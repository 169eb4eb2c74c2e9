/// One line of a listener's answer about a migration, in words.
struct MigrationLine {
    let fields: [String: JSONValue]

    /// Without what is only the form of an answer.
    init(_ fields: [String: JSONValue]) {
        self.fields = fields.filter { !["done", "status"].contains($0.key) }
    }

    private func text(_ key: String) -> String? { fields[key]?.plainText }

    private func number(_ key: String) -> UInt64? {
        if case .integer(let value)? = fields[key] { value } else { nil }
    }

    private var sizes: [String] {
        [
            number("sessions").map { Numbers.count($0, "session") },
            number("bytes").map(Numbers.bytes),
        ].compactMap { $0 }
    }

    /// `copy: 12 sessions, 3.40 MiB`; nil for a line that is about something else.
    var progress: String? {
        guard let phase = text("phase") else { return obstacle ?? text("text") }
        let parts = sizes + [text("text")].compactMap { $0 }
        return parts.isEmpty ? phase : "\(phase): \(parts.joined(separator: ", "))"
    }

    var obstacle: String? {
        guard let obstacle = text("obstacle") else { return nil }
        return text("session").map { "obstacle: session \($0): \(obstacle)" }
            ?? "obstacle: \(obstacle)"
    }

    var plan: String {
        let pause = number("pause_ms").map { "; the pause should be about \($0) ms" } ?? ""
        return "would move \(sizes.joined(separator: ", "))\(pause)"
    }

    /// The last words about a move that was made.
    func ending(_ verb: String) -> String {
        let sessions = Numbers.count(number("sessions") ?? 0, "session")
        let bytes = number("bytes") ?? 0
        return "\(verb) \(sessions), \(Numbers.count(bytes, "byte")), paused "
            + "\(number("pause_ms") ?? 0) ms, generation \(text("generation") ?? "unknown")"
    }

    /// The last words about a program that took over in place.
    var restarted: String {
        "restarted in place with \(Numbers.count(number("sessions") ?? 0, "session")), paused "
            + "\(number("pause_ms") ?? 0) ms, pid \(number("pid") ?? 0)"
    }

    /// Everything, a line each.
    var table: String {
        var table = Table(["FIELD", "VALUE"])
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
            table.add([key, value.plainText ?? value.line.trimmedSpace])
        }
        return table.text
    }
}
