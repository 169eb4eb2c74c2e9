internal import FTSLCore
internal import FTSLKit
internal import NIOCore

/// Bytes that are here already.
final class TextSource: ByteSource {
    var onBytes: ((ByteBuffer) -> Void)?
    var onEnd: ((Failure?) -> Void)?
    private var bytes: ByteBuffer

    init(_ text: String) { bytes = ByteBuffer(string: text) }

    func demand() {
        guard let part = bytes.readSlice(length: bytes.readableBytes), part.readableBytes > 0 else {
            onEnd?(nil)
            return
        }
        onBytes?(part)
    }

    func cancelInput(_ reason: InputCancellation) { bytes = ByteBuffer() }
}
