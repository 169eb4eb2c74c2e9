package import FTSLCore

/// The bounds of what surrounds a body, as sentences for people.
package enum EnvelopeRules {
    package static func complaint(topic: String) -> String? {
        if topic.isEmpty { return "a topic cannot be empty" }
        if topic.utf8.count > Bound.topic { return "a topic has at most \(Bound.topic) bytes" }
        if hasControl(topic) { return "a topic has no control characters" }
        let levels = topic.split { $0 == "." || $0 == "/" }
        if levels.contains(where: { $0 == "*" || $0 == "#" }) {
            return "'*' and '#' stand for other levels; they name none themselves"
        }
        return nil
    }

    package static func complaint(id: String) -> String? {
        if id.isEmpty { return "an id cannot be empty" }
        if id.utf8.count > Bound.messageID { return "an id has at most \(Bound.messageID) bytes" }
        return hasControl(id) ? "an id has no control characters" : nil
    }

    package static func complaint(headers: [Envelope.Header]) -> String? {
        if headers.count > Bound.headers { return "there are at most \(Bound.headers) headers" }
        for header in headers {
            if header.name.isEmpty { return "a header has a name" }
            if header.name.utf8.count > 255 { return "a header's name has at most 255 bytes" }
            if hasControl(header.name) || header.name.contains(where: { $0 == " " || $0 == "=" }) {
                return "a header's name has no spaces and no '='"
            }
            if header.value.utf8.count > Bound.headerValue {
                return "a header's value has at most \(Bound.headerValue) bytes"
            }
            if header.value.utf8.contains(0) { return "a header's value has no NUL" }
        }
        return nil
    }

    package static func complaint(
        topic: String, id: String, headers: [Envelope.Header]
    ) -> String? {
        let size =
            topic.utf8.count + id.utf8.count
            + headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        if size > Bound.envelope {
            return "topic, id and headers have at most \(Bound.envelope) bytes together"
        }
        return complaint(topic: topic)
            ?? (id.isEmpty ? nil : complaint(id: id))
            ?? complaint(headers: headers)
    }

    private static func hasControl(_ text: String) -> Bool {
        text.utf8.contains { $0 < 0x20 || $0 == 0x7F }
    }
}
