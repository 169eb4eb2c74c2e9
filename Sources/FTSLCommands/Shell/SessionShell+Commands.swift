internal import FTSLCore
internal import FTSLKit
internal import FTSLShell
internal import FTSLStore
internal import Glibc
internal import NIOCore

/// The commands of a shell: those of the command line, and a few about the shell itself.
extension SessionShell {
    /// What a command does, for `/help`, by name.
    static let commands: [String: (arguments: String, meaning: String)] = [
        "connect": ("ENDPOINT [OPTIONS]", "open a session and make it the current one"),
        "sessions": ("", "list the sessions"),
        "switch": ("NAME", "make another session the current one"),
        "close": ("[NAME]", "end a session's input and wait for its end"),
        "send": ("ENDPOINT MESSAGE [OPTIONS]", "send a message to an inbox"),
        "tail": ("ENDPOINT|PATH [OPTIONS]", "follow an inbox; /close tail ends it"),
        "status": ("[NAME|ENDPOINT|PATH]", "listeners, inboxes, outboxes"),
        "migrate": ("NAME TARGET [OPTIONS]", "move a listener to another host"),
        "key": ("show|trust|list|revoke", "identity, and whom we believe"),
        "set": ("[-e|history on|off]", "show or change how the shell behaves"),
        "history": ("[COUNT|TEXT]", "what was typed to this peer"),
        "explain": ("CODE", "what an error or exit status means"),
        "help": ("[COMMAND]", "this list, or a command's options"),
        "quit": ("", "end every session, and the shell"),
    ]

    /// Commands that own their process and so get one.
    private static let ofTheirOwn: Set<String> = [
        "send", "tail", "status", "migrate", "key", "explain",
    ]

    /// Obeys a command line without its slash.
    func run(_ text: String) throws(Ending) {
        var words: [String]
        do throws(CommandWords.Malformed) {
            words = try CommandWords.split(text)
        } catch {
            throw Ending(.usage, error.text, see: "/help")
        }
        guard let name = words.first else {
            throw Ending(.usage, "a command is missing", see: "/help")
        }
        guard Self.commands[name] != nil else {
            let hint = NearestName.of(name, among: Self.commands.keys)
            throw Ending(
                .usage,
                "there is no command /\(name)" + (hint.map { " (did you mean '/\($0)'?)" } ?? ""),
                see: "/help")
        }
        noteTopics(words)
        if Self.ofTheirOwn.contains(name) { return try runChild(words) }
        words.removeFirst()
        switch name {
        case "connect": try connect(words)
        case "sessions": try none(of: words, "sessions") { listSessions() }
        case "switch": try choose(session(named: words, "switch"))
        case "close": try close(words)
        case "set": try set(words)
        case "history": try showHistory(words)
        case "help": try help(words)
        default: try none(of: words, "quit") { quit() }
        }
    }

    private func none(of words: [String], _ name: String, _ body: () -> Void) throws(Ending) {
        guard words.isEmpty else { throw misused(name) }
        body()
    }

    private func misused(_ name: String) -> Ending {
        let usage = "/\(name) \(Self.commands[name]?.arguments ?? "")"
        return Ending(.usage, "usage: \(usage.trimmedEnd)", see: "/help")
    }

    // MARK: Sessions

    private func connect(_ words: [String]) throws(Ending) {
        let arguments = ["connect"] + words
        guard !words.contains("--help"), !words.contains("-h") else {
            return try runChild(arguments)
        }
        do {
            let parsed = try CommandLineTool.command(for: arguments)
            guard let command = parsed as? ConnectCommand else { return try runChild(arguments) }
            guard command.options.local == nil else {
                return try runChild(arguments, inBackground: true)
            }
            try connect(try command.options.endpoints(), command.options)
        } catch {
            let ending = StoreFailure.ending(of: error)
            if ending.status == ExitStatus.usage.rawValue {
                log.error(CommandLineTool.usage(of: "connect"))
            }
            throw ending
        }
    }

