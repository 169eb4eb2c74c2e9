internal import FTSLCore
internal import Glibc
internal import NIOCore

/// Cuts a stream of bytes into messages, however the stream is chunked.
protocol FrameReader {
    /// Takes all of `bytes`.
    mutating func read(_ bytes: ByteBuffer, into: inout MessageAssembler) throws(BadInput)
    /// The input has ended.
    mutating func finish(into: inout MessageAssembler) throws(BadInput)
}

/// The whole input is one message.
struct WholeReader: FrameReader {
    mutating func read(
        _ bytes: ByteBuffer, into assembler: inout MessageAssembler
    ) throws(BadInput) {
        try assembler.append(bytes)
    }

    mutating func finish(into assembler: inout MessageAssembler) throws(BadInput) {
        try assembler.end()
    }
}

/// Messages end with a byte, the last perhaps without.
struct DelimitedReader: FrameReader {
    let delimiter: UInt8
    private var position: UInt64 = 0
    /// Something of a message is here.
    private var isOpen = false

    init(delimiter: UInt8) { self.delimiter = delimiter }

    mutating func read(
        _ bytes: ByteBuffer, into assembler: inout MessageAssembler
    ) throws(BadInput) {
        var bytes = bytes
        while bytes.readableBytes > 0 {
            if !isOpen { assembler.begin(at: position) }
            let found = bytes.withUnsafeReadableBytes { space in
                space.baseAddress.flatMap { base in
                    memchr(base, CInt(delimiter), space.count).map { UnsafeRawPointer($0) - base }
                }
            }
            let count = found ?? bytes.readableBytes
            guard let part = bytes.readSlice(length: count) else { return }
            try assembler.append(part)
            isOpen = found == nil
            position += UInt64(count)
            guard found != nil else { return }
            bytes.moveReaderIndex(forwardBy: 1)
            position += 1
            try assembler.end()
        }
    }

    mutating func finish(into assembler: inout MessageAssembler) throws(BadInput) {
        if isOpen { try assembler.end() }
    }
}

/// Each message after its size: four bytes, the most significant first.
struct Length32Reader: FrameReader {
    private var position: UInt64 = 0
    private var header: [UInt8] = []
    private var left: UInt64 = 0

    mutating func read(
        _ bytes: ByteBuffer, into assembler: inout MessageAssembler
    ) throws(BadInput) {
        var bytes = bytes
        while bytes.readableBytes > 0 {
            if header.count < 4 {
                if header.isEmpty { assembler.begin(at: position) }
                guard let byte = bytes.readInteger(as: UInt8.self) else { return }
                position += 1
                header.append(byte)
                guard header.count == 4 else { continue }
                left = header.reduce(0) { $0 << 8 | UInt64($1) }
                try assembler.check(size: left)
            } else {
                let count = Int(min(left, UInt64(bytes.readableBytes)))
                guard let part = bytes.readSlice(length: count) else { return }
                position += UInt64(count)
                left -= UInt64(count)
                try assembler.append(part)
            }
            if left == 0 {
                try assembler.end()
                header = []
            }
        }
    }

    mutating func finish(into assembler: inout MessageAssembler) throws(BadInput) {
        guard !header.isEmpty else { return }
        throw assembler.bad(
            header.count < 4
                ? "the input ends inside the size of a message"
                : "the input ends \(left) bytes before the end of a message")
    }
}

/// `5:hello,` as D. J. Bernstein defined it.
struct NetstringReader: FrameReader {
    private enum State {
        case size(digits: Int, value: UInt64)
        case body(left: UInt64)
    }

    private var position: UInt64 = 0
    private var state = State.size(digits: 0, value: 0)

    mutating func read(
        _ bytes: ByteBuffer, into assembler: inout MessageAssembler
    ) throws(BadInput) {
        var bytes = bytes
        while bytes.readableBytes > 0 {
            if case .body(let left) = state, left > 0 {
                let count = Int(min(left, UInt64(bytes.readableBytes)))
                guard let part = bytes.readSlice(length: count) else { return }
                position += UInt64(count)
                try assembler.append(part)
                state = .body(left: left - UInt64(count))
                continue
            }
            guard let byte = bytes.readInteger(as: UInt8.self) else { return }
            if case .size(digits: 0, _) = state { assembler.begin(at: position) }
            position += 1
            try take(byte, &assembler)
        }
    }

    /// A byte that is not of a body.
    private mutating func take(
        _ byte: UInt8, _ assembler: inout MessageAssembler
    ) throws(BadInput) {
        switch (state, byte) {
        case (.body, UInt8(ascii: ",")):
            try assembler.end()
            state = .size(digits: 0, value: 0)
        case (.body, _): throw assembler.bad("a netstring ends with ','")
        case (.size(let digits, let value), UInt8(ascii: ":")) where digits > 0:
            try assembler.check(size: value)
            state = .body(left: value)
        case (.size(let digits, let value), 0x30...0x39):
            guard digits == 0 || value > 0 else {
                throw assembler.bad("the size of a netstring has no leading zeros")
            }
            guard digits < 18 else { throw assembler.bad("the size of a netstring is too long") }
            state = .size(digits: digits + 1, value: value * 10 + UInt64(byte - 0x30))
        case (.size, _): throw assembler.bad("a netstring begins with its size and ':'")
        }
    }

    mutating func finish(into assembler: inout MessageAssembler) throws(BadInput) {
        switch state {
        case .size(digits: 0, _): return
        case .size: throw assembler.bad("the input ends inside the size of a netstring")
        case .body(let left):
            throw assembler.bad("the input ends \(left + 1) bytes before the end of a netstring")
        }
    }
}
