internal import FTSLCore
internal import NIOCore

/// Somebody who hears everything, knows no secret, and can connect as often as he likes.
struct AttackRun {
    let kind: Fault.Attack
    let link: Link
    /// What is sent after the first answer.
    var second: ByteBuffer?
    var heard = ByteBuffer()
}

extension World {
    func beginAttack(_ kind: Fault.Attack, capture: Int, at: Int) {
        let captures = links.filter { $0.client != nil && $0.capture.readableBytes > 0 }
        guard !captures.isEmpty || kind == .garbage else { return }
        let link = makeLink(.attacker(attacks.count), shape: LinkShape())
        var first = ByteBuffer()
        var second: ByteBuffer?
        let heard = captures.isEmpty ? ByteBuffer() : captures[capture % captures.count].capture
        let offset = heard.readableBytes == 0 ? 0 : at % heard.readableBytes
        switch kind {
        case .whole: first = heard
        case .stepwise: (first, second) = Self.steps(of: heard)
        case .truncated:
            first = heard.getSlice(at: heard.readerIndex, length: offset) ?? heard
        case .flipped:
            first = Self.flipped(heard, at: at)
        case .garbage:
            for _ in 0..<rng.within(0...64) { first.writeInteger(rng.next()) }
        }
        attacks.append(AttackRun(kind: kind, link: link, second: second))
        trace.note(now, "attack", UInt64(link.number), UInt64(first.readableBytes), kind.rawValue)
        link.initiatorHolds = true
        accepted(link)
        _ = write([first], to: link, .up)
    }

    /// The question with its preface, and the rest.
    private static func steps(of capture: ByteBuffer) -> (ByteBuffer, ByteBuffer?) {
        let start = capture.readerIndex + Preface.bytes.count
        guard let length: UInt32 = capture.getInteger(at: start) else { return (capture, nil) }
        let first = Preface.bytes.count + 4 + Int(length)
        guard first < capture.readableBytes else { return (capture, nil) }
        let head = capture.getSlice(at: capture.readerIndex, length: first)
        let tail = capture.getSlice(
            at: capture.readerIndex + first, length: capture.readableBytes - first)
        return (head ?? capture, tail)
    }

    /// One bit of the question turned.
    private static func flipped(_ capture: ByteBuffer, at: Int) -> ByteBuffer {
        var bytes = capture
        let place = bytes.readerIndex + at % max(1, steps(of: capture).0.readableBytes)
        guard let byte: UInt8 = bytes.getInteger(at: place) else { return bytes }
        bytes.setInteger(byte ^ (1 << UInt8(at % 8)), at: place)
        return bytes
    }

    func attackerReceives(_ bytes: ByteBuffer, _ attack: Int) {
        attacks[attack].heard.writeImmutableBuffer(bytes)
        checkRevealed(attacks[attack])
        if attacks[attack].second != nil {
            queue.push(.attack(attack), at: now + 1_000_000)
        }
    }

    func continueAttack(_ attack: Int) {
        guard let second = attacks[attack].second else { return }
        attacks[attack].second = nil
        guard attacks[attack].link.initiatorHolds else { return }
        _ = write([second], to: attacks[attack].link, .up)
    }

    /// A stranger may learn: your session is gone, refused, an answer to OPEN, or (to a RESUME
    /// whose MAC is good and whose number is fresh, so unaltered) RESUMED; never a frame of a
    /// session.
    private func checkRevealed(_ attack: AttackRun) {
        let start = attack.heard.readerIndex + Preface.bytes.count + 4
        guard let raw: UInt8 = attack.heard.getInteger(at: start) else { return }
        let verdict: UInt8? = attack.heard.getInteger(at: start + 1)
        let isAltered = attack.kind == .flipped || attack.kind == .garbage
        switch FrameKind(rawValue: raw) {
        case .opened: break
        case .resumed where !isAltered: break
        case .verdict where verdict == VerdictKind.gone.rawValue: break
        case .verdict where verdict == VerdictKind.refused.rawValue: break
        case .verdict where verdict == VerdictKind.later.rawValue: break
        default:
            checker.fail(.proofFirst, "\(attack.kind) got a frame of kind \(raw)")
        }
    }
}
