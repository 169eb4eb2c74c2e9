internal import CPlatform
internal import DequeModule
internal import Glibc
package import NIOCore
internal import NIOPosix

/// The terminal of a shell: a line that is typed at the bottom, and above it whatever comes.
///
/// The event loop never waits for the terminal: while it takes nothing (as after Ctrl-S), what is
/// to be printed waits here, and its senders wait in turn.
package final class Screen {
    package let editor = LineEditor()
    /// The terminal is gone.
    package var onGone: (() -> Void)?
    /// Ctrl-C, or SIGINT from elsewhere.
    package var onInterrupt: (() -> Void)?

    private let loop: any EventLoop
    private let pool = NIOThreadPool(numberOfThreads: 3)
    private let output: CInt
    private let interrupts = cplatform_signal_descriptor(SIGINT)
    private var waiting = Deque<Piece>()
    private var isDraining = false
    private var isReading = false
    private var isGone = false
    /// What the editor has drawn and the terminal has not taken; it goes before all that waits.
    private var drawn: [UInt8] = []
    private var isAwaitingRoom = false
    /// The terminal takes no output.
    private var isStalled = false
    /// A remote program has the terminal.
    private var isLent = false

    private struct Piece {
        var bytes: ArraySlice<UInt8>
        var taken: (() -> Void)?
    }

    /// What is printed before the line is put back and keys are looked at.
    private static let stretch = 64 << 10
    /// How long the line then stays at least, so that it can be seen under the output of a fast
    /// peer; as long as the stretch took on a terminal that is slower than that.
    private static let pause = TimeAmount.milliseconds(20)
    private var stretchBegan: NIODeadline?
    private var left = 0
    /// What must follow before there is a place for the line.
    private var due = 0

    package init(on loop: any EventLoop) {
        self.loop = loop
        let again = RawTerminal.openAgain()
        output = again >= 0 ? again : 1
        pool.start()
        editor.onInterrupt = { [unowned self] in onInterrupt?() }
        editor.onDrawn = { [unowned self] in draw($0) }
        awaitInterrupt()
    }

    /// Begins to read keys.
    package func start(prompt: String) {
        editor.start(prompt: prompt)
        awaitKeys()
    }

    /// Leaves the terminal to a remote program, and gives back what is typed and not finished; what
    /// is to be printed waits.
    package func lend() -> String {
        isLent = true
        let typed = editor.yield()
        drawAll()
        return typed
    }

    /// The terminal is ours again.
    package func takeBack() {
        guard isLent else { return }
        isLent = false
        editor.reclaim()
        awaitKeys()
        drain()
    }

    // MARK: Keys

    private func awaitInterrupt() {
        let bound = NIOLoopBound(self, eventLoop: loop)
        pool.submit { [loop, interrupts] _ in
            var waiting = pollfd(fd: interrupts, events: CShort(POLLIN), revents: 0)
            while poll(&waiting, 1, -1) < 0, errno == EINTR {}
            loop.execute {
                bound.value.takeInterrupts()
                bound.value.awaitInterrupt()
            }
        }
    }

    private func takeInterrupts() {
        while cplatform_take_signal(interrupts) != 0 { onInterrupt?() }
    }

    private func awaitKeys() {
        guard !isReading, editor.isActive, !isGone else { return }
        isReading = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        pool.submit { [loop] _ in
            var waiting = pollfd(fd: 0, events: CShort(POLLIN), revents: 0)
            while poll(&waiting, 1, -1) < 0, errno == EINTR {}
            let isHungUp = waiting.revents & CShort(POLLHUP | POLLERR | POLLNVAL) != 0
            loop.execute { bound.value.keysCame(isHungUp) }
        }
    }

    private func keysCame(_ isHungUp: Bool) {
        isReading = false
        if isHungUp {
            gone()
        } else if isDraining && !editor.isShown || !drawn.isEmpty {
            // The line is not on the screen as it is; what was typed keeps.
            return
        }
        editor.read()
        awaitKeys()
    }

    private func gone() {
        guard !isGone else { return }
        isGone = true
        let pieces = waiting
        waiting = []
        editor.stop()
        onGone?()
        for piece in pieces { piece.taken?() }
    }

    // MARK: The line itself

    private func draw(_ bytes: [UInt8]) {
        guard !isGone else { return }
        drawn += bytes
        if !isAwaitingRoom { drawOn() }
    }

    /// As much as the terminal takes now.
    private func drawOn() {
        while !drawn.isEmpty {
            let count = RawTerminal.write(drawn[...], to: output)
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN { return awaitRoom() }
            guard count >= 0 else {
                drawn = []
                return gone()
            }
            drawn.removeFirst(count)
        }
        editor.isHeld = false
    }

    /// Whatever it takes.
    private func drawAll() {
        RawTerminal.write(String(decoding: drawn, as: UTF8.self))
        drawn = []
        editor.isHeld = false
    }

    // MARK: Above the line

    /// Whether something waits to be printed.
    package var isBusy: Bool { !waiting.isEmpty }

    /// Prints whole lines; calls back when they are on the terminal.
    package func print(_ text: String, taken: (() -> Void)? = nil) {
        guard !isGone, !text.isEmpty else {
            taken?()
            return
        }
        waiting.append(Piece(bytes: Array(text.utf8)[...], taken: taken))
        guard waiting.count == 1, !isDraining else { return }
        isDraining = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        // Not now: more may come in this turn of the loop, and the line is drawn once for all.
        loop.execute { bound.value.drain() }
    }

    /// Prints everything now, whatever it takes, or forgets it: at the end.
    package func flush(discarding isUnwanted: Bool) {
        editor.hide()
        drawAll()
        if isUnwanted { waiting = [] }
        while let piece = waiting.popFirst() {
            RawTerminal.write(String(decoding: piece.bytes, as: UTF8.self))
            piece.taken?()
        }
        isDraining = false
        due = 0
        editor.show()
    }

    private func drain() {
        guard isDraining, !isGone, !isLent, !isAwaitingRoom else { return }
        editor.hide()
        guard drawn.isEmpty else { return }
        let began = stretchBegan ?? .now()
        if stretchBegan == nil { left = Self.stretch }
        stretchBegan = began
        while left > 0 || due > 0, let piece = waiting.first {
            if due == 0 { due = Self.wholeLines(of: piece.bytes, within: left) }
            let count = RawTerminal.write(piece.bytes.prefix(due), to: output)
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN { return awaitRoom() }
            guard count >= 0 else { return gone() }
            left -= count
            due -= count
            waiting[0].bytes.removeFirst(count)
            if waiting[0].bytes.isEmpty { waiting.removeFirst().taken?() }
        }
        stretchBegan = nil
        stalled(false)
        isDraining = !waiting.isEmpty
        editor.show()
        readOn()
        if isDraining { again(after: max(Self.pause, .now() - began)) }
    }

    private func readOn() {
        guard drawn.isEmpty else { return }
        editor.read()
        awaitKeys()
    }

    private func stalled(_ isSo: Bool) {
        guard isSo != isStalled else { return }
        isStalled = isSo
        KeyModes.readsKeys(!isSo)
    }

    /// In the middle of a line of somebody's there is no place for ours.
    private static func wholeLines(of bytes: ArraySlice<UInt8>, within count: Int) -> Int {
        guard bytes.count > count else { return bytes.count }
        let last = bytes.prefix(count).lastIndex(of: 0x0A)
        let end = last ?? bytes.dropFirst(count).firstIndex(of: 0x0A)
        return end.map { $0 + 1 - bytes.startIndex } ?? bytes.count
    }

    private func again(after pause: TimeAmount = .zero) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.scheduleTask(in: pause) { bound.value.drain() }
    }

    private func awaitRoom() {
        stalled(true)
        editor.isHeld = true
        isAwaitingRoom = true
        let bound = NIOLoopBound(self, eventLoop: loop)
        pool.submit { [loop, output] _ in
            var waiting = pollfd(fd: output, events: CShort(POLLOUT), revents: 0)
            while poll(&waiting, 1, -1) < 0, errno == EINTR {}
            loop.execute { bound.value.roomCame() }
        }
    }

    private func roomCame() {
        isAwaitingRoom = false
        guard !isGone else { return }
        drawOn()
        guard drawn.isEmpty else { return }
        guard !isDraining else { return drain() }
        stalled(false)
        readOn()
    }
}
