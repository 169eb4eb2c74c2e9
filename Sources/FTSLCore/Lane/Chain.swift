internal import CXXHash

extension ChainValue {
    /// The chain with one more message: h(n) = H(h(n−1), n, body, created, id). [FTSL §7.3]
    ///
    /// The time of creation tells messages apart that say the same, as those of a heartbeat do.
    package func adding(
        _ sequence: LaneSequence, _ envelope: Envelope, _ digest: BodyDigest
    ) -> ChainValue {
        var id = envelope.id
        return id.withUTF8 { id in
            withUnsafeTemporaryAllocation(byteCount: 40 + id.count, alignment: 8) { space in
                space.storeBytes(of: value.bigEndian, toByteOffset: 0, as: UInt64.self)
                space.storeBytes(of: sequence.value.bigEndian, toByteOffset: 8, as: UInt64.self)
                space.storeBytes(of: digest.count.bigEndian, toByteOffset: 16, as: UInt64.self)
                space.storeBytes(of: digest.digest.bigEndian, toByteOffset: 24, as: UInt64.self)
                space.storeBytes(of: envelope.created.bigEndian, toByteOffset: 32, as: UInt64.self)
                UnsafeMutableRawBufferPointer(rebasing: space[40...]).copyMemory(
                    from: UnsafeRawBufferPointer(id))
                return ChainValue(XXH3_64bits(space.baseAddress, space.count))
            }
        }
    }
}
