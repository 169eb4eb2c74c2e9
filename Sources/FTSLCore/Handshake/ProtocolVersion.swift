/// Protocol versions this build speaks, best first. [FTSL §4.1]
package enum ProtocolVersion {
    package static let supported: [UInt16] = [1]

    /// The best version both speak.
    package static func agree(with offered: [UInt16]) -> UInt16? {
        supported.first { offered.contains($0) }
    }
}
