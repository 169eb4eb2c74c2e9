/// What stands before the line that is being typed: the session and its state.
package struct Prompt: Equatable {
    /// How the current session is.
    package enum State: Equatable, Sendable {
        /// No session is current.
        case none
        case connecting
        case connected
        /// Without a connection for so many seconds.
        case lost(seconds: Int)
        /// Served by another host than the one that was asked for.
        case moved(to: String)
        /// Nothing more is sent; the peer may still have something to say.
        case ending
    }

    package var name: String
    package var state: State
    /// The beginning of a line of the peer's that has no end yet.
    package var beginning: String = ""

    package init(name: String, state: State) {
        self.name = name
        self.state = state
    }

    /// - Parameter colored: with colours, marked so that readline knows they take no room.
    package func text(colored: Bool) -> String {
        let (word, color) = description
        let label = word.isEmpty ? name : "\(name) (\(word))"
        let painted = colored ? "\u{1}\u{1B}[\(color)m\u{2}\(label)\u{1}\u{1B}[0m\u{2}" : label
        return beginning + (beginning.isEmpty ? "" : " ") + painted + "> "
    }

    private var description: (word: String, color: Int) {
        switch state {
        case .none: ("", 0)
        case .connecting: ("connecting", 33)
        case .connected: ("", 32)
        case .lost(let seconds): ("lost \(seconds) s", 31)
        case .moved(let place): ("moved to \(place)", 36)
        case .ending: ("ending", 33)
        }
    }
}
