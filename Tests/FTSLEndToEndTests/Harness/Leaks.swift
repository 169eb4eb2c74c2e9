import Foundation

/// Looks for the private keys of a test's people in everything its programs said and stored.
extension Stage {
    /// Larger outputs are the tests' own bulk.
    private static let most = 8 << 20

    /// Where a private key is that has no business there.
    func leaks(in programs: [Program]) -> [String] {
        let files = files()
        let keys = files.filter { $0.content.range(of: Data("PRIVATE KEY-----".utf8)) != nil }
        let needles = keys.flatMap { Self.secretLines(of: $0.content) }
        guard !needles.isEmpty else { return [] }
        // A file that says what it holds is meant to hold it.
        let stored = files.filter { file in !keys.contains { $0.path == file.path } }
        let said = programs.flatMap { program in
            [program.output, program.errors].compactMap { $0?.data }
                .map { (path: "output of \(program.name)", content: $0) }
        }
        return (stored + said).filter { hay in
            hay.content.count <= Self.most
                && needles.contains { hay.content.range(of: $0) != nil }
        }.map(\.path)
    }

    private func files() -> [(path: String, content: Data)] {
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String }
        return (names ?? []).compactMap { name in
            let path = path(name)
            let attributes = try? FileManager.default.attributesOfItem(atPath: path)
            guard attributes?[.type] as? FileAttributeType == .typeRegular,
                (attributes?[.size] as? NSNumber)?.intValue ?? 0 <= Self.most,
                let content = FileManager.default.contents(atPath: path)
            else { return nil }
            return (path, content)
        }
    }

    /// The lines of the private keys of a PEM file.
    private static func secretLines(of pem: Data) -> [Data] {
        var isInside = false
        return String(decoding: pem, as: UTF8.self).split(separator: "\n").compactMap { line in
            if line.hasPrefix("-----") {
                isInside = line.hasPrefix("-----BEGIN") && line.contains("PRIVATE KEY")
                return nil
            }
            return isInside && line.count > 20 ? Data(line.utf8) : nil
        }
    }
}
