import FTSLKit
import FTSLTransport
import Foundation
import Testing

/// A folder for one test, gone afterwards.
private final class Folder {
    let path: String

    init() throws {
        var template = Array("/tmp/ftsl-kit-XXXXXX".utf8CString)
        let name = try #require(mkdtemp(&template))
        path = String(cString: name)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    func write(_ text: String, _ name: String, mode: mode_t = 0o600) throws -> String {
        try text.write(toFile: file(name), atomically: false, encoding: .utf8)
        chmod(file(name), mode)
        return file(name)
    }
}

@Suite("Files of trust, by themselves")
struct SecretFileTests {
    private func refusal(_ body: () throws(SecretFile.Refused) -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return error.text
        }
    }

    private func reading(_ path: String, privately: Bool) -> String? {
        refusal { () throws(SecretFile.Refused) in
            _ = try SecretFile.read(path, privately: privately)
        }
    }

    @Test("A file that is not there is none, and neither is one in a folder that is not there")
    func absent() throws {
        let folder = try Folder()
        #expect(try SecretFile.read(folder.file("none"), privately: true) == nil)
        #expect(try SecretFile.read(folder.file("no/such"), privately: true) == nil)
    }

    @Test("A private file may be its owner's alone; a public one may be read by others")
    func modes() throws {
        let folder = try Folder()
        for mode in 0...0o777 as ClosedRange<mode_t> where mode & 0o400 != 0 {
            let path = try folder.write("x", "file", mode: mode | 0o200)
            chmod(path, mode)
            #expect((reading(path, privately: true) == nil) == (mode & 0o077 == 0))
            #expect((reading(path, privately: false) == nil) == (mode & 0o022 == 0))
        }
    }

    @Test("What is no regular file is refused without waiting for it")
    func kinds() throws {
        let folder = try Folder()
        mkfifo(folder.file("pipe"), 0o600)
        mkdir(folder.file("folder"), 0o700)
        symlink(try folder.write("x", "target"), folder.file("link"))
        #expect(reading(folder.file("pipe"), privately: true)?.contains("regular") == true)
        #expect(reading(folder.file("folder"), privately: true)?.contains("regular") == true)
        #expect(reading(folder.file("link"), privately: true)?.contains("symbolic link") == true)
    }

    @Test("A named file may be behind a link, and then its target is judged")
    func followed() throws {
        let folder = try Folder()
        let target = try folder.write("x", "target")
        symlink(target, folder.file("link"))
        let read = try SecretFile.read(folder.file("link"), privately: true, followingLinks: true)
        #expect(read == "x")
        chmod(target, 0o644)
        let text = refusal { () throws(SecretFile.Refused) in
            _ = try SecretFile.read(folder.file("link"), privately: true, followingLinks: true)
        }
        #expect(text?.contains("mode 0644") == true)
    }

    @Test("A file that is written is new, private and whole, and makes its folder")
    func write() throws {
        let folder = try Folder()
        let path = folder.file("made/here/file")
        try SecretFile.write("first\n", to: path)
        try SecretFile.write("second\n", to: path)
        #expect(try SecretFile.read(path, privately: true) == "second\n")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("made/here"))
        #expect(names == ["file"], "nothing is left over")
        #expect(reading(folder.file("made/here/other"), privately: true) == nil)
    }

    @Test("Updates at the same time are all there")
    func update() async throws {
        let folder = try Folder()
        let path = folder.file("list")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask {
                    try SecretFile.update(path, privately: true) {
                        text throws(SecretFile.Refused) in (text + "\(number)\n", ())
                    }
                }
            }
            try await group.waitForAll()
        }
        let lines = try SecretFile.read(path, privately: true)?.split(separator: "\n") ?? []
        #expect(Set(lines.compactMap { Int($0) }) == Set(0..<20))
    }

    @Test("An update that throws changes nothing and lets the next one in")
    func failedUpdate() throws {
        let folder = try Folder()
        let path = try folder.write("old", "list")
        let text = refusal { () throws(SecretFile.Refused) in
            try SecretFile.update(path, privately: true) { _ throws(SecretFile.Refused) in
                throw SecretFile.Refused(text: "no")
            }
        }
        #expect(text == "no")
        try SecretFile.update(path, privately: true) { old throws(SecretFile.Refused) in
            (old + " and new", ())
        }
        #expect(try SecretFile.read(path, privately: true) == "old and new")
    }

    @Test("A store makes one identity and keeps it")
    func identity() throws {
        let folder = try Folder()
        let store = TrustStore(folder: folder.file("ftsl"))
        let key = try store.identity().fingerprint
        #expect(try store.identity().fingerprint == key)
        #expect(try TrustStore(folder: folder.file("ftsl")).identity().fingerprint == key)
    }
}

@Suite("Pictures of keys")
struct RandomArtTests {
    @Test("A picture is that of ssh's walk: 17 by 9, with a start, an end and an edge")
    func shape() {
        for seed in 0..<50 as Range<UInt8> {
            let rows = RandomArt.draw(Fingerprint(publicKey: [seed])).split(separator: "\n")
            #expect(rows.count == 11)
            #expect(rows.allSatisfy { $0.count == 19 })
            let inside = rows.dropFirst().dropLast().joined()
            #expect(inside.filter { $0 == "E" }.count == 1)
            // The end may lie on the start.
            #expect(inside.filter { $0 == "S" }.count <= 1)
        }
    }

    @Test("It is that of OpenSSH for the same 32 bytes")
    func openSSH() throws {
        // ssh-keygen -lv of a key whose SHA-256 these are.
        let text = RandomArt.draw(try #require(Fingerprint(sample)))
        let rows = text.split(separator: "\n").dropFirst().dropLast().map(String.init)
        #expect(rows == picture)
    }

    @Test("Different keys have different pictures")
    func different() {
        let pictures = (0..<200 as Range<UInt8>).map {
            RandomArt.draw(Fingerprint(publicKey: [$0]))
        }
        #expect(Set(pictures).count == 200)
    }
}

private let sample = "ftsl1:ql6ixlmfb2gyobmin7gfymfopj374jrvbeye4mfrj5gs3b6q5voa"
private let picture = [
    "|  *o.o.+         |",
    "|.o =+o+ + E      |",
    "|o +ooo.= .       |",
    "| * *... o        |",
    "|. * = ..S.       |",
    "|.. = o .+        |",
    "|. = = +. .       |",
    "| . = *...        |",
    "|    +.++.        |",
]
