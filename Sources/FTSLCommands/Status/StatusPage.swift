internal import FTSLKit
internal import Glibc

/// What `ftsl status` shows at one moment, for people and for programs.
struct StatusPage: Equatable {
    var lines: [JSONValue] = []
    var table = ""

    /// Fields that change by time alone.
    private static let ages: Set<String> = ["uptime", "age", "offline"]

    /// Without what changes by time alone.
    var substance: [JSONValue] {
        lines.map { line in
            guard case .object(let fields) = line else { return line }
            return .object(fields.filter { !Self.ages.contains($0.key) })
        }
    }

    func text(json: Bool) -> String { json ? lines.map(\.line).joined() : table }

    static func + (first: StatusPage, second: StatusPage) -> StatusPage {
        let gap = first.table.isEmpty || second.table.isEmpty ? "" : "\n"
        return StatusPage(
            lines: first.lines + second.lines, table: first.table + gap + second.table)
    }
}

/// `--watch`: shows a page again whenever it has changed; on a terminal in the same place.
struct StatusWatch {
    var json: Bool
    /// How often it is looked at, in milliseconds.
    var interval: CInt

    /// Until a signal, or until nobody reads it any more.
    func run(_ page: () throws -> StatusPage) throws {
        let isDrawing = !json && isatty(1) == 1
        var before: StatusPage?
        while true {
            let now = try page()
            // Ages go on where they are drawn over; elsewhere they are no news.
            let isNews = isDrawing ? now != before : now.substance != before?.substance
            if isNews {
                let text = isDrawing ? Self.drawn(now.table) : now.text(json: json)
                guard RawOutput.write(text, to: 1) else { throw Ending(.brokenPipe) }
                before = now
            }
            var polled = pollfd(fd: 1, events: 0, revents: 0)
            _ = poll(&polled, 1, interval)
            if polled.revents & CShort(POLLERR) != 0 { throw Ending(.brokenPipe) }
        }
    }

    /// Over what was drawn before, without a flash of nothing.
    static func drawn(_ table: String) -> String {
        let rows = table.split(separator: "\n", omittingEmptySubsequences: false)
        return "\u{1B}[H" + rows.joined(separator: "\u{1B}[K\n") + "\u{1B}[J"
    }
}
