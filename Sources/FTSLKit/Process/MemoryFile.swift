internal import CPlatform
internal import Glibc
package import NIOCore

/// Files without a place in any folder.
package enum MemoryFile {
    /// At the offset that readers of the descriptor begin with: 0. Closed in children.
    static func make(_ name: String, _ content: [UInt8]) throws(ChildProcess.SpawnFailure) -> CInt {
        let file = cplatform_memory_file(name)
        guard file >= 0 else { throw .init(doing: "make a file in memory") }
        var written = 0
        while written < content.count {
            let count = content[written...].withUnsafeBytes {
                pwrite(file, $0.baseAddress, $0.count, off_t(written))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let failure = ChildProcess.SpawnFailure(doing: "write a file in memory")
                close(file)
                throw failure
            }
            written += count
        }
        return file
    }

    /// Everything in a file, or in a pipe until its end.
    package static func content(of descriptor: CInt) -> ByteBuffer {
        lseek(descriptor, 0, SEEK_SET)  // a pipe has no place to go to
        var bytes = ByteBuffer()
        var count = 1
        while count > 0 {
            bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: 1 << 20) { space in
                repeat {
                    count = read(descriptor, space.baseAddress, space.count)
                } while count < 0 && errno == EINTR
                return max(0, count)
            }
        }
        return bytes
    }
}
