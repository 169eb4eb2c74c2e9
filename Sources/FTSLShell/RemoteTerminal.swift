internal import CPlatform
package import FTSLCore
internal import FTSLKit
internal import Glibc
package import NIOCore
internal import NIOPosix

/// The user's terminal in the hands of a remote program: keys go there as they are, and its screen
/// is drawn by what comes. [FTSL §5.10]
package final class RemoteTerminal {
    package let keys = KeySource()
    package let screen: RemoteScreen
    package var onEscape: ((EscapeKeys.Escape) -> Void)?
    /// The terminal is gone.
    package var onGone: (() -> Void)?
    /// It has another size, or must be drawn anew.
    package var onChanged: ((TerminalState) -> Void)?
    /// Enter was typed.
    package var onEnter: (() -> Void)?

    private let loop: any EventLoop
    private let pool = NIOThreadPool(numberOfThreads: 1)
    private var escapes = EscapeKeys()
    private var before = termios()
    private var isRaw = false
    private var isOver = false
    private var redraws: UInt16 = 0
    private var title: String?
    private let name = getenv("TERM").map { String(cString: $0) } ?? ""

    package init(on loop: any EventLoop) {
        self.loop = loop
        screen = RemoteScreen(DescriptorSink(descriptor: 1, ending: .leaveOpen, on: loop))
        pool.start()
        screen.onModes = { [unowned self] in
            let text = Array(screen.modes.leaving.utf8.map(CChar.init(bitPattern:)))
            cplatform_set_farewell(text, text.count)
        }
    }

    // MARK: Beginning and end

    /// - Parameter typed: Keys that were typed before.
    package func start(typed: String) {
        enter()
        if !typed.isEmpty { took(Array(typed.utf8)) }
        awaitKeys()
    }

    /// Gives the terminal back as it was.
    package func stop() {
        guard !isOver else { return }
        isOver = true
        leave()
    }

    /// Gives the terminal back until `stopProcess` returns.
    package func suspend(_ stopProcess: () -> Void) {
        guard isRaw else { return }
        leave()
        RawTerminal.write("\r\n")
        stopProcess()
        enter()
        RawTerminal.write(screen.modes.entering)
        redraws &+= 1
        onChanged?(state)
    }

    private func enter() {
        guard !isRaw, tcgetattr(0, &before) == 0 else { return }
        var modes = before
        cfmakeraw(&modes)
        isRaw = tcsetattr(0, TCSADRAIN, &modes) == 0
    }

    private func leave() {
        guard isRaw else { return }
        isRaw = false
        show(title: nil)
        RawTerminal.write(screen.modes.leaving)
        _ = tcsetattr(0, TCSADRAIN, &before)
    }

    // MARK: Keys

    private func awaitKeys() {
        let bound = NIOLoopBound(self, eventLoop: loop)
        pool.submit { [loop] _ in
            var waiting = pollfd(fd: 0, events: CShort(POLLIN), revents: 0)
            while poll(&waiting, 1, -1) < 0, errno == EINTR {}
            let isHungUp = waiting.revents & CShort(POLLHUP | POLLERR | POLLNVAL) != 0
            loop.execute { bound.value.keysCame(isHungUp) }
        }
    }

    private func keysCame(_ isHungUp: Bool) {
        guard !isOver else { return pool.shutdownGracefully { _ in } }
        guard !isHungUp else {
            onGone?()
            return
        }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(0, &bytes, bytes.count)
        if count > 0 {
            took(Array(bytes.prefix(count)))
        } else if count == 0 || errno != EINTR && errno != EAGAIN {
            onGone?()
            return
        }
        if isOver { pool.shutdownGracefully { _ in } } else { awaitKeys() }
    }

    private func took(_ bytes: [UInt8]) {
        for item in escapes.read(bytes) {
            switch item {
            case .keys(let keys):
                if !self.keys.add(keys) { screen.say("\u{07}") }
                if keys.contains(0x0D) { onEnter?() }
            case .escape(let escape):
                guard !isOver else { return }
                onEscape?(escape)
            }
        }
    }

    // MARK: The terminal

    /// What it is like now.
    package var state: TerminalState {
        var state = TerminalState(redraws: redraws)
        var size = winsize()
        if ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 {
            (state.columns, state.rows) = (size.ws_col, size.ws_row)
            (state.width, state.height) = (size.ws_xpixel, size.ws_ypixel)
        }
        if TerminalState.isName(name) { state.name = name }
        return state
    }

    /// The window has another size.
    package func resized() { onChanged?(state) }

    /// Says lines to the user, beside what the remote program says.
    package func say(_ lines: String) {
        let text = lines.split(separator: "\n", omittingEmptySubsequences: false)
            .joined(separator: "\r\n")
        screen.say("\r\n\(text)\r\n")
    }

    /// Shows a state in the window's title; nil: the title is what it was.
    package func show(title text: String?) {
        guard text != title, !["", "dumb", "linux"].contains(name) else { return }
        var words = ""
        // XTWINOPS: the terminal keeps the title that there was.
        if title == nil { words += "\u{1B}[22;2t" }
        if let text { words += "\u{1B}]2;\(text)\u{07}" } else { words += "\u{1B}[23;2t" }
        title = text
        if isRaw { screen.say(words) } else { RawTerminal.write(words) }
    }
}
