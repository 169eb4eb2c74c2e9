internal import FTSLCore

/// What a code means, why it comes, and what to do.
struct Explanation: Equatable, Sendable {
    enum Subject: Hashable, Sendable {
        case status(ExitStatus)
        case failure(FailureCode)
        /// 128 + n.
        case signal(Int32)
    }

    var subject: Subject
    /// Kebab-case, never changed: programs compare it.
    var name: String
    /// One clause without a full stop.
    var meaning: String
    /// Likely first.
    var causes: [String]
    var action: String

    static func failure(
        _ code: FailureCode, _ name: String, _ meaning: String, causes: [String], action: String
    ) -> Explanation {
        Explanation(
            subject: .failure(code), name: name, meaning: meaning, causes: causes, action: action)
    }

    static func status(
        _ status: ExitStatus, _ name: String, _ meaning: String, causes: [String], action: String
    ) -> Explanation {
        Explanation(
            subject: .status(status), name: name, meaning: meaning, causes: causes, action: action)
    }

    /// The number that people see.
    var number: Int {
        switch subject {
        case .status(let status): Int(status.rawValue)
        case .failure(let code): Int(code.rawValue)
        case .signal(let number): 128 + Int(number)
        }
    }

    /// What `ftsl` exits with when this ends it.
    var exitStatus: Int {
        switch subject {
        case .failure(let code): Int(code.exitStatus.rawValue)
        case .status, .signal: number
        }
    }

    var kind: String {
        switch subject {
        case .failure: "failure code"
        case .status, .signal: "exit status"
        }
    }
}

/// The one table behind `ftsl explain`, the manual and the hints in error messages.
enum Explanations {
    static let statuses = statusesOfSysexits + statusesOfOurs
    static let failures =
        violations + agreementAndTrust + roomAndLife + endings + reaching + histories + messages
        + migration

    private static let byFailure: [FailureCode: Explanation] = {
        var table: [FailureCode: Explanation] = [:]
        for explanation in failures {
            if case .failure(let code) = explanation.subject { table[code] = explanation }
        }
        return table
    }()

    static func of(_ code: FailureCode) -> Explanation {
        guard let explanation = byFailure[code] else {
            preconditionFailure("no explanation of failure code \(code.rawValue)")
        }
        return explanation
    }

    /// What a number or name stands for; a number may be an exit status and a failure code at once.
    static func lookup(_ text: String) -> [Explanation] {
        guard let number = Int(text) else {
            let name = text.lowercased().replacing("_", with: "-")
            let named = failures.filter { $0.name == name }
            return named.isEmpty ? statuses.filter { $0.name == name } : named
        }
        var found = statuses.filter { $0.number == number }
        if found.isEmpty, (129...192).contains(number) { found = [signal(Int32(number - 128))] }
        return found + failures.filter { $0.number == number }
    }

    static func signal(_ number: Int32) -> Explanation {
        Explanation(
            subject: .signal(number), name: "signal-\(number)",
            meaning: "ended by signal \(number)",
            causes: [
                "somebody pressed Ctrl-C (130), sent SIGTERM (143) or another signal",
                "with --exit-status: the remote command was killed by this signal",
            ],
            action: "stderr says how many bytes were confirmed before the end; what lies beyond "
                + "them may be missing")
    }

    static var names: [String] { (failures + statuses).map(\.name) }
}

extension FailureCode {
    /// The name that people and programs see.
    var name: String { Explanations.of(self).name }
}
