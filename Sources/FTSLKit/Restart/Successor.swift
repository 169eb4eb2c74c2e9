package import FTSLCore
internal import FTSLTransport
internal import Glibc
package import NIOCore

/// The program that takes the place of this one, in the same process. [FTSL §12]
package struct Successor {
    /// How long it may take to say whether it could.
    package static let patience: TimeAmount = .seconds(10)
    /// Asks a program whether the image on its standard input is one it could go on from.
    package static let question = "--check-image"
    /// Where the image is, for the next program.
    package static let variable = "FTSL_RESTART_IMAGE"

    package let path: String

    /// - Parameter path: An executable.
    package init(_ path: String) { self.path = path }

    /// The program that runs here; another one may lie at its path by now. Nil: it has no path.
    package static func ofThisProcess() -> String? {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &path, path.count - 1)
        guard count > 0 else { return nil }
        let text = String(decoding: path[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let gone = " (deleted)"
        return text.hasSuffix(gone) ? String(text.dropLast(gone.count)) : text
    }

    // MARK: Before

    /// Asks it in a child of its own; nil: it could go on from there. Answers once.
    package func check(
        _ image: ByteBuffer, children: ChildWatcher, on loop: any EventLoop,
        then: @escaping (Failure?) -> Void
    ) {
        let quoted =
            "'"
            + path.split(separator: "'", omittingEmptySubsequences: false)
            .joined(separator: "'\\''") + "'"
        let child: FedChild
        let answer: CInt
        do {
            answer = try MemoryFile.make("ftsl-answer", [])
            child = try FedChild(
                "exec \(quoted) \(Self.question)", environment: ChildProcess.environment,
                output: answer, children: children, on: loop)
        } catch {
            return then(refusal(error.text))
        }
        var said = ByteBuffer()
        child.onErrorOutput = { piece in
            if said.readableBytes < 4_096 { said.writeImmutableBuffer(piece) }
        }
        let bound = NIOLoopBound(child, eventLoop: loop)
        let limit = loop.scheduleTask(in: Self.patience) { bound.value.signalGroup(SIGKILL) }
        child.onEnded = { [self] end in
            limit.cancel()
            defer { close(answer) }
            // Many programs end well that have understood nothing.
            let isUnderstood = MemoryFile.content(of: answer) == Self.answer(to: image)
            if end == .status(0), isUnderstood { return then(nil) }
            let line = String(buffer: said).split(whereSeparator: \.isNewline).first
            then(refusal(line.map(String.init) ?? "it ended with \(end.text)"))
        }
        child.write(image)
        child.finish()
    }

    /// What a program says that could go on from an image.
    package static func answer(to image: ByteBuffer) -> ByteBuffer {
        let digest = HostImage.digest(image).map { String($0, radix: 16) }.joined(separator: " ")
        return ByteBuffer(string: "ftsl can go on from the image \(digest)\n")
    }

    private func refusal(_ why: String) -> Failure {
        Failure(.local, .versionMismatch, "\(path) cannot take over: \(why)")
    }

    // MARK: The step

    /// Becomes it, with the arguments of this process. Returns only if that was not possible, and
    /// then nothing has changed.
    ///
    /// - Parameter environment: Variables that this process took out of its own.
    package func replace(
        with image: ByteBuffer, _ kept: KeptDescriptors, environment: [String: String]
    ) -> Failure {
        do {
            let file = try MemoryFile.make("ftsl-restart", Array(image.readableBytesView))
            defer { close(file) }
            let number = try kept.keep(file)
            let variables = environment.merging([Self.variable: "\(number)"]) { $1 }
            for (name, value) in variables { setenv(name, value, 1) }
            defer { for name in variables.keys { unsetenv(name) } }
            var arguments = CommandLine.arguments
            if !arguments.isEmpty { arguments[0] = path }
            kept.keepNoOthers()
            execute(arguments)
            return refusal(TransportFailure.text(of: errno))
        } catch let unmovable as Unmovable {
            return refusal(unmovable.text)
        } catch {
            return refusal((error as? ChildProcess.SpawnFailure)?.text ?? "\(error)")
        }
    }

    private func execute(_ arguments: [String]) {
        var pointers = arguments.map { strdup($0) } + [nil]
        let result = DescriptorLimit.withInherited { execv(path, &pointers) }
        let code = errno
        for pointer in pointers { free(pointer) }
        if result != 0 { errno = code }
    }

    // MARK: After

    /// What the last program of this process has left; nil: there was none. Call before there is a
    /// second thread.
    package static func inheritance() throws(Failure) -> RestartImage? {
        guard let value = getenv(variable), let number = CInt(String(cString: value)) else {
            return nil
        }
        // For nobody else.
        unsetenv(variable)
        try KeptDescriptors.adopt(number)
        defer { close(number) }
        let image = try RestartImage(MemoryFile.content(of: number))
        for descriptor in image.descriptors.values { try KeptDescriptors.adopt(descriptor) }
        return image
    }
}
