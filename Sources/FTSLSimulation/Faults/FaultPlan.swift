internal import FTSLCore

/// Everything that goes wrong in one run. Its text form can be read back.
package struct FaultPlan: Sendable, Hashable, CustomStringConvertible {
    package var faults: [Fault]

    package init(_ faults: [Fault] = []) { self.faults = faults }

    /// One fault a line, in words: `at 1200 client 0 cut lose 0 300`.
    package var description: String {
        faults.map(Self.line).joined(separator: "; ")
    }

    /// Reads what `description` wrote; faults end at a semicolon or a newline.
    package init?(_ text: String) {
        faults = []
        for line in text.split(whereSeparator: { $0 == ";" || $0 == "\n" }) {
            let words = line.split(separator: " ").map(String.init)
            if words.isEmpty || words[0].hasPrefix("#") { continue }
            guard let fault = Self.fault(words) else { return nil }
            faults.append(fault)
        }
    }

    private static func line(_ fault: Fault) -> String {
        let trigger =
            switch fault.trigger {
            case .time(let milliseconds): "at \(milliseconds)"
            case .bytes(let direction, let count): "after \(count) \(direction.rawValue)"
            case .commit(let role, let count): "commit \(count) \(name(role))"
            }
        return "\(trigger) client \(fault.client) \(words(fault.effect))"
    }

    private static func words(_ effect: Fault.Effect) -> String {
        func notice(_ delay: Int?) -> String { delay.map(String.init) ?? "never" }
        return switch effect {
        case .cut(let loses, let initiator, let acceptor):
            "cut \(loses ? "lose" : "drain") \(notice(initiator)) \(notice(acceptor))"
        case .stall(let direction, let time): "stall \(direction.rawValue) \(time)"
        case .halfOpen(let direction): "halfopen \(direction.rawValue)"
        case .refuse(let time): "refuse \(time)"
        case .unreachable(let time): "unreachable \(time)"
        case .slowDials(let by, let time): "slowdials \(by) \(time)"
        case .pause(let role, let time): "pause \(name(role)) \(time)"
        case .jump(let role, let time): "jump \(name(role)) \(time)"
        case .restart: "restart"
        case .crash(let role, let time): "crash \(name(role)) \(time)"
        case .full(let role, let time): "full \(name(role)) \(time)"
        case .slowDisk(let role, let by, let time): "slowdisk \(name(role)) \(by) \(time)"
        case .flap(let every, let times): "flap \(every) \(times)"
        case .attack(let attack, let capture, let at): "attack \(attack.rawValue) \(capture) \(at)"
        case .flood(let count): "flood \(count)"
        }
    }

    private static func name(_ role: Role) -> String {
        role == .initiator ? "initiator" : "acceptor"
    }

    private static func role(_ word: String?) -> Role? {
        word == "initiator" ? .initiator : word == "acceptor" ? .acceptor : nil
    }

    private static func fault(_ words: [String]) -> Fault? {
        var rest = words[...]
        func number() -> Int? { rest.popFirst().flatMap { Int($0) } }
        let trigger: Fault.Trigger
        switch rest.popFirst() {
        case "at":
            guard let time = number() else { return nil }
            trigger = .time(time)
        case "after":
            guard let count = number(), count >= 0,
                let direction = rest.popFirst().flatMap(Direction.init(rawValue:))
            else { return nil }
            trigger = .bytes(direction, UInt64(count))
        case "commit":
            guard let count = number(), count > 0, let role = role(rest.popFirst()) else {
                return nil
            }
            trigger = .commit(role, count)
        default: return nil
        }
        guard rest.popFirst() == "client", let client = number(),
            let effect = effect(rest)
        else { return nil }
        return Fault(trigger, client: client, effect)
    }

    private static func effect(_ words: ArraySlice<String>) -> Fault.Effect? {
        let a = words.dropFirst().first
        let b = words.dropFirst(2).first
        let c = words.dropFirst(3).first
        func number(_ word: String?) -> Int? { word.flatMap { Int($0) } }
        let direction = a.flatMap(Direction.init(rawValue:))
        switch words.first {
        case "cut": return .cut(loses: a == "lose", initiator: number(b), acceptor: number(c))
        case "stall": return direction.flatMap { way in number(b).map { .stall(way, $0) } }
        case "halfopen": return direction.map { .halfOpen($0) }
        case "refuse": return number(a).map { .refuse($0) }
        case "unreachable": return number(a).map { .unreachable($0) }
        case "slowdials":
            return number(a).flatMap { by in number(b).map { .slowDials(by: by, $0) } }
        case "pause": return role(a).flatMap { role in number(b).map { .pause(role, $0) } }
        case "jump": return role(a).flatMap { role in number(b).map { .jump(role, $0) } }
        case "restart": return .restart
        case "crash": return role(a).flatMap { role in number(b).map { .crash(role, $0) } }
        case "full": return role(a).flatMap { role in number(b).map { .full(role, $0) } }
        case "slowdisk":
            guard let role = role(a), let by = number(b), let time = number(c) else { return nil }
            return .slowDisk(role, by: by, time)
        case "flap":
            return number(a).flatMap { every in number(b).map { .flap(every: every, times: $0) } }
        case "attack":
            guard let attack = a.flatMap(Fault.Attack.init(rawValue:)), let capture = number(b),
                let at = number(c)
            else { return nil }
            return .attack(attack, capture: capture, at: at)
        case "flood": return number(a).map { .flood($0) }
        default: return nil
        }
    }
}
