internal import CPlatform
internal import FTSLCore
internal import Glibc

/// Our side of a command's terminal; closed when nobody holds it.
final class PseudoTerminal {
    /// Where the command finds its side; empty where it has it already.
    let path: String
    /// Non-blocking; -1 when closed.
    private(set) var descriptor: CInt

    init() throws(ChildProcess.SpawnFailure) {
        var space = [CChar](repeating: 0, count: 128)
        descriptor = cplatform_open_terminal(&space, space.count)
        path = String(
            decoding: space.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard descriptor >= 0 else { throw ChildProcess.SpawnFailure(doing: "open a terminal") }
    }

    /// One that a command has already.
    init(_ descriptor: CInt) {
        self.descriptor = descriptor
        path = ""
    }

    deinit { close() }

    /// Together with every `duplicate`, this hangs the terminal up.
    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    /// For whoever reads and writes; owned by the caller.
    func duplicate() throws(ChildProcess.SpawnFailure) -> CInt {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw ChildProcess.SpawnFailure(doing: "use a terminal") }
        return copy
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

    /// The terminal edits lines; otherwise the program that reads does so, or takes keys.
    var editsLines: Bool { modes.map { $0.c_lflag & tcflag_t(ICANON) != 0 } ?? false }

    /// The character that ends the input of a program that reads lines; nil: there is none.
    var endOfInput: UInt8? {
        guard let modes else { return nil }
        let character = withUnsafeBytes(of: modes.c_cc) { $0[Int(VEOF)] }
        return character == 0 ? nil : character
    }

    private var modes: termios? {
        var modes = termios()
        return tcgetattr(descriptor, &modes) == 0 ? modes : nil
    }
}
