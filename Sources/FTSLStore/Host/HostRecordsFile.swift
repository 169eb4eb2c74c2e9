internal import Synchronization

/// A listener's records of moves: the file is made with the first one.
package final class HostRecordsFile: Sendable {
    package let path: String
    private let store = Mutex<HostStore?>(nil)

    package init(_ path: String) { self.path = path }

    /// Throws `StoreFailure`; waits for the disk.
    package func open() throws -> HostStore {
        try store.withLock { store in
            if let store { return store }
            let opened = try HostStore(path)
            store = opened
            return opened
        }
    }
}
