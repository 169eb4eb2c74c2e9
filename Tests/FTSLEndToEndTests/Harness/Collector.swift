import Foundation

/// A condition did not come true in time; says what was there instead.
struct TimeLimitExceeded: Error, CustomStringConvertible {
    var description: String
}

/// Something that threads change and tests wait for.
final class Watched<Value>: @unchecked Sendable {
    private let condition = NSCondition()
    private var value: Value

    init(_ value: Value) { self.value = value }

    var current: Value {
        condition.lock()
        defer { condition.unlock() }
        return value
    }

    func change(_ body: (inout Value) -> Void) {
        condition.lock()
        body(&value)
        condition.broadcast()
        condition.unlock()
    }

    /// Waits until the answer is not nil; nil when the limit is reached.
    func wait<Answer>(_ limit: Duration, for answer: (Value) -> Answer?) -> Answer? {
        let end = Date(timeIntervalSinceNow: limit / .seconds(1))
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let found = answer(value) { return found }
            if !condition.wait(until: end) { return answer(value) }
        }
    }
}

/// Reads a descriptor on a thread of its own and keeps what it read.
final class Collector: Sendable {
    struct Content {
        var data = Data()
        var isEnded = false
    }

    private let content = Watched(Content())

    init(_ descriptor: Descriptor) {
        let content = content
        Thread.detachNewThread {
            let space = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
            defer { space.deallocate() }
            while let count = descriptor.read(into: space), count > 0 {
                let part = UnsafeRawBufferPointer(rebasing: space[..<count])
                content.change { $0.data.append(contentsOf: part) }
            }
            content.change { $0.isEnded = true }
        }
    }

    var data: Data { content.current.data }
    var text: String { String(decoding: data, as: UTF8.self) }

    /// Everything, once the writer has closed its end.
    func all(_ limit: Duration = .seconds(30)) throws -> Data {
        guard let data = content.wait(limit, for: { $0.isEnded ? $0.data : nil }) else {
            throw TimeLimitExceeded(
                description: "no end of output within \(limit); so far \(data.count) bytes: "
                    + "\(text.suffix(2000))")
        }
        return data
    }

    func allText(_ limit: Duration = .seconds(30)) throws -> String {
        String(decoding: try all(limit), as: UTF8.self)
    }

    /// The first line (or what there is of it) that contains the text.
    @discardableResult
    func line(
        containing part: String, after count: Int = 0, _ limit: Duration = .seconds(30)
    ) throws -> String {
        try line("'\(part)'", after: count, limit) { $0.contains(part) }
    }

    /// The first line that is what we look for.
    @discardableResult
    func line(
        _ what: String, after count: Int = 0, _ limit: Duration = .seconds(30),
        where matches: (Substring) -> Bool
    ) throws -> String {
        let line = content.wait(limit) { content -> String? in
            let text = String(decoding: content.data.dropFirst(count), as: UTF8.self)
            return text.split(separator: "\n").first(where: matches).map(String.init)
        }
        guard let line else {
            throw TimeLimitExceeded(
                description: "no \(what) within \(limit) in: \(text.suffix(2000))")
        }
        return line
    }

    /// Waits for a number of bytes.
    @discardableResult
    func atLeast(_ count: Int, _ limit: Duration = .seconds(30)) throws -> Data {
        guard let data = content.wait(limit, for: { $0.data.count >= count ? $0.data : nil }) else {
            throw TimeLimitExceeded(
                description: "\(data.count) of \(count) bytes within \(limit)")
        }
        return data
    }

    /// Waits until the whole text is as it should be.
    func satisfies(
        _ what: String, _ limit: Duration = .seconds(30), _ matches: (String) -> Bool
    ) throws {
        let found = content.wait(limit) {
            matches(String(decoding: $0.data, as: UTF8.self)) ? true : nil
        }
        guard found != nil else {
            throw TimeLimitExceeded(
                description: "no \(what) within \(limit) in: \(text.suffix(2000))")
        }
    }

    /// The JSON objects among its complete lines.
    var objects: [JSONObject] {
        text.split(separator: "\n").compactMap { JSONObject(String($0)) }
    }

    /// The first JSON object that answers the question.
    func object(
        _ what: String, _ limit: Duration = .seconds(30), where matches: (JSONObject) -> Bool
    ) throws -> JSONObject {
        let found = content.wait(limit) { content -> JSONObject? in
            let text = String(decoding: content.data, as: UTF8.self)
            return text.split(separator: "\n").compactMap { JSONObject(String($0)) }
                .first(where: matches)
        }
        guard let found else {
            throw TimeLimitExceeded(
                description: "no \(what) within \(limit) in: \(text.suffix(2000))")
        }
        return found
    }
}

/// One JSON object, asked by key.
struct JSONObject: @unchecked Sendable, CustomStringConvertible {
    private let fields: [String: Any]
    let description: String

    init?(_ line: String) {
        guard line.hasPrefix("{"),
            let value = try? JSONSerialization.jsonObject(with: Data(line.utf8)),
            let fields = value as? [String: Any]
        else { return nil }
        self.fields = fields
        description = line
    }

    func integer(_ key: String) -> Int? { (fields[key] as? NSNumber)?.intValue }
    func number(_ key: String) -> Double? { (fields[key] as? NSNumber)?.doubleValue }
    func string(_ key: String) -> String? { fields[key] as? String }
    func has(_ key: String) -> Bool { fields[key] != nil }
}
