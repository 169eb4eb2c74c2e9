import Testing

import FTSLShell

@Suite("Prompt")
struct PromptTests {
    @Test(
        "The prompt names the session and how it is",
        arguments: [
            (Prompt.State.none, "here> "), (.connected, "here> "),
            (.connecting, "here (connecting)> "), (.lost(seconds: 12), "here (lost 12 s)> "),
            (.moved(to: "there:7000"), "here (moved to there:7000)> "),
            (.ending, "here (ending)> "),
        ])
    func states(state: Prompt.State, text: String) {
        #expect(Prompt(name: "here", state: state).text(colored: false) == text)
    }

    @Test("Colours are marked as taking no room, and there are none without being allowed")
    func colors() {
        let prompt = Prompt(name: "here", state: .lost(seconds: 1))
        #expect(
            prompt.text(colored: true)
                == "\u{1}\u{1B}[31m\u{2}here (lost 1 s)\u{1}\u{1B}[0m\u{2}> ")
        #expect(!prompt.text(colored: false).contains("\u{1B}"))
    }

    @Test("The beginning of the peer's line stands before it")
    func beginning() {
        var prompt = Prompt(name: "here", state: .connected)
        prompt.beginning = "login:"
        #expect(prompt.text(colored: false) == "login: here> ")
    }
}
