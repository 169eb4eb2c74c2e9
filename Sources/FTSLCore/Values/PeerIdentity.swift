/// Who is at the other end of a connection, as far as the transport has verified it. [FTSL §4.7]
///
/// A session belongs to the identity that opened it: it is resumed from no other, and never from a
/// weaker one.
package enum PeerIdentity: Hashable, Sendable, CustomStringConvertible {
    /// Nothing is verified: plain TCP or a Unix socket.
    case plaintext
    /// The holder of a private key; the fingerprint of its public key.
    case key(String)
    /// The subject of a certificate under an accepted authority; renewal keeps the name.
    case name(String)

    package var description: String {
        switch self {
        case .plaintext: "plaintext"
        case .key(let fingerprint): fingerprint
        case .name(let name): name
        }
    }

    package var isVerified: Bool { self != .plaintext }
}
