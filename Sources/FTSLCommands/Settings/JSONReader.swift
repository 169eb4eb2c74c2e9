/// Reads JSON that people write, and says where it is wrong.
///
/// The system's decoder only says that it is; it also lets a key appear twice, which hides a
/// setting.
struct JSONReader {
    struct SyntaxError: Error, Equatable {
        var line: Int
        var column: Int
        var text: String

        var description: String { "line \(line), column \(column): \(text)" }
    }

    /// Deeper than any configuration; keeps the recursion from eating the stack.
    static let maxDepth = 32

    private let bytes: [UInt8]
    private var position = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    static func parse(_ bytes: [UInt8]) throws(SyntaxError) -> JSONValue {
        var reader = JSONReader(bytes)
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.position == bytes.count else {
            throw reader.error("nothing may follow the value")
        }
        return value
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func error(_ text: String, at offset: Int? = nil) -> SyntaxError {
        let before = bytes[..<(offset ?? position)]
        let lineStart = (before.lastIndex(of: 0x0A) ?? -1) + 1
        return SyntaxError(
            line: before.count { $0 == 0x0A } + 1,
            column: String(decoding: before[lineStart...], as: UTF8.self).count + 1, text: text)
    }

    private mutating func skipSpace() {
        while let byte = current, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard current == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(SyntaxError) {
        guard take(character) else {
            throw error(current == nil ? "the text ends too early" : "expected '\(character)'")
        }
    }

    private mutating func value(depth: Int) throws(SyntaxError) -> JSONValue {
        guard depth <= Self.maxDepth else { throw error("nested too deeply") }
        skipSpace()
        switch current {
        case UInt8(ascii: "{"): return .object(try object(depth: depth))
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case let byte? where byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte):
            return try number()
        case nil: throw error("the text ends too early")
        default: return try word()
        }
    }

    private mutating func object(depth: Int) throws(SyntaxError) -> [String: JSONValue] {
        try expect("{")
        var members: [String: JSONValue] = [:]
        if take("}") { return members }
        repeat {
            skipSpace()
            let start = position
            guard current == UInt8(ascii: "\"") else { throw error("expected a key in quotes") }
            let key = try string()
            try expect(":")
            guard members[key] == nil else { throw error("'\(key)' appears twice", at: start) }
            members[key] = try value(depth: depth + 1)
        } while take(",")
        try expect("}")
        return members
    }

    private mutating func array(depth: Int) throws(SyntaxError) -> [JSONValue] {
        try expect("[")
        var elements: [JSONValue] = []
        if take("]") { return elements }
        repeat { elements.append(try value(depth: depth + 1)) } while take(",")
        try expect("]")
        return elements
    }

    private mutating func word() throws(SyntaxError) -> JSONValue {
        let words: [(String, JSONValue)] = [
            ("true", .bool(true)), ("false", .bool(false)), ("null", .null),
        ]
        for (text, value) in words where bytes[position...].starts(with: text.utf8) {
            position += text.utf8.count
            return value
        }
        throw error("expected a value")
    }

    private mutating func number() throws(SyntaxError) -> JSONValue {
        let start = position
        while let byte = current,
            (0x30...0x39).contains(byte) || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains(byte)
        { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if let whole = UInt64(text), text == "0" || !text.hasPrefix("0") { return .integer(whole) }
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        let isPadded = digits.hasPrefix("0") && digits.dropFirst().first?.isNumber == true
        guard !isPadded, digits.first?.isNumber == true, digits.last?.isNumber == true,
            let value = Double(text), value.isFinite
        else { throw error("not a number", at: start) }
        return .number(value)
    }

    private mutating func string() throws(SyntaxError) -> String {
        let start = position
        position += 1
        var units: [UInt8] = []
        while let byte = current, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw error("a string ends on its line") }
            position += 1
            if byte == UInt8(ascii: "\\") { try escape(into: &units) } else { units.append(byte) }
        }
        guard current != nil else { throw error("a string without end", at: start) }
        position += 1
        guard let text = String(validating: units, as: UTF8.self) else {
            throw error("not UTF-8", at: start)
        }
        return text
    }

    private mutating func escape(into units: inout [UInt8]) throws(SyntaxError) {
        let start = position - 1
        guard let byte = current else { return }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): units.append(byte)
        case UInt8(ascii: "b"): units.append(0x08)
        case UInt8(ascii: "f"): units.append(0x0C)
        case UInt8(ascii: "n"): units.append(0x0A)
        case UInt8(ascii: "r"): units.append(0x0D)
        case UInt8(ascii: "t"): units.append(0x09)
        case UInt8(ascii: "u"):
            var code = [try hexadecimal(start)]
            if UTF16.isLeadSurrogate(code[0]), bytes[position...].starts(with: "\\u".utf8) {
                position += 2
                code.append(try hexadecimal(start))
            }
            guard let text = String(validating: code, as: UTF16.self) else {
                throw error("half a character", at: start)
            }
            units += text.utf8
        default: throw error("unknown escape", at: start)
        }
    }

    private mutating func hexadecimal(_ start: Int) throws(SyntaxError) -> UInt16 {
        let end = min(position + 4, bytes.count)
        let text = String(decoding: bytes[position..<end], as: UTF8.self)
        guard text.utf8.count == 4, text.allSatisfy(\.isHexDigit),
            let code = UInt16(text, radix: 16)
        else { throw error("\\u needs four hexadecimal digits", at: start) }
        position = end
        return code
    }
}
