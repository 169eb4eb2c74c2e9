package import NIOCore

/// Where a session or inbox lives now, or is about to: what a client needs to go there.
/// [FTSL §10.7]
package struct MoveTarget: Hashable, Sendable {
    /// Endpoints are alternatives, as they are written on a command line.
    package var endpoints: [String]
    /// The fingerprint of the host's key; empty where nothing is verified.
    package var key: String
    package var generation: Generation

    package init(endpoints: [String], key: String, generation: Generation) {
        self.endpoints = endpoints
        self.key = key
        self.generation = generation
    }

    package var endpointList: String { endpoints.joined(separator: ",") }
}

extension Bound {
    /// Endpoints of one target: each is a dial of its own.
    package static let targetEndpoints = 8
    /// Hosts that a client is sent on to before it is somewhere again. [FTSL §4.4]
    package static let hops = 8
}

extension ByteBuffer {
    package mutating func write(_ target: MoveTarget) {
        writeInteger(UInt8(target.endpoints.count))
        for endpoint in target.endpoints { writeShortText(endpoint) }
        writeShortText(target.key)
        write(target.generation)
    }

    package mutating func needTarget() throws(Failure) -> MoveTarget {
        let count = Int(try need(UInt8.self))
        guard (1...Bound.targetEndpoints).contains(count) else {
            throw .violation(.malformedFrame, "a target with \(count) endpoints")
        }
        var endpoints: [String] = []
        for _ in 0..<count { endpoints.append(try needText()) }
        return MoveTarget(
            endpoints: endpoints, key: try needText(), generation: try needGeneration())
    }
}

extension Extensions {
    /// Where to go instead; in a verdict *moved*.
    package init(target: MoveTarget) {
        var bytes = ByteBuffer()
        bytes.write(target)
        items = [Item(type: Self.endpoints, bytes: Array(bytes.readableBytesView))]
    }

    /// Nil when none is said, or what is said cannot be read.
    package var target: MoveTarget? {
        guard let item = items.first(where: { $0.type == Self.endpoints }) else { return nil }
        var bytes = ByteBuffer(bytes: item.bytes)
        guard let target = try? bytes.needTarget(), bytes.readableBytes == 0 else { return nil }
        return target
    }
}
