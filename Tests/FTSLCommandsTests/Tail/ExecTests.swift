import FTSLCore
import FTSLKit
import Glibc
import NIOCore
import NIOPosix
import Testing

@testable import FTSLCommands

@Suite("Commands for messages", .serialized)
struct ExecRunnerTests {
    private static let envelope = Envelope(
        id: "m-1", topic: "a.b", headers: [.init(name: "x-é.y", value: "v w")], created: 0)
    private static let message = TailMessage(
        index: 42, producer: ProducerID(high: 0, low: 1), sequence: 7, attempt: 2,
        envelope: envelope, stored: 0)

    struct Result: Equatable, Sendable {
        var end: ExecEnd
        var lastLine: String
        var taken: Int
        var seconds: Double
    }

    private static let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()

    private func run(
        _ command: String, body: [UInt8] = Array("hello".utf8), limit: Duration? = nil
    ) throws -> Result {
        let loop = Self.loop
        return try loop.flatSubmit {
            let promise = loop.makePromise(of: Result.self)
            // Other threads of this process may take SIGCHLD: look without being told.
            let children = ChildWatcher(on: loop)
            let looking = loop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(5)) {
                [bound = NIOLoopBound(children, eventLoop: loop)] _ in bound.value.check()
            }
            let runner = ExecRunner(command, limit: limit, children: children, on: loop)
            let began = MonotonicClock.now
            var taken = 0
            let job = runner.start(Self.message) { end, line in
                promise.succeed(
                    Result(
                        end: end, lastLine: line, taken: taken,
                        seconds: MonotonicClock.now.since(began).inSeconds))
                looking.cancel()
                precondition(runner.count == 0)
            }
            job.onTaken = { taken += $0 }
            job.write(ByteBuffer(bytes: body))
            job.finish()
            return promise.futureResult
        }.wait()
    }

    @Test("The body is on stdin, and ends")
    func body() throws {
        #expect(try run(#"test "$(cat)" = hello"#).end == .status(0))
        let large = [UInt8](repeating: 0x61, count: 3_000_000)
        let result = try run(#"test "$(wc -c)" -eq 3000000"#, body: large)
        #expect(result.end == .status(0))
        #expect(result.taken == 3_000_000)
    }

    @Test("What is known about the message is in the environment")
    func environment() throws {
        let result = try run(
            #"echo "$FTSL_MESSAGE_ID $FTSL_TOPIC $FTSL_INDEX $FTSL_PRODUCER $FTSL_SEQUENCE "#
                + #"$FTSL_ATTEMPT $FTSL_HEADER_X____Y" >&2; exit 3"#)
        #expect(result.end == .status(3))
        #expect(
            result.lastLine == "m-1 a.b 42 00000000000000000000000000000001 7 2 v w")
    }

    @Test("A command that does not read its input has done its work all the same")
    func unread() throws {
        let large = [UInt8](repeating: 0x61, count: 1_000_000)
        #expect(try run("exit 0", body: large).end == .status(0))
        #expect(try run("exec <&-; exit 0", body: large).end == .status(0))
        #expect(try run("exec <&-; kill -0 $$; exit 9", body: large).end == .status(9))
    }

    @Test("Statuses and signals come as they are, with the last line of stderr")
    func ends() throws {
        #expect(try run("exit 75").end == .status(75))
        #expect(try run("kill -9 $$").end == .signal(9))
        let result = try run("printf 'one\\ntwo\\n\\n' >&2; exit 1")
        #expect(result.end == .status(1))
        #expect(result.lastLine == "two")
        #expect(try run("printf 'no newline' >&2; exit 1").lastLine == "no newline")
    }

    @Test("A command that takes too long is told to go, with all it started")
    func timeLimit() throws {
        let result = try run("sleep 60 & wait", limit: .milliseconds(100))
        #expect(result.end == .timedOut(.milliseconds(100)))
        #expect(result.seconds < 4, "SIGTERM was enough")
    }

    @Test("A command whose children hold its pipes is over when it is over")
    func orphans() throws {
        let result = try run("sleep 5 >/dev/null & echo left >&2; exit 4")
        #expect(result.end == .status(4))
        #expect(result.lastLine == "left")
        #expect(result.seconds < 4)
    }
}

@Suite("What follows from a command's end")
struct ExecPolicyTests {
    private let policy = ExecPolicy(maxAttempts: 3)

    private func verdict(
        _ end: ExecEnd, attempt: UInt32, temporary: UInt32 = 0, _ line: String = ""
    ) -> ExecVerdict {
        policy.verdict(end, attempt: attempt, temporary: temporary, lastLine: line)
    }

    @Test("0 is done, whatever came before")
    func done() {
        #expect(verdict(.status(0), attempt: 1) == .done)
        #expect(verdict(.status(0), attempt: 99) == .done)
    }

    @Test("75 is tried again for ever, and more and more slowly")
    func temporary() {
        #expect(verdict(.status(75), attempt: 1) == .retry(after: .milliseconds(200)))
        #expect(verdict(.status(75), attempt: 3) == .retry(after: .milliseconds(800)))
        #expect(verdict(.status(75), attempt: .max) == .retry(after: .seconds(30)))
    }

    @Test("Other ends are tried again up to the limit, and then the message is dead")
    func dead() {
        #expect(verdict(.status(1), attempt: 2) == .retry(after: .milliseconds(400)))
        #expect(verdict(.status(1), attempt: 3, "boom") == .dead("exit status 1: boom"))
        #expect(verdict(.signal(9), attempt: 4) == .dead("signal 9"))
        #expect(verdict(.timedOut(.seconds(5)), attempt: 3) == .dead("no end within 5s"))
    }

    @Test("Attempts for which nobody blamed the message do not count against it")
    func blameless() {
        #expect(
            verdict(.status(1), attempt: 4, temporary: 2) == .retry(after: .milliseconds(1_600)))
        #expect(verdict(.status(1), attempt: 5, temporary: 2) == .dead("exit status 1"))
    }

    @Test("A reason fits its field, whole characters only")
    func bounded() {
        let reason = ExecPolicy.reason(.status(1), String(repeating: "é", count: 500))
        #expect(reason.utf8.count <= 255)
        #expect(reason.hasSuffix("é"))
    }

    @Test(
        "Names of headers become names that a shell takes",
        arguments: [("k", "K"), ("Content-Type", "CONTENT_TYPE"), ("9.x", "9_X"), ("é", "__")])
    func names(name: String, shell: String) {
        #expect(ExecEnvironment.shellName(name) == shell)
    }
}
