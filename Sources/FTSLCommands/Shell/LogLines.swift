internal import FTSLShell

/// Lines of the log, printed above the line that is typed.
///
/// Writing them to a terminal that takes nothing would hold up everything, connections included;
/// so they wait with what else is to be printed, up to a limit.
final class LogLines {
    private static let most = 100

    private let screen: Screen
    private let log: Log
    private var waiting = 0
    private var leftOut = 0

    init(on screen: Screen, _ log: Log) {
        self.screen = screen
        self.log = log
    }

    func print(_ line: String) {
        guard waiting < Self.most else {
            leftOut += 1
            return
        }
        waiting += 1
        screen.print(line) { [weak self] in self?.printed() }
    }

    private func printed() {
        waiting -= 1
        guard waiting == 0, leftOut > 0 else { return }
        let count = UInt64(leftOut)
        leftOut = 0
        log.notice("\(Numbers.count(count, "later line")) left out")
    }
}
