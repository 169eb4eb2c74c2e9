/// A command line with the options that the environment and the file added to it.
struct AppliedSettings: Equatable {
    /// The words that name the command.
    var command: [String]
    var added: [Setting]
    /// What the user wrote after the command.
    var rest: [String]

    /// What the argument parser gets.
    var arguments: [String] { with(added) }

    /// Options of the user stand last, and the endpoint before whatever follows `--`.
    private func with(_ settings: [Setting]) -> [String] {
        command + settings.flatMap(Self.arguments(for:)) + rest
    }

    private static func arguments(for setting: Setting) -> [String] {
        guard let value = setting.value else { return [] }
        let name = "--\(setting.option.key)"
        switch setting.option.kind {
        case .flag: return value == "true" ? [name] : []
        case .switchable: return [value == "true" ? name : "--no-\(setting.option.key)"]
        case .count: return Array(repeating: name, count: Int(value) ?? 0)
        case .value: return ["\(name)=\(value)"]
        case .positional: return [value]
        }
    }

    /// Whose fault it is that the arguments do not parse: an added setting without which the
    /// complaint is another.
    ///
    /// - Parameter complaint: what the parser says about arguments; nil when it accepts them.
    func culprit(_ complaint: ([String]) -> String?) -> Setting? {
        let whole = complaint(arguments)
        for index in added.indices {
            var others = added
            let suspect = others.remove(at: index)
            // Without an endpoint there is always a complaint; it says nothing about the endpoint.
            if suspect.option.kind != .positional, complaint(with(others)) != whole {
                return suspect
            }
        }
        let endpoint = added.first { $0.option.kind == .positional }
        guard let endpoint, complaint(command + ["localhost"] + rest) == nil else { return nil }
        return endpoint
    }
}
