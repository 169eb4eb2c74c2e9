import FTSLStore
import Foundation
import Synchronization
import Testing

@Suite("Locks on files")
struct FileLockTests {
    @Test("A lock that another holds is refused by name, and closes nobody else's descriptor")
    func refusals() throws {
        let folder = try Folder()
        let path = folder.file("lock")
        let held = try FileLock(path, of: "the file")
        // Another thread gets the numbers that are free for a moment.
        let isOver = Atomic(false)
        let lost = Atomic(0)
        let done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            while !isOver.load(ordering: .relaxed) {
                let own = open("/dev/null", O_RDONLY | O_CLOEXEC)
                for _ in 0..<20 where fcntl(own, F_GETFD) < 0 { lost.add(1, ordering: .relaxed) }
                close(own)
            }
            done.signal()
        }
        for _ in 0..<2_000 {
            #expect(throws: StoreFailure.self) { try FileLock(path, of: "the file") }
        }
        isOver.store(true, ordering: .relaxed)
        done.wait()
        #expect(lost.load(ordering: .relaxed) == 0)
        withExtendedLifetime(held) {}
    }

    @Test("A lock that is let go is free, though a child has not yet closed what it inherited")
    func children() throws {
        let folder = try Folder()
        let path = folder.file("lock")
        var lock: FileLock? = try FileLock(path, of: "the file")
        let names = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        let number = names.compactMap { CInt($0) }.first { number in
            let target = try? FileManager.default.destinationOfSymbolicLink(
                atPath: "/proc/self/fd/\(number)")
            return target == path
        }
        // What a child has between fork and exec.
        let inherited = dup(try #require(number))
        defer { close(inherited) }
        withExtendedLifetime(lock) {}
        lock = nil
        #expect(throws: Never.self) { try FileLock(path, of: "the file") }
    }
}
