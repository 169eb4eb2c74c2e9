internal import Glibc

/// What is at a path.
enum FileStatus {
    static func exists(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0
    }
}
