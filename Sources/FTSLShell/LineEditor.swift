internal import CPlatform
@preconcurrency internal import CReadline
internal import Glibc

/// The line that is being typed: GNU readline, fed a character at a time.
///
/// readline has one line a process, and so there is at most one editor. What is printed goes above
/// the line, which stays as it is with its cursor.
package final class LineEditor {
    /// A finished line; nil: the end of the input.
    package var onLine: ((String?) -> Void)?
    /// The candidates for what is being typed: the whole line, where the word begins, the cursor.
    package var onCompletion: ((String, Int, Int) -> Completion)?

    /// Ctrl-C, in its place among the keys.
    var onInterrupt: (() -> Void)?
    /// Bytes for the terminal.
    var onDrawn: (([UInt8]) -> Void)?
    /// The terminal takes nothing: what changes is drawn later.
    var isHeld = false { didSet { if !isHeld { drawHeld() } } }
    private var isOutdated = false

    package private(set) var isActive = false
    /// The line is on the screen.
    private(set) var isShown = false
    /// readline has handed out a line and has not begun the next one.
    private var isBetween = false
    private var prompt = ""
    /// Ctrl-C was the last key; obeyed when readline is done with it.
    private var isInterrupted = false

    /// The editor that readline's callbacks, which know of nothing, belong to.
    nonisolated(unsafe) private static weak var current: LineEditor?
    nonisolated(unsafe) private static var candidates: [String] = []

    package init() {}

    /// Whether bytes are there for `read`.
    package static var hasInput: Bool { Self.isReady(0, CShort(POLLIN)) }

    static func isReady(_ descriptor: CInt, _ events: CShort) -> Bool {
        var waiting = pollfd(fd: descriptor, events: events, revents: 0)
        return poll(&waiting, 1, 0) > 0
    }

    // MARK: Beginning and end

    /// Shows the prompt and begins a line.
    package func start(prompt: String) {
        guard !isActive else { return setPrompt(prompt) }
        Self.current = self
        Self.configure()
        self.prompt = prompt
        isActive = true
        isShown = true
        install()
    }

    /// Takes the line off the screen and gives the terminal back as it was.
    package func stop() {
        guard isActive else { return }
        if isBetween { draw("\r\u{1B}[K") } else { hide() }
        isActive = false
        isShown = false
        rl_callback_handler_remove()
        KeyModes.leave()
    }

    /// Leaves the terminal to somebody else, and gives back what is typed and not finished.
    package func yield() -> String {
        guard isActive else { return "" }
        hide()
        let typed = rl_line_buffer.map { String(cString: $0) } ?? ""
        rl_replace_line("", 1)
        isActive = false
        KeyModes.leave()
        return typed
    }

    /// Begins a line again after `yield`.
    package func reclaim() {
        guard !isActive else { return }
        isActive = true
        KeyModes.enter(1)
        rl_set_prompt(prompt)
        rl_resize_terminal()
        show()
    }

    private func install() {
        rl_callback_handler_install(prompt) { line in
            guard let line else {
                LineEditor.current?.accepted(nil)
                return
            }
            let text = String(cString: line)
            free(line)
            LineEditor.current?.accepted(text)
        }
    }

    private func accepted(_ line: String?) {
        isBetween = true
        onLine?(line)
        isBetween = false
        if isActive { isShown = true }
    }

    private static func configure() {
        useUnicode()
        rl_readline_name = UnsafePointer(strdup("ftsl"))
        // Signals come through the event loop.
        rl_catch_signals = 0
        rl_catch_sigwinch = 0
        rl_change_environment = 0
        rl_completer_word_break_characters = UnsafePointer(strdup(" \t\n\"'="))
        rl_completer_quote_characters = UnsafePointer(strdup("\"'"))
        rl_attempted_completion_function = { _, start, end in
            LineEditor.current?.complete(start, end)
        }
        rl_prep_term_function = { KeyModes.enter($0) }
        // Between two lines nothing changes: what is typed ahead is keys too.
        rl_deprep_term_function = {}
        rl_outstream = drawing()
        rl_initialize()
        for name in ["emacs-standard", "vi-insert", "vi-command"] {
            let map = rl_get_keymap_by_name(name)
            rl_bind_key_in_map(3, { _, _ in LineEditor.interruptKey() }, map)
        }
        using_history()
        stifle_history(5_000)
    }

    /// Without any word about a language a terminal of today speaks UTF-8.
    private static func useUnicode() {
        let names: [String] = ["LC_ALL", "LC_CTYPE", "LANG"]
        let isSaid = names.contains { (name: String) in
            getenv(name).map { $0.pointee != 0 } ?? false
        }
        setlocale(LC_CTYPE, isSaid ? "" : "C.UTF-8")
    }

    /// readline would wait for a terminal that takes nothing: what it draws comes to us.
    private static func drawing() -> UnsafeMutablePointer<FILE>? {
        cplatform_stream { bytes, count in
            LineEditor.current?.onDrawn?(
                Array(UnsafeRawBufferPointer(start: bytes, count: count)))
        }
    }

    /// Past readline, and after what it has drawn.
    private func draw(_ text: String) {
        fflush(rl_outstream)
        onDrawn?(Array(text.utf8))
    }

    private static func interruptKey() -> CInt {
        current?.isInterrupted = true
        return 0
    }

    // MARK: Typing

    /// Reads what was typed; a part of much at a time, so that others have their turn.
    package func read() {
        var left = 4096
        while left > 0, Self.hasInput {
            guard isActive, isShown else { return }
            rl_callback_read_char()
            left -= 1
            if isInterrupted {
                isInterrupted = false
                onInterrupt?()
            }
        }
    }

    /// Clears the line; false where there was nothing to clear.
    package func interrupt() -> Bool {
        guard isActive else { return false }
        let isSearching = rl_readline_state & 0x0000_0180 != 0
        let hadText = rl_end > 0 || isSearching
        guard hadText else { return false }
        rl_callback_sigcleanup()
        rl_free_line_state()
        using_history()
        guard isShown else {
            rl_clear_message()
            rl_replace_line("", 1)
            return true
        }
        rl_point = rl_end
        rl_redisplay()
        draw("^C\r\n")
        rl_clear_message()
        rl_replace_line("", 1)
        rl_on_new_line()
        rl_redisplay()
        return true
    }

    /// The window has another size.
    package func resize() {
        if isActive { rl_resize_terminal() }
    }

    /// Gives the terminal back for a while, as for Ctrl-Z.
    package func pause() {
        guard isActive else { return }
        KeyModes.leave()
        draw("\r\n")
    }

    /// The terminal is ours again.
    package func resume() {
        guard isActive else { return }
        KeyModes.enter(1)
        rl_resize_terminal()
        rl_forced_update_display()
    }

    // MARK: Above the line

    package func setPrompt(_ text: String) {
        guard text != prompt else { return }
        prompt = text
        guard isActive else { return }
        guard !isHeld else {
            isOutdated = true
            return
        }
        if isShown, !isBetween { rl_clear_visible_line() }
        rl_set_prompt(text)
        if isShown, !isBetween { rl_forced_update_display() }
    }

    private func drawHeld() {
        guard isOutdated else { return }
        isOutdated = false
        let text = prompt
        prompt = ""
        setPrompt(text)
    }

    /// Takes the line off the screen, so that something can be printed.
    package func hide() {
        guard isActive, isShown else { return }
        isShown = false
        guard !isBetween else { return }
        rl_clear_visible_line()
        fflush(rl_outstream)
    }

    /// Puts the line back where the cursor is now.
    package func show() {
        guard isActive, !isShown else { return }
        isShown = true
        guard !isBetween else { return }
        rl_forced_update_display()
    }

    // MARK: History

    package func remember(_ lines: [String]) {
        // Who is looking at an older line goes on looking at it.
        let isAtEnd = where_history() == history_length
        for line in lines where !line.isEmpty { add_history(line) }
        if isAtEnd { using_history() }
    }

    package func forgetHistory() { clear_history() }

    // MARK: Completion

    private func complete(
        _ start: CInt, _ end: CInt
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? {
        guard let line = rl_line_buffer, let ask = onCompletion else { return nil }
        guard case .words(let words) = ask(String(cString: line), Int(start), Int(end)) else {
            return nil
        }
        rl_attempted_completion_over = 1
        guard !words.isEmpty else { return nil }
        Self.candidates = words
        let bytes = Array(String(cString: line).utf8)
        let word = String(decoding: bytes[Int(start)..<Int(end)], as: UTF8.self)
        return rl_completion_matches(word) { _, _ in
            guard !LineEditor.candidates.isEmpty else { return nil }
            return strdup(LineEditor.candidates.removeFirst())
        }
    }
}
