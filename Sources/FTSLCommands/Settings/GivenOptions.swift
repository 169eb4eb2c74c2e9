/// Which options a command line gives, without judging it: the parser does that later.
struct GivenOptions {
    /// By key; flags are "true", "false" or how often.
    private(set) var values: [String: String] = [:]
    private var counts: [String: Int] = [:]

    init(_ arguments: some Sequence<String>, of command: CommandDefinition) {
        var rest = Array(arguments)[...]
        while let argument = rest.popFirst() {
            if argument == "--" {
                if let first = rest.first { positional(first, of: command) }
                return
            }
            if argument.hasPrefix("--") {
                long(argument.dropFirst(2), &rest, of: command)
            } else if argument.hasPrefix("-"), argument.count > 1 {
                short(argument.dropFirst(), &rest, of: command)
            } else {
                positional(argument, of: command)
            }
        }
    }

    private mutating func positional(_ argument: String, of command: CommandDefinition) {
        guard let option = command.options.first(where: { $0.kind == .positional }),
            values[option.key] == nil
        else { return }
        values[option.key] = argument
    }

    private mutating func long(
        _ text: Substring, _ rest: inout ArraySlice<String>, of command: CommandDefinition
    ) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        if let option = command.option(name) {
            note(option, parts.count == 2 ? String(parts[1]) : nil, &rest)
        } else if name.hasPrefix("no-"), let option = command.option(String(name.dropFirst(3))),
            option.kind == .switchable
        {
            values[option.key] = "false"
        }
    }

    /// `-kv`: flags one after the other, the last of which may take a value.
    private mutating func short(
        _ text: Substring, _ rest: inout ArraySlice<String>, of command: CommandDefinition
    ) {
        for character in text {
            guard let option = command.options.first(where: { $0.shorts.contains(character) })
            else { continue }
            note(option, nil, &rest)
        }
    }

    private mutating func note(
        _ option: OptionDefinition, _ value: String?, _ rest: inout ArraySlice<String>
    ) {
        switch option.kind {
        case .flag, .switchable: values[option.key] = "true"
        case .count:
            counts[option.key, default: 0] += 1
            values[option.key] = "\(counts[option.key] ?? 1)"
        case .value: values[option.key] = value ?? rest.popFirst() ?? ""
        case .positional: break
        }
    }
}
