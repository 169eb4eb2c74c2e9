/// Why a store cannot be opened or used; the text is a sentence for people.
package struct StoreFailure: Error, Hashable, Sendable {
    package enum Reason: Hashable, Sendable {
        // At opening: the file cannot be had.
        case isFolder
        case isSymbolicLink
        /// Some other SQLite file.
        case notOurs
        case notADatabase
        /// Made by a newer version of the program.
        case tooNew
        case readOnly
        /// Another process hosts it; its id where it is known.
        case locked(by: Int32?)
        case folderMissing
        case folderNotWritable
        case missing
        /// Another host has it now.
        case moved
        /// Others may read it.
        case tooWide
        /// The database would not promise to write through to the disk.
        case notDurable
        // In use.
        case diskFull
        case busy
        case damaged
        case inputOutput
        case outOfMemory
        /// A mistake of this program.
        case misuse
    }

    package var reason: Reason
    package var text: String

    package init(_ reason: Reason, _ text: String) {
        self.reason = reason
        self.text = text
    }

    /// True when trying again later may succeed, without anybody repairing anything.
    package var isPassing: Bool {
        switch reason {
        case .diskFull, .busy, .locked, .outOfMemory: true
        default: false
        }
    }
}
