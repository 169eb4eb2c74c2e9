internal import CPlatform
internal import FTSLCore
internal import Glibc

/// Our side of a command's terminal.
struct PseudoTerminal {
    /// Non-blocking; owned by whoever made it.
    let descriptor: CInt
    /// Where the command finds its side.
    let path: String

    init() throws(ChildProcess.SpawnFailure) {
        var space = [CChar](repeating: 0, count: 128)
        descriptor = cplatform_open_terminal(&space, space.count)
        guard descriptor >= 0 else { throw ChildProcess.SpawnFailure(doing: "open a terminal") }
        path = String(
            decoding: space.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Tells the command that its window is like this; a signal says so if that is new.
    func resize(_ state: TerminalState) {
        var size = winsize(
            ws_row: state.rows, ws_col: state.columns, ws_xpixel: state.width,
            ws_ypixel: state.height)
        // Fails only for a terminal that is gone.
        _ = ioctl(descriptor, UInt(TIOCSWINSZ), &size)
    }

    /// Makes whatever has the terminal now draw its screen again.
    func redraw() {
        let group = tcgetpgrp(descriptor)
        if group > 1 { kill(-group, SIGWINCH) }
    }

    /// The character that ends the input of a program that reads lines; nil: there is none.
    var endOfInput: UInt8? {
        var modes = termios()
        guard tcgetattr(descriptor, &modes) == 0 else { return nil }
        let character = withUnsafeBytes(of: modes.c_cc) { $0[Int(VEOF)] }
        return character == 0 ? nil : character
    }
}
