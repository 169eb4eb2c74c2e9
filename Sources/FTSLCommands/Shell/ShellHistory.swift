internal import FTSLKit
internal import FTSLShell
internal import Glibc

/// The histories of a shell: a file for each peer, and one for the time without a session.
final class ShellHistory {
    /// Every line of the current history, as far as it is known here.
    private(set) var lines: [String] = []
    /// Turned off by `/set history off`.
    var isOn = true

    private let editor: LineEditor
    private let log: Log
    private var file: HistoryFile?
    private var hasComplained = false

    static let withoutSession = "shell"

    init(_ editor: LineEditor, log: Log) {
        self.editor = editor
        self.log = log
    }

    private static var folder: String { StateFolder.ofThisUser + "/history" }

    /// Endpoints that were met before.
    static var places: [String] {
        guard let folder = opendir(folder) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix("."), name != withoutSession {
                names.append(HistoryFile.peer(named: name))
            }
        }
        return names
    }

    /// From now on the history of this peer.
    func use(_ place: String) {
        let path = "\(Self.folder)/\(HistoryFile.name(for: place))"
        guard file?.path != path else { return catchUp() }
        guard isOn else { return }
        editor.forgetHistory()
        lines = []
        file = HistoryFile(path: path)
        catchUp()
    }

    /// Takes over what other shells have added.
    func catchUp() {
        guard isOn, let file else { return }
        attempt { note(try file.news()) }
    }

    func add(_ input: String) {
        guard isOn, HistoryFile.isKept(input) else { return }
        attempt {
            try StateFolder.make("history")
            if let file { note(try file.append(input)) }
        }
        note([input])
    }

    private func note(_ new: [String]) {
        lines += new
        // As many as the editor keeps.
        if lines.count > 5_000 { lines.removeFirst(lines.count - 5_000) }
        editor.remember(new)
    }

    /// A history that cannot be kept is no reason to stop; once is enough to say so.
    private func attempt(_ body: () throws -> Void) {
        do { try body() } catch {
            guard !hasComplained else { return }
            hasComplained = true
            let text = (error as? HistoryFile.Trouble)?.text ?? "\(error)"
            log.notice("the history is not kept: \(text)")
        }
    }
}
