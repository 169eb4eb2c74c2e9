internal import FTSLCore

/// Names of cursors, as people give them.
enum CursorName {
    static func complaint(_ name: String) -> String? {
        if name.isEmpty { return "a cursor's name cannot be empty" }
        if name.utf8.count > Bound.cursorName {
            return "a cursor's name has at most \(Bound.cursorName) bytes"
        }
        let isPlain = name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
        return isPlain ? nil : "a cursor's name has no spaces and no control characters"
    }
}
