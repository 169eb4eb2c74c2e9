internal import FTSLCore
internal import NIOCore

/// Small lists inside a row: numbers as LEB128 varints, texts behind their length.
struct Packer {
    private(set) var bytes: [UInt8] = []

    mutating func number(_ value: UInt64) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(value))
    }

    mutating func text(_ value: String) {
        number(UInt64(value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }
}

/// Reads what `Packer` wrote; anything else is a damaged file.
struct Unpacker {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }
    var rest: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[position...]) }

    mutating func number() throws -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            guard position < bytes.count else { throw Self.damage }
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) << UInt64(shift)
            if byte < 0x80 { return value }
        }
        throw Self.damage
    }

    mutating func text() throws -> String {
        let count = try number()
        guard count <= UInt64(bytes.count - position) else { throw Self.damage }
        defer { position += Int(count) }
        return String(decoding: bytes[position..<position + Int(count)], as: UTF8.self)
    }

    static let damage = StoreFailure(.damaged, "a row of the store does not make sense")
}

// MARK: Envelopes

extension Envelope {
    /// Id and headers; nil when there are neither.
    func packedExtras() -> [UInt8]? {
        guard !id.isEmpty || !headers.isEmpty else { return nil }
        var packer = Packer()
        packExtras(into: &packer)
        return packer.bytes
    }

    func packExtras(into packer: inout Packer) {
        guard !id.isEmpty || !headers.isEmpty else { return }
        packer.text(id)
        for header in headers {
            packer.text(header.name)
            packer.text(header.value)
        }
    }

    mutating func unpackExtras(_ bytes: UnsafeRawBufferPointer) throws {
        guard !bytes.isEmpty else { return }
        var unpacker = Unpacker(bytes)
        id = try unpacker.text()
        while !unpacker.isAtEnd {
            headers.append(Header(name: try unpacker.text(), value: try unpacker.text()))
        }
    }
}

// MARK: Exceptions

extension Resolution {
    /// As two numbers: 1 rejected, 2 duplicate, 3 skipped; and of what.
    var packed: (kind: UInt64, value: UInt64) {
        switch self {
        case .rejected(let code): (1, UInt64(code.rawValue))
        case .duplicate(let index): (2, index.value)
        case .skipped(let reason): (3, UInt64(reason.rawValue))
        }
    }

    init(kind: UInt64, value: UInt64) throws {
        switch kind {
        case 1:
            guard let raw = UInt16(exactly: value), let code = FailureCode(rawValue: raw) else {
                throw Unpacker.damage
            }
            self = .rejected(code)
        case 2: self = .duplicate(of: InboxIndex(value))
        case 3:
            guard let raw = UInt8(exactly: value), let reason = SkipReason(rawValue: raw) else {
                throw Unpacker.damage
            }
            self = .skipped(reason)
        default: throw Unpacker.damage
        }
    }
}

extension [LaneException] {
    func packed() -> [UInt8] {
        var packer = Packer()
        var last: UInt64 = 0
        for exception in self {
            let (kind, value) = exception.resolution.packed
            packer.number(exception.sequence.value &- last)
            packer.number(kind)
            packer.number(value)
            last = exception.sequence.value
        }
        return packer.bytes
    }

    init(packed bytes: UnsafeRawBufferPointer) throws {
        self = []
        var unpacker = Unpacker(bytes)
        var last: UInt64 = 0
        while !unpacker.isAtEnd {
            last &+= try unpacker.number()
            let kind = try unpacker.number()
            append(
                LaneException(
                    sequence: LaneSequence(last),
                    resolution: try Resolution(kind: kind, value: try unpacker.number())))
        }
    }
}

// MARK: Cursors

extension ConsumerCursor {
    func packedFinished() -> [UInt8] {
        var packer = Packer()
        var last: UInt64 = 0
        for range in finished {
            packer.number(range.lowerBound &- last)
            packer.number(range.upperBound - range.lowerBound)
            last = range.upperBound
        }
        return packer.bytes
    }

    mutating func unpackFinished(_ bytes: UnsafeRawBufferPointer) throws {
        var unpacker = Unpacker(bytes)
        var last: UInt64 = 0
        while !unpacker.isAtEnd {
            let lower = last &+ (try unpacker.number())
            let upper = lower.addingReportingOverflow(try unpacker.number())
            guard !upper.overflow else { throw Unpacker.damage }
            finished.append(lower...upper.partialValue)
            last = upper.partialValue
        }
    }

    func packedAttempts() -> [UInt8] {
        var packer = Packer()
        for (index, count) in attempts {
            packer.number(index.value)
            packer.number(UInt64(count))
        }
        return packer.bytes
    }

    mutating func unpackAttempts(_ bytes: UnsafeRawBufferPointer) throws {
        var unpacker = Unpacker(bytes)
        while !unpacker.isAtEnd {
            let index = InboxIndex(try unpacker.number())
            attempts[index] = UInt32(clamping: try unpacker.number())
        }
    }
}

extension TopicFilter {
    func packed() -> [UInt8] {
        var packer = Packer()
        patterns.forEach { packer.text($0) }
        return packer.bytes
    }

    init(packed bytes: UnsafeRawBufferPointer) throws {
        var unpacker = Unpacker(bytes)
        var patterns: [String] = []
        while !unpacker.isAtEnd { patterns.append(try unpacker.text()) }
        self.init(patterns)
    }
}

// MARK: Identifiers

/// Sixteen bytes, big-endian.
enum Identifier {
    static func bytes(_ high: UInt64, _ low: UInt64) -> [UInt8] {
        withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { [UInt8]($0) }
    }

    static func halves(_ bytes: UnsafeRawBufferPointer) throws -> (high: UInt64, low: UInt64) {
        guard bytes.count == 16 else { throw Unpacker.damage }
        return (
            UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
            UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        )
    }
}

extension ProducerID {
    var bytes: [UInt8] { Identifier.bytes(high, low) }

    init(bytes: UnsafeRawBufferPointer) throws {
        let halves = try Identifier.halves(bytes)
        self.init(high: halves.high, low: halves.low)
    }
}

extension InboxID {
    var bytes: [UInt8] { Identifier.bytes(high, low) }

    init(bytes: UnsafeRawBufferPointer) throws {
        let halves = try Identifier.halves(bytes)
        self.init(high: halves.high, low: halves.low)
    }
}
