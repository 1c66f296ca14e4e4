import Foundation
import Testing

@testable import SaltyRTC

/// Keys, invitations, MessagePack, and what is printed of them.
@Suite(.timeLimit(.minutes(1)))
struct ValueTests {
    @Test func keys() async throws {
        let keys = try KeyPair()
        #expect(try KeyPair(secretKey: Secret(keys.secretKey.data)) == keys)
        #expect(try KeyPair() != keys)
        let hex = keys.publicKey.hex
        #expect(hex.count == 64 && "\(keys.publicKey)" == hex)
        #expect(try PublicKey(hex: hex) == keys.publicKey && PublicKey(keys.publicKey.data) == keys.publicKey)
        let secret = keys.secretKey.data.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(try Secret(hex: secret) == keys.secretKey)
        #expect(try Set([Secret(hex: secret), keys.secretKey, Secret.random()]).count == 2)
        for wrong in ["", "zz", String(hex.dropLast())] {
            #expect(await failure { _ = try PublicKey(hex: wrong) }.status == .badKey)
            #expect(await failure { _ = try Secret(hex: wrong) }.status == .badKey)
        }
        #expect(await failure { _ = try PublicKey(Data(count: 31)) }.text.contains("31"))
        #expect(await failure { _ = try Secret(Data(count: 33)) }.status == .badKey)
    }

