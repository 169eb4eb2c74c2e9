internal import FTSLKit

/// Rows for people: columns as wide as they must be, two spaces between them.
struct Table {
    private var rows: [[String]]

    init(_ heading: [String]) { rows = [heading] }

    mutating func add(_ row: [String]) { rows.append(row.map(Log.harmless)) }

    var isEmpty: Bool { rows.count == 1 }

    /// Nothing for a table without rows.
    var text: String {
        guard !isEmpty else { return "" }
        var widths = [Int](repeating: 0, count: rows[0].count)
        for row in rows {
            for (column, cell) in row.enumerated() {
                widths[column] = max(widths[column], cell.count)
            }
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                cell + String(repeating: " ", count: widths[column] - cell.count)
            }
            return cells.joined(separator: "  ").trimmedEnd + "\n"
        }.joined()
    }
}
