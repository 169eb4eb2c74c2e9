internal import FTSLCore
internal import Glibc
internal import NIOCore

/// How much a stream was, and what.
struct ContentDigest: Equatable, Sendable {
    var count: UInt64
    var value: UInt64

    /// Sixteen hexadecimal digits.
    var text: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Of lines, each with its end.
    init(lines: [String]) {
        let digest = StreamDigest()
        var buffer = ByteBuffer()
        for line in lines { buffer.writeString(line + "\n") }
        digest.update(buffer)
        count = UInt64(lines.count)
        value = digest.value
    }

    /// Of a whole file.
    init(file path: String) throws {
        let digest = StreamDigest()
        var count: UInt64 = 0
        try TextFile.chunks(path) {
            digest.update(ByteBuffer(bytes: $0))
            count += UInt64($0.count)
        }
        self.count = count
        value = digest.value
    }
}

/// Files of the self-test.
enum TextFile {
    private static func open(_ path: String, _ flags: CInt) throws -> CInt {
        let descriptor = Glibc.open(path, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw SelftestFailure(text: "\(path): \(String(cString: strerror(errno)))")
        }
        return descriptor
    }

    static func chunks(_ path: String, _ body: (ArraySlice<UInt8>) throws -> Void) throws {
        let descriptor = try open(path, O_RDONLY)
        defer { close(descriptor) }
        var space = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = read(descriptor, &space, space.count)
            guard count >= 0 else {
                throw SelftestFailure(text: "\(path): \(String(cString: strerror(errno)))")
            }
            if count == 0 { return }
            try body(space[..<count])
        }
    }

    static func lines(_ path: String) throws -> [String] {
        var bytes: [UInt8] = []
        try chunks(path) { bytes += $0 }
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        return lines.map { String(decoding: $0, as: UTF8.self) }
            .dropLast(bytes.last == 0x0A || bytes.isEmpty ? 1 : 0)
    }

    static func write(_ path: String, lines: [String]) throws {
        try write(path, Array(lines.map { $0 + "\n" }.joined().utf8))
    }

    /// Bytes that nobody has seen before.
    static func writeRandom(_ path: String, count: Int) throws {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        let source = try open("/dev/urandom", O_RDONLY)
        defer { close(source) }
        var space = [UInt8](repeating: 0, count: 1 << 18)
        while bytes.count < count {
            let got = read(source, &space, min(space.count, count - bytes.count))
            guard got > 0 else { throw SelftestFailure(text: "/dev/urandom cannot be read") }
            bytes.append(contentsOf: space[..<got])
        }
        try write(path, bytes)
    }

    private static func write(_ path: String, _ bytes: [UInt8]) throws {
        let descriptor = try open(path, O_WRONLY | O_CREAT | O_TRUNC)
        defer { close(descriptor) }
        guard bytes.isEmpty || writeAll(bytes, to: descriptor) else {
            throw SelftestFailure(text: "\(path): \(String(cString: strerror(errno)))")
        }
    }

    private static func writeAll(_ bytes: [UInt8], to descriptor: CInt) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }
}
