import Testing

/// People at the keyboard: each claim is shown in a window of tmux.
@Suite("The shell", .needs("tmux", "bash", "pgrep", "/usr/bin/python3"), .onStage)
struct ShellTests {
    @Test(
        "In a real terminal the shell does what a person expects",
        arguments: [
            "redisplay", "unfinished-line", "harmless-output", "control-c", "control-d",
            "success", "disconnect", "moved", "wide-characters", "long-line", "resize", "paste",
            "suspend", "restored", "flood", "stopped-terminal", "held-terminal", "history",
            "completion",
            "many-sessions", "other-sessions-are-labelled", "errors", "messages", "stranger",
            "colors", "vi-mode", "alone", "scripts",
        ])
    func claim(name: String) throws {
        let result = try stage.python("Terminal/shell", [name], .seconds(240))
        #expect(result.status == .status(0), "\(result.output)\(result.errors)")
    }

    /// `FTSL_REGENERATE=1` writes them anew.
    @Test(
        "Whole screens are as they are checked in",
        arguments: ["peer-above-line", "two-sessions", "help", "lost-and-back", "escapes"])
    func screen(name: String) throws {
        let result = try stage.python("Terminal/screens", [name], .seconds(240))
        #expect(result.status == .status(0), "\(result.output)\(result.errors)")
    }
}

/// Tab in the shells of this system.
@Suite("Completions", .needs("tmux", "bash", "zsh", "fish", "/usr/bin/python3"), .onStage)
struct CompletionTests {
    @Test(
        "Commands, options, values, and what is there at the moment are completed",
        arguments: ["bash", "zsh", "fish"])
    func completes(shell: String) throws {
        let result = try stage.python("Terminal/completions", [shell], .seconds(120))
        #expect(result.status == .status(0), "\(result.output)\(result.errors)")
    }
}
