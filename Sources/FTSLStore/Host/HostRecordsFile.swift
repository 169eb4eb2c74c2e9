internal import Glibc
internal import Synchronization

/// A listener's records of moves: the file is made with the first one.
package final class HostRecordsFile: Sendable {
    package let path: String
    private let store = Mutex<HostStore?>(nil)

    private let makeFolder: @Sendable () throws -> Void

    /// - Parameter makeFolder: Called before the file is made.
    package init(_ path: String, makeFolder: @escaping @Sendable () throws -> Void) {
        self.path = path
        self.makeFolder = makeFolder
    }

    package var exists: Bool { access(path, F_OK) == 0 }

    /// Throws `StoreFailure`; waits for the disk.
    package func open() throws -> HostStore {
        try store.withLock { store in
            if let store { return store }
            try makeFolder()
            let opened = try HostStore(path)
            store = opened
            return opened
        }
    }
}
