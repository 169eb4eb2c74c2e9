import Foundation
import Glibc
import NIOCore
import Testing

import FTSLKit

@Suite("Parts of a checkpoint")
struct CheckpointPartsTests {
    @Test("A declaration is one line of known words")
    func declaration() throws {
        func parse(_ text: String) throws -> CheckpointDeclaration? {
            try CheckpointDeclaration.parse(Array(text.utf8))?.declaration
        }
        #expect(try parse("ready\nstate") == .endOfInput)
        #expect(try parse("ready USR1\n") == .signal(SIGUSR1))
        #expect(try parse("ready WINCH\n") == .signal(SIGWINCH))
        #expect(try CheckpointDeclaration.parse(Array("ready\n5\n".utf8))?.length == 6)
        for unfinished in ["", "ready", "ready USR1"] { #expect(try parse(unfinished) == nil) }
        for wrong in [
            "ready KILL\n", "ready \n", "ready USR1 USR2\n", " ready\n", "no\n", "\n",
            String(repeating: "x", count: 64),
        ] { #expect(throws: Unmovable.self) { try parse(wrong) } }
    }

    @Test("Whole lines pass at any cut, and the rest waits")
    func lines() {
        let text = Array("one\n\ntwo and more\nthree\nrest".utf8)
        for first in 0...text.count {
            for second in first...text.count {
                var gate = LineGate()
                var passed: [UInt8] = []
                for piece in [text[..<first], text[first..<second], text[second...]] {
                    if let lines = gate.add(ByteBuffer(bytes: piece)) {
                        passed += lines.readableBytesView
                        #expect(passed.last == 0x0A)
                    }
                }
                #expect(passed == text.dropLast(4))
                #expect(gate.takeHeld() == ByteBuffer(string: "rest"))
                #expect(gate.held.readableBytes == 0)
            }
        }
    }

    @Test("A folder is private, goes with its listener, and a killed one's goes with the next")
    func folder() throws {
        var template = Array("/tmp/ftsl-folder-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let top = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let base = top + "/run"
        defer { try? FileManager.default.removeItem(atPath: top) }
        let files = FileManager.default
        var killed: CheckpointFolder? = try CheckpointFolder(in: base)
        let left = try #require(killed?.path)
        try Data("1\n".utf8).write(to: URL(filePath: left + "/1.checkpoint"))
        let living = try CheckpointFolder(in: base)
        #expect(files.fileExists(atPath: left), "its listener lives")
        for path in [base, living.path] {
            let mode = try files.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o700)
        }
        killed = nil
        let next = try CheckpointFolder(in: base)
        #expect(!files.fileExists(atPath: left) && files.fileExists(atPath: living.path))
        living.remove()
        next.remove()
        #expect(try files.contentsOfDirectory(atPath: base).isEmpty)
        #expect(living.files() != living.files(), "no two commands share a name")
        chmod(base, 0o755)
        #expect(throws: RuntimeFolder.Trouble.self) { try CheckpointFolder(in: base) }
    }
}
