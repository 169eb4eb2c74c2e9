internal import FoundationEssentials

/// `--status-fd`: JSON lines for a program that watches. A watcher that went away is not an error.
final class StatusStream {
    private let descriptor: Int32
    private var isBroken = false

    init(descriptor: Int32) { self.descriptor = descriptor }

    func write(_ object: [String: JSONValue]) {
        guard !isBroken else { return }
        var object = object
        object["time"] = .number(Date().timeIntervalSince1970)
        isBroken = !RawOutput.write(JSONValue.object(object).line, to: descriptor)
    }
}
