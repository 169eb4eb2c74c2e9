internal import FoundationEssentials

/// JSON for the lines this program writes: keys sorted, one object a line.
enum JSONValue: Encodable, Equatable, Sendable {
    case string(String)
    case number(Double)
    case integer(UInt64)
    case bool(Bool)
    case object([String: JSONValue])
    case array([JSONValue])
    case null

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .string(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .bool(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .null: try container.encodeNil()
        }
    }

    var isObject: Bool { if case .object = self { true } else { false } }

    /// A string, number or truth value as it would stand on a command line.
    var plainText: String? {
        switch self {
        case .string(let value): value
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .bool(let value): "\(value)"
        case .object, .array, .null: nil
        }
    }

    /// The value and a newline.
    var line: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Only strings, finite numbers, arrays and objects of them: encoding cannot fail.
        guard let data = try? encoder.encode(self) else { return "{}\n" }
        return String(decoding: data, as: UTF8.self) + "\n"
    }
}
