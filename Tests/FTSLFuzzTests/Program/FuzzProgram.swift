import FTSLFuzzing
import Glibc

/// libFuzzer's way in; `FTSL_FUZZ_ENTRY` says what is fuzzed. Built by `make fuzz` only.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do {
        try entry.run(UnsafeRawBufferPointer(start: start, count: count))
    } catch {
        say("broken: \(error)")
        abort()
    }
    return 0
}

private let entry: FuzzEntry = {
    let name = getenv("FTSL_FUZZ_ENTRY").map { String(cString: $0) } ?? "acceptor"
    guard let entry = FuzzEntry(rawValue: name) else {
        let names = FuzzEntry.allCases.map(\.rawValue).joined(separator: ", ")
        say("FTSL_FUZZ_ENTRY is one of \(names)")
        exit(64)
    }
    return entry
}()

private func say(_ line: String) {
    let text = line + "\n"
    _ = text.withCString { write(2, $0, strlen($0)) }
}
