import Foundation
import Testing

@Suite("Standard input and output of every kind", .onStage)
struct StandardStreamTests {
    @Test("Pipes at both ends carry both directions")
    func pipes() throws {
        let listener = try stage.listen(input: .pipe)
        let client = try stage.connect(listener, input: .pipe)
        client.input?.write("to the listener")
        client.input?.close()
        listener.program.input?.write("to the client")
        listener.program.input?.close()
        try expectStatus(0, client)
        try expectStatus(0, listener.program)
        #expect(try client.output?.allText() == "to the client")
        #expect(try listener.output.allText() == "to the listener")
    }
}
