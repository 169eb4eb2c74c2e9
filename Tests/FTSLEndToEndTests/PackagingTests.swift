import Foundation
import Testing

@Suite("Installation", .needs("make"), .onStage(weight: 2))
struct InstallationTests {
    private static let root = URL(filePath: Tool.tests).deletingLastPathComponent().path

    private func make(_ arguments: [String]) throws {
        try stage.run(
            "/usr/bin/make", ["-s", "-C", Self.root, "BIN=\(Tool.path)"] + arguments, .seconds(60))
    }

    private func files(below folder: String) -> [String] {
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String }
        return (names ?? []).filter { name in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(
                atPath: "\(folder)/\(name)", isDirectory: &isFolder) && !isFolder.boolValue
        }.sorted()
    }

    @Test("What make install puts somewhere works there, and make uninstall takes all of it away")
    func install() throws {
        let stage = try stage
        let place = stage.path("root")
        try make(["install-files", "PREFIX=/opt/ftsl", "DESTDIR=\(place)"])
        let installed = files(below: place)
        for name in [
            "bin/ftsl", "share/man/man1/ftsl.1", "share/man/man7/ftsl-guarantees.7",
            "share/bash-completion/completions/ftsl", "share/zsh/site-functions/_ftsl",
            "share/fish/vendor_completions.d/ftsl.fish",
            "share/doc/ftsl/examples/count-lines.sh", "lib/systemd/system/ftsl-listen@.service",
            "lib/systemd/user/ftsl-courier.timer",
        ] { #expect(installed.contains("opt/ftsl/\(name)"), "\(name)") }
        let version = try stage.run("\(place)/opt/ftsl/bin/ftsl", ["--version"])
        #expect(version.hasPrefix("ftsl "))
        try make(["uninstall", "PREFIX=/opt/ftsl", "DESTDIR=\(place)"])
        #expect(files(below: place) == [])
    }

    @Test("systemd finds nothing wrong with the units", .needs("systemd-analyze"))
    func units() throws {
        let stage = try stage
        // The folder is the prefix, so that the program is where the units say.
        try make(["install-files", "PREFIX=\(stage.folder)/usr"])
        let folder = "\(stage.folder)/usr/lib/systemd"
        for kind in ["system", "user"] {
            for unit in files(below: "\(folder)/\(kind)") {
                let name = unit.replacing("@.", with: "@test.")
                let launch = Launch(
                    path: "systemd-analyze",
                    arguments: ["--\(kind)", "--man=no", "verify", "\(folder)/\(kind)/\(name)"],
                    environment: ["SYSTEMD_UNIT_PATH": "\(folder)/\(kind):"])
                let check = try stage.start(launch)
                try expectStatus(0, check)
                #expect(try check.errors?.allText().contains("ftsl") == false)
            }
        }
    }

    @Test("The listener's unit is exposed no more than systemd calls OK", .needs("systemd-analyze"))
    func exposure() throws {
        let unit = "\(Self.root)/packaging/systemd/system/ftsl-listen@.service"
        // 20 of 100.
        try stage.run(
            "/usr/bin/systemd-analyze",
            ["security", "--offline=true", "--no-pager", "--threshold=20", unit])
    }
}

@Suite("The Debian package", .needs("dpkg-deb", "dpkg-shlibdeps"), .onStage(weight: 2))
struct DebianPackageTests {
    private static let root = URL(filePath: Tool.tests).deletingLastPathComponent().path

    private func build(_ name: String) throws -> String {
        let stage = try stage
        let text = try stage.run(
            "\(Self.root)/packaging/deb", [Tool.path, stage.path(name)], .seconds(120))
        return String(text.dropLast())
    }

    @Test("lintian finds no error in it", .needs("lintian"))
    func lint() throws {
        let check = try stage.start(
            Launch(
                path: "lintian", arguments: ["--fail-on", "error", "--allow-root", build("one")]))
        try expectStatus(0, check, .seconds(300))
        print("lintian: \(try check.output?.allText() ?? "")")
    }

    @Test("Two builds give the same bytes")
    func reproducible() throws {
        let first = try build("one")
        let second = try build("two")
        try stage.run("/usr/bin/cmp", [first, second])
    }

    @Test("It needs libraries of the system and no Swift, and what it holds runs")
    func content() throws {
        let stage = try stage
        let package = try build("one")
        let depends = try stage.run("/usr/bin/dpkg-deb", ["-f", package, "Depends"])
        #expect(depends.contains("libc6") && depends.contains("libxxhash0"))
        #expect(!depends.lowercased().contains("swift"))
        try stage.run("/usr/bin/dpkg-deb", ["-x", package, stage.path("tree")])
        let version = try stage.run("\(stage.path("tree"))/usr/bin/ftsl", ["--version"])
        #expect(version.hasPrefix("ftsl "))
    }

    @Test(
        "In a system without Swift it is installed, runs its self-test, and is purged",
        .longOnly, .needs("debootstrap"), .needsRoot)
    func debootstrap() throws {
        let stage = try stage
        let package = try build("one")
        let result = try stage.start(
            Launch(
                path: "\(Tool.tests)/Packaging/debootstrapped",
                arguments: [package, stage.path("system")]))
        try expectStatus(0, result, .seconds(600))
    }
}
