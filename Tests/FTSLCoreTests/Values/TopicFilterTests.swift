import FTSLCore
import Testing

@Suite("Filters of topics")
struct TopicFilterTests {
    @Test(
        "A pattern lets through what it stands for, and nothing else",
        arguments: [
            ("a", "a", true), ("a", "b", false), ("a", "a.b", false), ("a.b", "a", false),
            ("*", "a", true), ("*", "a.b", false), ("*", "", false), ("a.*", "a.b", true),
            ("a.*", "a", false), ("a.*", "a.b.c", false), ("*.b", "a.b", true),
            ("a.*.c", "a.b.c", true), ("a.*.c", "a.c", false), ("#", "a", true),
            ("#", "a.b.c", true), ("a.#", "a", true), ("a.#", "a.b.c", true), ("a.#", "b", false),
            ("a.#", "ab", false), ("a/b", "a.b", true), ("a.b", "a/b", true),
            ("a/#", "a/b/c", true),
            ("a*", "ab", false), ("#.a", "b.a", false),
        ])
    func matching(_ pattern: String, _ topic: String, _ matches: Bool) {
        #expect(TopicFilter([pattern]).matches(topic) == matches)
    }

    @Test("No pattern is every topic; several are any of them")
    func several() {
        #expect(TopicFilter.everything.matches("a.b"))
        #expect(TopicFilter(["a", "b.*"]).matches("b.c"))
        #expect(!TopicFilter(["a", "b.*"]).matches("c"))
    }

    @Test(
        "A filter covers another when it lets through all that the other does",
        arguments: [
            (["#"], [], true), ([], ["#"], true), (["a"], [], false), (["a.#"], ["a"], true),
            (["a.#"], ["a.*"], true), (["a.#"], ["a.b.#"], true), (["a.*"], ["a.#"], false),
            (["a.*"], ["a.b", "a.*"], true), (["a.*"], ["a.b", "b"], false), (["*"], ["#"], false),
            (["a", "b"], ["b"], true), (["a"], ["*"], false), (["a/b"], ["a.b"], true),
        ] as [([String], [String], Bool)])
    func covering(_ outer: [String], _ inner: [String], _ covers: Bool) {
        #expect(TopicFilter(outer).covers(TopicFilter(inner)) == covers)
    }

    @Test(
        "Two filters overlap when a topic passes both",
        arguments: [
            (["a.#"], ["*.b"], true), (["a.*"], ["b.#"], false), (["a.#"], ["a"], true),
            (["a"], ["a.*"], false), ([], ["a"], true), (["*.x"], ["a.*"], true),
            (["*.x"], ["a.y"], false),
        ] as [([String], [String], Bool)])
    func overlapping(_ a: [String], _ b: [String], _ overlaps: Bool) {
        #expect(TopicFilter(a).overlaps(TopicFilter(b)) == overlaps)
        #expect(TopicFilter(b).overlaps(TopicFilter(a)) == overlaps)
    }
}
