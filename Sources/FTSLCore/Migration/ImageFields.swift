package import NIOCore

/// The values of an image, besides those that frames have too.
extension ByteBuffer {
    package mutating func write(_ flag: Bool) { writeInteger(UInt8(flag ? 1 : 0)) }

    package mutating func needPresence() throws(Failure) -> Bool {
        switch try need(UInt8.self) {
        case 0: return false
        case 1: return true
        default: throw .notAnImage
        }
    }

    mutating func writeOptional<Value>(
        _ value: Value?, _ write: (inout ByteBuffer, Value) -> Void
    ) {
        self.write(value != nil)
        if let value { write(&self, value) }
    }

    /// Bytes with their length before them.
    package mutating func writeLong(_ bytes: ByteBuffer) {
        writeInteger(UInt64(bytes.readableBytes))
        writeImmutableBuffer(bytes)
    }

    package mutating func needLong() throws(Failure) -> ByteBuffer {
        let count: UInt64 = try need()
        guard count <= UInt64(readableBytes), let slice = readSlice(length: Int(count)) else {
            throw .shortFrame
        }
        return slice
    }

    package mutating func needCount() throws(Failure) -> Int {
        let count: UInt64 = try need()
        guard count <= UInt64(Int32.max) else { throw .notAnImage }
        return Int(count)
    }

    mutating func write(_ identity: PeerIdentity) {
        switch identity {
        case .plaintext: writeInteger(UInt8(0))
        case .key(let text):
            writeInteger(UInt8(1))
            writeShortText(text)
        case .name(let text):
            writeInteger(UInt8(2))
            writeLong(ByteBuffer(string: text))
        }
    }

    mutating func needIdentity() throws(Failure) -> PeerIdentity {
        switch try need(UInt8.self) {
        case 0: return .plaintext
        case 1: return .key(try needText())
        case 2: return .name(String(buffer: try needLong()))
        default: throw .notAnImage
        }
    }

    mutating func write(_ abort: StreamFrame.Abort) {
        writeInteger(abort.code)
        writeInteger(UInt8(abort.positions.count))
        for row in abort.positions {
            writeInteger(row.channel.value)
            writeInteger(row.position)
        }
        writeShortText(abort.text)
    }

    mutating func needAbortIfAny() throws(Failure) -> StreamFrame.Abort? {
        try needPresence() ? try StreamFrame.abort(from: &self) : nil
    }

    mutating func write(_ report: ExitReport) {
        switch report {
        case .status(let value):
            writeInteger(UInt8(0))
            writeInteger(value)
        case .signal(let value):
            writeInteger(UInt8(1))
            writeInteger(value)
        }
    }

    mutating func needExit() throws(Failure) -> ExitReport {
        try StreamFrame.exit(from: &self)
    }

    mutating func write(_ failure: Failure) {
        let fault: UInt8 =
            switch failure.fault {
            case .peer: 0
            case .local: 1
            case .time: 2
            }
        writeInteger(fault)
        writeInteger(failure.code.rawValue)
        writeLong(ByteBuffer(string: failure.text))
    }

    mutating func needFailure() throws(Failure) -> Failure {
        let fault: Failure.Fault
        switch try need(UInt8.self) {
        case 0: fault = .peer
        case 1: fault = .local
        case 2: fault = .time
        default: throw .notAnImage
        }
        let code = FailureCode(rawValue: try need()) ?? .internalError
        return Failure(fault, code, String(buffer: try needLong()))
    }

    mutating func write(_ outcome: Outcome) {
        switch outcome {
        case .complete: writeInteger(UInt8(0))
        case .stopped(let position):
            writeInteger(UInt8(1))
            writeInteger(position)
        case .aborted(let failure, let received, let acknowledged):
            writeInteger(UInt8(2))
            write(failure)
            writeInteger(received)
            writeInteger(acknowledged)
        case .lost(let failure, let received, let acknowledged):
            writeInteger(UInt8(3))
            write(failure)
            writeInteger(received)
            writeInteger(acknowledged)
        }
    }

    mutating func needOutcome() throws(Failure) -> Outcome {
        switch try need(UInt8.self) {
        case 0: return .complete
        case 1: return .stopped(at: try need())
        case 2:
            return .aborted(try needFailure(), received: try need(), acknowledged: try need())
        case 3: return .lost(try needFailure(), received: try need(), acknowledged: try need())
        default: throw .notAnImage
        }
    }
}
