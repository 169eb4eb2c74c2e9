package import NIOCore

extension ByteBuffer {
    package mutating func need<T: FixedWidthInteger>(_ type: T.Type = T.self) throws(Failure) -> T {
        guard let value = readInteger(as: type) else { throw .shortFrame }
        return value
    }

    /// The next bytes, at most so many; nil at the end.
    package mutating func readPiece(_ most: Int) -> ByteBuffer? {
        readableBytes > 0 ? readSlice(length: min(readableBytes, most)) : nil
    }

    mutating func need(bytes count: Int) throws(Failure) -> [UInt8] {
        guard let value = readBytes(length: count) else { throw .shortFrame }
        return value
    }

    mutating func needText() throws(Failure) -> String {
        let length = Int(try need(UInt8.self))
        return String(decoding: try need(bytes: length), as: UTF8.self)
    }

    /// Text that decides something, and so must be the UTF-8 that was written.
    mutating func needName(_ count: Int) throws(Failure) -> String {
        if count == 0 { return "" }
        guard count <= readableBytes else { throw .shortFrame }
        let name = withUnsafeReadableBytes { bytes in
            String(validating: UnsafeRawBufferPointer(rebasing: bytes[..<count]), as: UTF8.self)
        }
        guard let name else { throw .violation(.malformedFrame, "a name that is no UTF-8") }
        moveReaderIndex(forwardBy: count)
        return name
    }

    mutating func needName() throws(Failure) -> String {
        try needName(Int(try need(UInt8.self)))
    }

    /// The writer has checked that it is no longer than `Bound.text`.
    mutating func writeName(_ name: String) {
        writeInteger(UInt8(name.utf8.count))
        writeString(name)
    }

    mutating func writeShortText(_ text: String) {
        // Cut on a scalar boundary, so that what arrives is still UTF-8.
        var utf8 = Array(text.utf8.prefix(Bound.text))
        while utf8.count < text.utf8.count, String(validating: utf8, as: UTF8.self) == nil {
            utf8.removeLast()
        }
        writeInteger(UInt8(utf8.count))
        writeBytes(utf8)
    }

    mutating func needEnd() throws(Failure) {
        guard readableBytes == 0 else {
            throw .violation(.malformedFrame, "\(readableBytes) bytes too many in a frame")
        }
    }

    mutating func needGeneration() throws(Failure) -> Generation {
        Generation(moves: try need(), starts: try need())
    }

    mutating func write(_ generation: Generation) {
        writeInteger(generation.moves)
        writeInteger(generation.starts)
    }

    mutating func write(_ id: SessionID) {
        writeInteger(id.high)
        writeInteger(id.low)
    }

    mutating func needSessionID() throws(Failure) -> SessionID {
        SessionID(high: try need(), low: try need())
    }

    mutating func write(_ limits: SessionLimits) {
        writeInteger(limits.maxPayload)
        writeInteger(limits.initialWindow)
        writeInteger(limits.heartbeatMilliseconds)
        writeInteger(limits.sessionTimeoutSeconds)
    }

    mutating func needLimits() throws(Failure) -> SessionLimits {
        var limits = SessionLimits()
        limits.maxPayload = try need()
        limits.initialWindow = try need()
        limits.heartbeatMilliseconds = try need()
        limits.sessionTimeoutSeconds = try need()
        guard limits.maxPayload >= Bound.minPayload, limits.maxPayload <= 1 << 24,
            limits.heartbeatMilliseconds > 0, limits.sessionTimeoutSeconds > 0
        else { throw .violation(.malformedFrame, "limits out of range") }
        return limits
    }
}

/// Big-endian integers, one after the other, into room that is known to be there.
struct FieldWriter {
    private let space: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ space: UnsafeMutableRawBufferPointer) { self.space = space }

    @inline(__always)
    mutating func put<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
        space.storeBytes(of: value.bigEndian, toByteOffset: count, as: T.self)
        count += MemoryLayout<T>.size
    }
}

extension ByteBuffer {
    /// Makes room for `count` bytes once, instead of once per field.
    @inline(__always)
    mutating func writeFields(_ count: Int, _ body: (inout FieldWriter) -> Void) {
        writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
            var writer = FieldWriter(space)
            body(&writer)
            assert(writer.count == count, "a frame is as long as it says")
            return writer.count
        }
    }
}

extension Failure {
    static let shortFrame = Failure.violation(.malformedFrame, "a frame ends before its fields do")
}

/// Type-length-value items at the end of handshake frames; unknown types are skipped. [FTSL §3.4]
package struct Extensions: Hashable, Sendable {
    package static let supportedVersions: UInt16 = 1
    package static let endpoints: UInt16 = 2

    package struct Item: Hashable, Sendable {
        package var type: UInt16
        package var bytes: [UInt8]
    }

    package var items: [Item] = []

    package init(_ items: [Item] = []) { self.items = items }

    package init(supportedVersions versions: [UInt16]) {
        items = [
            Item(
                type: Self.supportedVersions,
                bytes: versions.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] })
        ]
    }

    package var supportedVersions: [UInt16] {
        items.filter { $0.type == Self.supportedVersions }.flatMap { item in
            stride(from: 0, to: item.bytes.count - 1, by: 2).map {
                UInt16(item.bytes[$0]) << 8 | UInt16(item.bytes[$0 + 1])
            }
        }
    }

    func write(to buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt16(items.reduce(0) { $0 + 4 + $1.bytes.count }))
        for item in items {
            buffer.writeInteger(item.type)
            buffer.writeInteger(UInt16(item.bytes.count))
            buffer.writeBytes(item.bytes)
        }
    }

    init(from buffer: inout ByteBuffer) throws(Failure) {
        let total = Int(try buffer.need(UInt16.self))
        guard var slice = buffer.readSlice(length: total) else { throw .shortFrame }
        while slice.readableBytes > 0 {
            let type: UInt16 = try slice.need()
            let length = Int(try slice.need(UInt16.self))
            items.append(Item(type: type, bytes: try slice.need(bytes: length)))
        }
    }
}
