internal import NIOCore

/// SQLite's write-ahead log, as its documentation gives it (sqlite.org/fileformat2.html, 4).
enum LogFormat {
    static let headerBytes = 32
    static let frameHeaderBytes = 24
    static let version: UInt32 = 3_007_000
    /// Its last bit: sums are of big-endian words.
    static let magic: UInt32 = 0x377F_0682
}

/// Puts a log that comes in pieces into its database file, a frame at a time.
///
/// Each frame must have the log's salt and go on with its sum, so that a missing, foreign or
/// damaged one is found. The file is whole only after the last frame of a transaction.
struct LogReplay {
    private struct Header {
        var isBigEndian: Bool
        var pageBytes: Int
        var salt: UInt64
    }

    private let file: PlainFile
    private var header: Header?
    private var sum: (UInt32, UInt32) = (0, 0)
    /// The start of a header or frame whose end did not come yet.
    private var rest = ByteBuffer()
    /// Of the whole database; nil inside of a transaction.
    private var pageCount: UInt32? = 0

    init(_ file: PlainFile) { self.file = file }

    /// True: what came so far ends with a transaction.
    var isWhole: Bool { pageCount != nil && rest.readableBytes == 0 }

    /// Takes the bytes that come next.
    mutating func take(_ bytes: ByteBuffer) throws {
        var bytes = bytes
        rest.writeBuffer(&bytes)
        if header == nil {
            guard let first = rest.readSlice(length: LogFormat.headerBytes) else { return }
            header = try first.withUnsafeReadableBytes { try readHeader($0) }
        }
        guard let header else { return }
        while let frame = rest.readSlice(length: LogFormat.frameHeaderBytes + header.pageBytes) {
            try frame.withUnsafeReadableBytes { try apply($0, header) }
        }
        rest.discardReadBytes()
    }

    /// The file has the length that the last transaction gave it.
    func finish() throws {
        guard isWhole, let pageCount else { throw damage("ends inside of a transaction") }
        guard let header, pageCount > 0 else { return }
        try file.truncate(to: UInt64(pageCount) * UInt64(header.pageBytes))
    }

    private mutating func readHeader(_ bytes: UnsafeRawBufferPointer) throws -> Header {
        let magic = Self.word(bytes, 0)
        let pageBytes = Int(Self.word(bytes, 8))
        guard magic & ~1 == LogFormat.magic, Self.word(bytes, 4) == LogFormat.version,
            (512...65_536).contains(pageBytes), pageBytes & (pageBytes - 1) == 0
        else { throw damage("has no header") }
        let header = Header(
            isBigEndian: magic & 1 == 1, pageBytes: pageBytes, salt: Self.salt(bytes, 16))
        add(bytes, 0..<24, header)
        guard sum == (Self.word(bytes, 24), Self.word(bytes, 28)) else {
            throw damage("has a damaged header")
        }
        return header
    }

    private mutating func apply(_ frame: UnsafeRawBufferPointer, _ header: Header) throws {
        let page = UnsafeRawBufferPointer(rebasing: frame[LogFormat.frameHeaderBytes...])
        let number = Self.word(frame, 0)
        add(frame, 0..<8, header)
        add(page, 0..<page.count, header)
        guard number > 0, Self.salt(frame, 8) == header.salt,
            sum == (Self.word(frame, 16), Self.word(frame, 20))
        else { throw damage("has a damaged frame") }
        try file.write(page, at: UInt64(number - 1) * UInt64(header.pageBytes))
        let size = Self.word(frame, 4)
        pageCount = size == 0 ? nil : size
    }

    private mutating func add(
        _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ header: Header
    ) {
        var (a, b) = sum
        for offset in stride(from: range.lowerBound, to: range.upperBound, by: 8) {
            let first = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
            let second = bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
            a &+= (header.isBigEndian ? first.bigEndian : first.littleEndian) &+ b
            b &+= (header.isBigEndian ? second.bigEndian : second.littleEndian) &+ a
        }
        sum = (a, b)
    }

    private static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
        bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self).bigEndian
    }

    private static func salt(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
        bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    private func damage(_ what: String) -> StoreFailure {
        StoreFailure(.damaged, "the log for \(file.path) \(what)")
    }
}
