package import FTSLCore
package import NIOCore

/// Writes an image of a ticket beside a listener's records; one thread at a time.
///
/// What is not recorded as prepared afterwards is erased at the next start.
package final class ImageWriter {
    private let file: PlainFile
    private let digest = ImageDigest()
    package private(set) var byteCount: UInt64 = 0

    fileprivate init(_ path: String) throws { file = try PlainFile(path, .new) }

    package func append(_ bytes: ByteBuffer) throws {
        try bytes.withUnsafeReadableBytes { try file.write($0, at: byteCount) }
        digest.update(bytes)
        byteCount += UInt64(bytes.readableBytes)
    }

    /// On the disk when it returns; the digest of all bytes, see `ImageDigest`.
    package func seal() throws -> [UInt8] {
        try file.synchronize()
        try StoreFile.synchronize(StoreFile.folder(of: file.path))
        return digest.value
    }
}

/// Images that came from elsewhere: `NAME.image-TICKET`, mode 0600.
extension HostStore {
    private var imagePrefix: String {
        (path.hasSuffix(".db") ? String(path.dropLast(3)) : path) + ".image-"
    }

    package func imagePath(_ ticket: TicketID) -> String { "\(imagePrefix)\(ticket)" }

    /// Throws when the ticket has an image already.
    package func makeImage(_ ticket: TicketID) throws -> ImageWriter {
        try ImageWriter(imagePath(ticket))
    }

    /// All bytes of the image; throws `.damaged` unless they are what was recorded as prepared.
    package func image(_ ticket: TicketID) throws -> ByteBuffer {
        let path = imagePath(ticket)
        guard let record = try targetTickets().first(where: { $0.ticket == ticket }) else {
            throw StoreFailure(.missing, "ticket \(ticket) is unknown")
        }
        let file = try PlainFile(path, .existing)
        let image = try file.read(at: 0, maxBytes: Int(clamping: file.byteCount))
        let digest = ImageDigest()
        digest.update(image)
        guard digest.value == record.digest else {
            throw StoreFailure(.damaged, "\(path) is not what was sealed")
        }
        return image
    }

    /// Overwrites the image and removes it; nothing when there is none.
    package func eraseImage(_ ticket: TicketID) throws {
        guard PlainFile.exists(imagePath(ticket)) else { return }
        try PlainFile(imagePath(ticket), .existing).erase()
        try StoreFile.synchronize(StoreFile.folder(of: path))
    }

    /// Images that were never prepared, or were discarded. One that was consumed stays until its
    /// owner knows how its start went.
    func eraseUnneededImages() throws {
        let kept = Set(
            try targetTickets().filter { $0.state != .discarded }.map { imagePath($0.ticket) })
        let folder = StoreFile.folder(of: path)
        let prefix = imagePrefix.split(separator: "/").last.map(String.init) ?? imagePrefix
        for name in try PlainFile.names(in: folder, prefix: prefix) {
            guard let ticket = TicketID(name.dropFirst(prefix.count)),
                !kept.contains(imagePath(ticket))
            else { continue }
            try eraseImage(ticket)
        }
    }
}
