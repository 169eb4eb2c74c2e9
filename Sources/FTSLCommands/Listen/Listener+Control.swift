internal import FTSLCore
internal import NIOCore

extension Listener {
    /// A name that was asked for must be had before anybody is served; another is taken once the
    /// port is known.
    func openControl(on loop: any EventLoop) -> ListenerControl {
        let control = ListenerControl(self, on: loop)
        guard let name = options.name else { return control }
        do {
            try control.take(name)
        } catch {
            end(error)
        }
        return control
    }
}

/// How far a session's streams have come, both ways, as `ftsl status` shows it.
enum SessionPositions {
    static func fields(of session: Session) -> [String: JSONValue] {
        var fields: [String: JSONValue] = [:]
        for channel in session.sendingChannels {
            let prefix = prefix(channel.number)
            fields[prefix + "written"] = .integer(channel.end)
            fields[prefix + "sent"] = .integer(min(channel.sentHigh, channel.end))
            fields[prefix + "acknowledged"] = .integer(min(channel.acknowledged, channel.end))
        }
        for channel in session.receivingChannels {
            let prefix = prefix(channel.number)
            fields[prefix + "received"] = .integer(channel.bytesReceived)
            fields[prefix + "taken"] = .integer(channel.taken)
        }
        return fields
    }

    private static func prefix(_ channel: ChannelNumber) -> String {
        channel == .main ? "" : "stderr_"
    }
}