    private func listSessions() {
        var table = Table(["", "NAME", "STATE", "SENT", "RECEIVED", "UNCONFIRMED"])
        for session in sessions {
            let monitor = session.client?.monitor
            table.add([
                session === current ? "*" : "", session.name, Self.word(session.state),
                Numbers.bytes(monitor?.sent ?? 0), Numbers.bytes(monitor?.received ?? 0),
                Numbers.bytes(monitor?.unacknowledged ?? 0),
            ])
        }
        for child in background {
            table.add(["", child.words.joined(separator: " "), "running", "", "", ""])
        }
        say(table.isEmpty ? "no sessions\n" : table.text)
    }

    static func word(_ state: Prompt.State) -> String {
        switch state {
        case .none: "none"
        case .connecting: "connecting"
        case .connected: "connected"
        case .lost(let seconds): "lost \(seconds) s"
        case .moved(let place): "moved to \(place)"
        case .ending: "ending"
        }
    }

    private func session(named words: [String], _ command: String) throws(Ending) -> ShellSession {
        guard words.count == 1 else { throw misused(command) }
        if let found = sessions.first(where: { $0.name == words[0] }) { return found }
        let hint = NearestName.hint(words[0], among: sessions.map(\.name))
        throw Ending(.usage, "there is no session '\(words[0])'\(hint)", see: "/sessions")
    }

    private func close(_ words: [String]) throws(Ending) {
        if let name = words.first, words.count == 1,
            let child = background.first(where: { $0.words.joined(separator: " ").hasPrefix(name) }
            ),
            !sessions.contains(where: { $0.name == name })
        {
            child.signal(SIGTERM)
            return
        }
        guard !words.isEmpty || current != nil else {
            throw Ending(.usage, "no session is open", see: "/help")
        }
        let session = try words.isEmpty ? current : session(named: words, "close")
        guard let session else { return }
        if !session.lines.isFinished { session.lines.finish() }
        work = .closing(session)
    }

    // MARK: Other commands, in processes of their own

    private func runChild(_ words: [String], inBackground: Bool = false) throws(Ending) {
        guard let children, let loop else { return }
        if words[0] == "send" { try refuseMessageOfStdin(words) }
        let child = try ShellChild(
            words, output: screen == nil ? 1 : nil, children: children, on: loop)
        let isBeside = screen != nil && (inBackground || words[0] == "tail")
        var texts = [PeerText(colored: isColored), PeerText(colored: isColored)]
        child.onOutput = { [unowned self] bytes, isError in
            guard screen != nil else {
                RawOutput.write(Array(bytes.readableBytesView), to: 2)
                return
            }
            say(texts[isError ? 1 : 0].lines(after: bytes))
        }
        child.onEnded = { [unowned self, unowned child] status in
            if screen != nil { for index in texts.indices { say(texts[index].flush()) } }
            childEnded(child, status)
        }
        if isBeside { background.append(child) } else { work = .child(child) }
    }

    private func childEnded(_ child: ShellChild, _ status: Int32) {
        if case .child(let awaited) = work, awaited === child { work = nil }
        background.removeAll { $0 === child }
        if status == ExitStatus.usage.rawValue {
            log.error(CommandLineTool.usage(of: child.words[0]))
        }
        // The command has said itself what went wrong.
        if status != 0 { failed(Ending(status: status)) }
        later { $0.pump() }
    }

    /// What a shell reads is commands, and no message.
    private func refuseMessageOfStdin(_ words: [String]) throws(Ending) {
        guard let parsed = try? CommandLineTool.command(for: words) as? SendCommand else { return }
        let options = parsed.options
        guard options.sendsMessages, options.message == nil, options.file == nil else { return }
        throw Ending(.usage, "the message is missing: /send ENDPOINT MESSAGE", see: "/help send")
    }

    // MARK: The shell itself

