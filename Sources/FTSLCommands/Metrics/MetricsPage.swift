internal import FTSLKit

/// Counts durations by upper bounds.
struct DurationHistogram: Equatable {
    /// In seconds, ascending.
    let bounds: [Double]
    /// One more than there are bounds.
    private(set) var counts: [UInt64]
    private(set) var sum = 0.0

    init(_ bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    var count: UInt64 { counts.reduce(0, +) }

    mutating func observe(_ duration: Duration) {
        let seconds = duration / .seconds(1)
        counts[bounds.firstIndex { seconds <= $0 } ?? bounds.count] += 1
        sum += seconds
    }
}

/// A page in Prometheus' text format, version 0.0.4.
struct MetricsPage {
    private(set) var text = ""

    mutating func add(_ name: MetricName, _ value: UInt64) {
        add(name, seconds: Double(value))
    }

    mutating func add(_ name: MetricName, seconds value: Double) {
        head(name)
        sample(name.rawValue, [], value)
    }

    /// One sample for each value of the name's label, in their order.
    mutating func add(_ name: MetricName, _ values: [String: UInt64]) {
        head(name)
        for (label, value) in values.sorted(by: { $0.key < $1.key }) {
            sample(name.rawValue, [(name.label ?? "kind", label)], Double(value))
        }
    }

    /// The value is nothing, the labels say all.
    mutating func add(_ name: MetricName, labels: [(String, String)]) {
        head(name)
        sample(name.rawValue, labels, 1)
    }

    /// Buckets of a histogram count what is in those below, too.
    mutating func add(_ name: MetricName, _ histogram: DurationHistogram) {
        head(name)
        var count: UInt64 = 0
        for (bound, inBucket) in zip(histogram.bounds, histogram.counts) {
            count += inBucket
            sample(name.rawValue + "_bucket", [("le", Self.number(bound))], Double(count))
        }
        sample(name.rawValue + "_bucket", [("le", "+Inf")], Double(histogram.count))
        sample(name.rawValue + "_sum", [], histogram.sum)
        sample(name.rawValue + "_count", [], Double(histogram.count))
    }

    private mutating func head(_ name: MetricName) {
        text += "# HELP \(name.rawValue) \(name.help)\n"
        text += "# TYPE \(name.rawValue) \(name.kind.rawValue)\n"
    }

    private mutating func sample(_ name: String, _ labels: [(String, String)], _ value: Double) {
        let parts = labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
        text += name + (parts.isEmpty ? "" : "{\(parts)}") + " \(Self.number(value))\n"
    }

    /// Whole numbers without a point, as they are counted.
    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing(
            "\n", with: "\\n")
    }
}