    @Test func secretsAreNotPrinted() throws {
        let keys = try KeyPair()
        let token = try Secret.random()
        let server = try Server()
        var options = ClientOptions(keys: keys)
        options.token = token
        options.proxy = "http://me:ofTheProxy@127.0.0.1:1"
        options.tasks = [.webRTC(WebRTC(iceServers: [ICEServer("turn:127.0.0.1", username: "me", password: "of the server")]))]
        let alice = try Initiator(server: server.url, options: options)
        let secrets = [keys.secretKey, token].flatMap { secret -> [String] in
            let bytes = secret.data
            return [bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(), bytes.base64EncodedString(), "\(Array(bytes))"]
        }
        #expect(alice.invitation.token == token && alice.invitation.uri.contains(secrets[3]))
        for value in [keys, keys.secretKey, token, options, alice, alice.invitation, alice.invitation.token as Any, options.tasks] as [Any] {
            var dumped = ""
            dump(value, to: &dumped)
            for text in ["\(value)", String(reflecting: value), dumped] {
                for secret in secrets + ["of the server", "ofTheProxy"] { #expect(!text.contains(secret), "\(type(of: value))") }
            }
        }
    }

    @Test func invitations() async throws {
        let (alice, server, token) = (try KeyPair().publicKey, try KeyPair().publicKey, try Secret.random())
        let invitation = try Invitation(
            serverURL: "wss://signalling.example.org:8765", initiatorKey: alice, serverKey: server, token: token)
        #expect(try Invitation(invitation.uri) == invitation)
        #expect(invitation.serverURL == "wss://signalling.example.org:8765" && invitation.initiatorKey == alice)
        #expect(invitation.serverKey == server && invitation.token == token)
        #expect("\(invitation)".contains("with a token") && "\(invitation)".contains("signalling.example.org"))
        let bare = try Invitation(serverURL: "ws://127.0.0.1", initiatorKey: alice)
        #expect(bare.serverKey == nil && bare.token == nil && "\(bare)".contains("without a token"))
        let code = try invitation.qr().split(separator: "\n")
        #expect(code.count > 20 && code.allSatisfy { $0.allSatisfy { "█▀▄ ".contains($0) } })
        for wrong in ["", "https://example.org", "wss://example.org/short"] {
            #expect(await failure { _ = try Invitation(wrong) }.kind == .invalidArgument)
            #expect(await failure { _ = try Responder(invitation: wrong) }.kind == .invalidArgument)
        }
        #expect(await failure { _ = try Initiator(server: "nonsense") }.status == .badUrl)
    }

    /// Each form of MessagePack, with what it has to be.
    static let forms: [(Message, [UInt8])] = [
        (nil, [0xC0]), (false, [0xC2]), (true, [0xC3]), (0, [0]), (127, [0x7F]), (128, [0xCC, 0x80]), (255, [0xCC, 0xFF]),
        (256, [0xCD, 1, 0]), (65_535, [0xCD, 0xFF, 0xFF]), (65_536, [0xCE, 0, 1, 0, 0]),
        (4_294_967_296, [0xCF, 0, 0, 0, 1, 0, 0, 0, 0]), (.uint(.max), [0xCF] + [UInt8](repeating: 0xFF, count: 8)),
        (-1, [0xFF]), (-32, [0xE0]), (-33, [0xD0, 0xDF]), (-128, [0xD0, 0x80]), (-129, [0xD1, 0xFF, 0x7F]),
        (-32_769, [0xD2, 0xFF, 0xFF, 0x7F, 0xFF]), (-2_147_483_649, [0xD3, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF]),
        (1.5, [0xCB, 0x3F, 0xF8, 0, 0, 0, 0, 0, 0]), ("", [0xA0]), ("ü", [0xA2, 0xC3, 0xBC]),
        (.bytes(Data([1, 2])), [0xC4, 2, 1, 2]), ([1, "a"], [0x92, 1, 0xA1, 0x61]), (["a": 1], [0x81, 0xA1, 0x61, 1]),
        (.ext(code: -1, data: Data(count: 4)), [0xD6, 0xFF, 0, 0, 0, 0]), (.ext(code: 5, data: Data([7, 8, 9])), [0xC7, 3, 5, 7, 8, 9]),
    ]

    @Test(arguments: forms.indices)
    func messagePack(_ index: Int) throws {
        let (message, bytes) = Self.forms[index]
        #expect(try [UInt8](message.messagePack()) == bytes)
        #expect(try Message(messagePack: Data(bytes)) == message)
        for size in bytes.indices.dropLast() where size > 0 {
            #expect(throws: SaltyRTCError.self) { try Message(messagePack: Data(bytes[..<size])) }
        }
        #expect(throws: SaltyRTCError.self) { try Message(messagePack: Data(bytes + [0])) }
    }

    @Test func messagePackOfManySizes() throws {
        for size in [31, 32, 255, 256, 65_535, 65_536] {
            let messages: [Message] = [
                .text(String(repeating: "x", count: size)), .bytes(Data(count: size)), .array(Array(repeating: 1, count: size)),
                .map(Dictionary(uniqueKeysWithValues: (0..<size).map { (.int(Int64($0)), nil) })), .ext(code: 1, data: Data(count: size)),
            ]
            for message in messages { #expect(try Message(messagePack: message.messagePack()) == message) }
        }
        var deep: Message = 1
        for _ in 0..<Message.maxDepth { deep = [deep] }
        #expect(try Message(messagePack: deep.messagePack()) == deep)
        #expect(throws: SaltyRTCError.self) { try Message.array([deep]).messagePack() }
        // What claims to be large, too deep, or no text.
        for wrong: [UInt8] in [[0xDD, 0xFF, 0xFF, 0xFF, 0xFF], [0xDF, 0xFF, 0xFF, 0xFF, 0xFF], [UInt8](repeating: 0x91, count: 100) + [1], [0xC1], [0xA1, 0xFF], []] {
            #expect(throws: SaltyRTCError.self) { try Message(messagePack: Data(wrong)) }
        }
        // What other encoders write.
        #expect(try Message(messagePack: Data([0xCA, 0x3F, 0xC0, 0, 0])) == 1.5)
        #expect(try Message(messagePack: Data([0xD9, 1, 0x61])) == "a" && Message(messagePack: Data([0xD3] + [UInt8](repeating: 0, count: 8))) == 0)
    }

    @Test func accessors() {
        let message: Message = ["text": "a", "list": [1, 2.5, true], "bytes": .bytes(Data([1]))]
        #expect(message["text"]?.text == "a" && message["list"]?.array?[0].int == 1 && message["list"]?.array?[1].double == 2.5)
        #expect(message["list"]?.array?[2].bool == true && message["bytes"]?.bytes == Data([1]) && message["none"] == nil)
        #expect(message.map?.count == 3 && message.text == nil && Message.uint(.max).int == nil && Message.int(3).double == 3)
    }
}
