internal import FTSLCore
internal import FTSLKit
internal import NIOCore

/// What a listener answers at its control socket, and from afar: a handler for each command.
/// [FTSL §10]
final class ControlServer: ControlDelegate {
    typealias Handler = (ControlRequest, ControlReply) -> Void

    /// While an answer takes its time, the client hears that there is still somebody.
    static let pulse: TimeAmount = .seconds(2)

    var handlers: [String: Handler] = [:]
    private let loop: any EventLoop
    private var socket: ControlSocket?

    init(on loop: any EventLoop) { self.loop = loop }

    /// Takes the socket of this path, or the one that the last program of this process had there.
    func listen(at path: String, adopting adopted: CInt?) throws(ControlFailure) {
        socket = try ControlSocket(path, adopting: adopted, delegate: self, on: loop)
    }

    /// Answers whoever may ask from afar.
    func makeService(on loop: any EventLoop) -> ControlService {
        ControlService(delegate: self, on: loop)
    }

    func hold(_ kept: KeptDescriptors) throws(Unmovable) -> CInt? { try socket?.hold(kept) }

    func close() {
        socket?.close()
        socket = nil
    }

    func control(_ asker: any ControlAsker, asks line: [UInt8]) {
        let bound = NIOLoopBound(asker, eventLoop: loop)
        let pulse = loop.scheduleRepeatedTask(initialDelay: Self.pulse, delay: Self.pulse) { _ in
            bound.value.send(JSONValue.object(["alive": .bool(true)]).line)
        }
        let reply = ControlReply(to: asker) { pulse.cancel() }
        guard let request = ControlRequest(line) else {
            reply.done(.badData, error: "a request is a JSON object with a \"command\"")
            return
        }
        guard let handler = handlers[request.command] else {
            reply.done(
                .violation,
                error: "this listener (ftsl \(CommandLineTool.version)) does not know "
                    + "'\(request.command)'")
            return
        }
        handler(request, reply)
    }

    func control(refusing reason: Failure) -> String {
        JSONValue.object([
            "done": .bool(true), "status": .integer(UInt64(reason.code.exitStatus.rawValue)),
            "error": .string(reason.text), "code": .string(reason.code.name),
        ]).line
    }
}
