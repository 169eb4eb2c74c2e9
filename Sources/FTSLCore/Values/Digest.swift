internal import CXXHash
package import NIOCore

/// XXH3-64 of a stream from position 0, incremental. An error check, not one against attackers.
/// [FTSL §5.4]
package final class StreamDigest {
    private let state: OpaquePointer

    package init() {
        guard let state = XXH3_createState() else { preconditionFailure("out of memory") }
        self.state = state
        XXH3_64bits_reset(state)
    }

    private init(copying other: OpaquePointer) {
        guard let state = XXH3_createState() else { preconditionFailure("out of memory") }
        self.state = state
        XXH3_copyState(state, other)
    }

    deinit { XXH3_freeState(state) }

    package func update(_ bytes: ByteBuffer) {
        bytes.withUnsafeReadableBytes { raw in
            #if arch(x86_64)
                _ = XXH3_64bits_update_dispatch(state, raw.baseAddress, raw.count)
            #else
                _ = XXH3_64bits_update(state, raw.baseAddress, raw.count)
            #endif
        }
    }

    package var value: UInt64 { XXH3_64bits_digest(state) }

    /// Takes over another digest's state.
    package func assign(_ other: StreamDigest) { XXH3_copyState(state, other.state) }

    /// The state, to go on from at another host; understood by the same line of the library.
    package var image: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: cxxhash_state_size()) { space, count in
            cxxhash_save(state, space.baseAddress)
            count = cxxhash_state_size()
        }
    }

    package static var imageSize: Int { cxxhash_state_size() }

    /// Takes over a state that another host saved. False: it is of another size.
    package func restore(_ image: [UInt8]) -> Bool {
        guard image.count == Self.imageSize else { return false }
        image.withUnsafeBytes { cxxhash_restore(state, $0.baseAddress) }
        return true
    }

    package func copy() -> StreamDigest { StreamDigest(copying: state) }
}

/// XXH3-128 of what moves from one host to another: that both hold the same bytes. An error check,
/// not one against attackers. [FTSL §10]
package final class ImageDigest {
    package static let byteCount = 16
    private let state: OpaquePointer

    package init() {
        guard let state = XXH3_createState() else { preconditionFailure("out of memory") }
        self.state = state
        XXH3_128bits_reset(state)
    }

    deinit { XXH3_freeState(state) }

    package func update(_ bytes: ByteBuffer) {
        bytes.withUnsafeReadableBytes { raw in
            #if arch(x86_64)
                _ = XXH3_128bits_update_dispatch(state, raw.baseAddress, raw.count)
            #else
                _ = XXH3_128bits_update(state, raw.baseAddress, raw.count)
            #endif
        }
    }

    /// Sixteen bytes, big-endian.
    package var value: [UInt8] {
        let digest = XXH3_128bits_digest(state)
        return withUnsafeBytes(of: (digest.high64.bigEndian, digest.low64.bigEndian)) {
            [UInt8]($0)
        }
    }
}
