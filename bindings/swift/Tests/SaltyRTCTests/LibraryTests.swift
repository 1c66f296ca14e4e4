import Foundation
import SaltyRTC
import Testing

/// The library below: its version, and its log.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct LibraryTests {
    @Test func version() {
        #expect(Library.version.split(separator: ".").count == 3)
        #expect(Library.hasFeature("server") && Library.hasFeature("webrtc") && !Library.hasFeature("coffee"))
    }

    @Test func log() async throws {
        let (messages, toMessages) = AsyncStream.makeStream(of: LogMessage.self)
        try Library.setLog(.trace) { toMessages.yield($0) }
        let server = try Server()
        let token = try await withPair(server) { alice, bob in
            try await alice.send("not for the log")
            #expect(try await bob.receive() == "not for the log")
            return alice.invitation.token
        }
        try Library.setLog(.off)
        toMessages.finish()
        var all = ""
        for await message in messages {
            #expect(message.level > .off && message.level <= .trace && message.target.hasPrefix("saltyrtc"))
            all += message.text + "\n"
        }
        #expect(!all.isEmpty && !all.contains("not for the log"))
        let hex = try #require(token).data.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(!all.contains(hex))
    }
}
