import Testing

/// Remote programs on the terminal of a person: each claim is shown in a window of tmux.
@Suite(
    "Remote terminals",
    .needs(
        "tmux", "bash", "vim", "less", "top", "htop", "script", "scriptreplay", "pgrep",
        "/usr/bin/python3"),
    .onStage)
struct RemoteTerminalTests {
    @Test(
        "A remote program has the terminal, through cuts and back",
        arguments: [
            "a-terminal", "exit-status", "all-output", "resize", "escapes", "hung-up", "suspend",
            "suspended-screen", "restored-after-signals", "restored-after-crash", "flood",
            "without-a-terminal", "in-a-shell", "does-not-move", "upgrade-in-place", "usage",
        ])
    func claim(name: String) throws {
        let result = try stage.python("Terminal/remote", [name], .seconds(240))
        #expect(result.status == .status(0), "\(result.output)\(result.errors)")
    }

    @Test(
        "A cut changes nothing of what a remote program draws and is told",
        arguments: ["vim", "programs", "title", "htop", "replays-the-same"])
    func cut(name: String) throws {
        let result = try stage.python("Terminal/cuts", [name], .seconds(240))
        #expect(result.status == .status(0), "\(result.output)\(result.errors)")
    }
}
