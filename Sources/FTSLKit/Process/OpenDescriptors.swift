internal import Glibc

/// The descriptors of this process.
package enum OpenDescriptors {
    /// Their numbers, without that of the listing itself; none where /proc is not there.
    package static func all() -> [CInt] {
        guard let folder = opendir("/proc/self/fd") else { return [] }
        defer { closedir(folder) }
        var found: [CInt] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let number = CInt(name), number != dirfd(folder) { found.append(number) }
        }
        return found
    }
}
