import FTSLKit
import Foundation
import Testing

@testable import FTSLCommands

@Suite("Metrics")
struct MetricsPageTests {
    @Test("A page has help, type and samples, and labels are escaped")
    func page() {
        var page = MetricsPage()
        page.add(.tombstones, 3)
        page.add(.build, labels: [("name", "a \"b\" \\ c\nd")])
        page.add(.ended, ["complete": 2, "aborted": 1])
        #expect(
            page.text == """
                # HELP ftsl_tombstones Ended sessions whose peer has not heard the outcome.
                # TYPE ftsl_tombstones gauge
                ftsl_tombstones 3
                # HELP ftsl_build_info Version, name and service label of the listener; always 1.
                # TYPE ftsl_build_info gauge
                ftsl_build_info{name="a \\"b\\" \\\\ c\\nd"} 1
                # HELP ftsl_sessions_ended_total Sessions ended, by outcome.
                # TYPE ftsl_sessions_ended_total counter
                ftsl_sessions_ended_total{outcome="aborted"} 1
                ftsl_sessions_ended_total{outcome="complete"} 2

                """)
    }

    @Test("A bucket counts what is in those below, and the last counts all")
    func histogram() {
        var histogram = DurationHistogram([0.001, 0.01])
        for part in [2_048.0, 1_024, 512, 8] { histogram.observe(.seconds(1 / part)) }
        var page = MetricsPage()
        page.add(.latency, histogram)
        let samples = page.text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(
            samples == [
                "ftsl_store_latency_seconds_bucket{le=\"0.001\"} 2",
                "ftsl_store_latency_seconds_bucket{le=\"0.01\"} 3",
                "ftsl_store_latency_seconds_bucket{le=\"+Inf\"} 4",
                "ftsl_store_latency_seconds_sum 0.12841796875",
                "ftsl_store_latency_seconds_count 4",
            ])
    }

    @Test("Counters end in _total, and nothing else does; help is a sentence")
    func names() {
        for name in MetricName.allCases {
            #expect((name.kind == .counter) == name.rawValue.hasSuffix("_total"))
            #expect(name.help.hasSuffix("."))
        }
    }

    @Test("The dashboard uses metrics that exist, and all of them but the one of the version")
    func dashboard() throws {
        let text = try Repository.text("packaging/grafana/ftsl.json")
        var known: Set<String> = []
        for name in MetricName.allCases {
            known.insert(name.rawValue)
            guard name.kind == .histogram else { continue }
            known.formUnion(["_bucket", "_sum", "_count"].map { name.rawValue + $0 })
        }
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        let panels = try #require(object?["panels"] as? [[String: Any]])
        let expressions = panels.flatMap { $0["targets"] as? [[String: Any]] ?? [] }
            .compactMap { $0["expr"] as? String }
        #expect(expressions.count > 20)
        var used: Set<String> = []
        for expression in expressions {
            for match in expression.matches(of: #/\b(?:ftsl|process)_[a-z_]+/#) {
                used.insert(String(match.0))
            }
        }
        #expect(used.subtracting(known) == [])
        let unused = MetricName.allCases.filter { name in
            !used.contains(name.rawValue) && !used.contains(name.rawValue + "_bucket")
        }
        #expect(unused == [.build])
    }
}
