internal import CPlatform
internal import Glibc

/// What is at a path.
enum FileStatus {
    static func exists(_ path: String) -> Bool {
        var status = cplatform_status()
        return cplatform_stat(path, &status) == 0
    }

    static func isSocket(_ path: String) -> Bool {
        var status = cplatform_status()
        return cplatform_stat(path, &status) == 0 && status.mode & S_IFMT == S_IFSOCK
    }

    /// The same file for processes that work in another folder.
    static func absolute(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    static func remove(_ path: String) { unlink(path) }

    static func isProgram(_ path: String) -> Bool {
        var status = cplatform_status()
        return cplatform_stat(path, &status) == 0 && status.mode & S_IFMT == S_IFREG
            && access(path, X_OK) == 0
    }
}