    private func set(_ words: [String]) throws(Ending) {
        guard !words.isEmpty else {
            let kept = history?.isOn ?? false
            return say(
                "-e \(stopsAtError ? "on" : "off")\nhistory \(kept ? "on" : "off")\n")
        }
        guard words.count == 2, let isOn = ["on": true, "off": false][words[1]] else {
            throw misused("set")
        }
        switch words[0] {
        case "-e": stopsAtError = isOn
        case "history": history?.isOn = isOn
        default: throw misused("set")
        }
    }

    private func showHistory(_ words: [String]) throws(Ending) {
        guard words.count <= 1 else { throw misused("history") }
        let lines = history?.lines ?? []
        let numbered = lines.enumerated().map { ($0 + 1, $1) }
        let chosen: [(Int, String)]
        if let text = words.first, Int(text) == nil {
            chosen = numbered.filter { $0.1.contains(text) }
        } else {
            chosen = Array(numbered.suffix(max(0, words.first.flatMap(Int.init) ?? 20)))
        }
        say(chosen.map { "\($0.0)  \(Log.harmless($0.1))\n" }.joined())
    }

    private func help(_ words: [String]) throws(Ending) {
        guard words.count <= 1 else { throw misused("help") }
        guard let name = words.first.map({ $0.hasPrefix("/") ? String($0.dropFirst()) : $0 }) else {
            return say(Self.helpText)
        }
        if name == "connect" || Self.ofTheirOwn.contains(name) {
            return try runChild([name, "--help"])
        }
        guard let command = Self.commands[name] else {
            let hint = NearestName.hint(name, among: Self.commands.keys)
            throw Ending(.usage, "there is no command /\(name)\(hint)", see: "/help")
        }
        say("/\(name) \(command.arguments)\n    \(command.meaning)\n")
    }

    private static var helpText: String {
        let order = [
            "connect", "sessions", "switch", "close", "send", "tail", "status", "migrate", "key",
            "set", "history", "explain", "help", "quit",
        ]
        let rows = order.map { name -> (String, String) in
            let command = commands[name] ?? ("", "")
            return ("/\(name) \(command.arguments)".trimmedEnd, command.meaning)
        }
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { left, right in
            "\(left)\(String(repeating: " ", count: width - left.count))  \(right)\n"
        }.joined()
            + "Other lines go to the current session; // begins one with a slash.\n"
            + "Ctrl-D ends its input, Ctrl-C clears the line, Ctrl-R searches the history.\n"
    }

    // MARK: Completion

    private func noteTopics(_ words: [String]) {
        for (option, value) in zip(words, words.dropFirst())
        where option == "-t" || option == "--topic" { topics.insert(value) }
    }

    /// What Tab knows at this moment.
    var vocabulary: Vocabulary {
        var options: [String: [String]] = [:]
        for name in Self.commands.keys {
            let command = catalog.subcommands.first { $0.name == name }
            options[name] = (command?.allOptions ?? []).filter { $0.kind != .positional }
                .flatMap { option in
                    ["--\(option.key)"] + (option.kind == .switchable ? ["--no-\(option.key)"] : [])
                }
        }
        var values: [String: [String]] = ["set": ["-e", "history", "on", "off"]]
        for option in catalog.allOptions where option.valueName.contains("|") {
            values["--\(option.key)"] = option.valueName.split(separator: "|").map(String.init)
        }
        let keys = catalog.subcommands.first { $0.name == "key" }?.subcommands.map(\.name)
        values["key"] = keys ?? []
        values["explain"] = Explanations.failures.map(\.name)
        let known = history?.lines.flatMap(Self.topics) ?? []
        return Vocabulary(
            options: options, values: values,
            endpoints: ShellHistory.places + sessions.map(\.place),
            sessions: sessions.map(\.name), topics: topics + known)
    }

    /// The topics in a line of the history.
    private static func topics(in line: String) -> [String] {
        let words = line.split(separator: " ").map(String.init)
        return zip(words, words.dropFirst()).filter { $0.0 == "-t" || $0.0 == "--topic" }.map(\.1)
    }
}
