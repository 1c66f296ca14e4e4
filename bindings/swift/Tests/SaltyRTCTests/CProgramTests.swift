import Foundation
import SaltyRTC
import TestSupport
import Testing

/// The C programs of examples-c with Swift at the other end.
@Suite(.timeLimit(.minutes(3)))
struct CProgramTests {
    let server: Server
    let memory = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)

    init() throws { server = try Server() }

    private func c(_ name: String, _ arguments: String...) throws -> Program {
        try Program(Programs.c.appendingPathComponent(name), arguments)
    }

    /// What `trusted` keeps: how far it has got, its secret key, a token, and whom it trusts.
    private func remembered() throws -> [String] {
        try String(contentsOf: memory, encoding: .utf8).split(separator: "\n").map(String.init)
    }

    @Test func chatWithAC() async throws {
        let alice = try initiator(server)
        try alice.start()
        let chat = try c("chat", "join", alice.invitation.uri)
        try await alice.connected()
        try await alice.send("Grüße aus Swift 🧂")
        _ = try await chat.line("Grüße aus Swift 🧂")
        try chat.type("greetings from C\n")
        #expect(try await alice.receive() == "greetings from C")
        try chat.endOfInput()
        #expect(try await alice.messages.all() == [])
        try await chat.ends()
        #expect(alice.ended?.status == .peerClosed)
    }

    @Test func aCInvitesToAChat() async throws {
        let chat = try c("chat", "initiate", "--server", server.url)
        let uri = try await chat.line("ws://").split(separator: " ").last.map(String.init)!
        let bob = try Responder(invitation: uri)
        try await bob.connected()
        try chat.type("hello, Swift\n")
        #expect(try await bob.receive() == "hello, Swift")
        try await bob.send("hello, C")
        _ = try await chat.line("hello, C")
        await bob.close()
        try chat.endOfInput()
        try await chat.ends()
    }

    @Test func swiftJoinsATrustedC() async throws {
        let keys = try KeyPair()
        let program = try c("trusted", memory.path, "initiate", server.url, "3")
        let uri = try await program.line("invitation: ").split(separator: " ")[1]
        let bob = try Responder(invitation: String(uri), options: ClientOptions(keys: keys))
        try await bob.connected()
        _ = try await program.line("connected")
        let key = try bob.trust()
        try await bob.send("hello")
        #expect(try await bob.receive() == "hello yourself")
        await bob.close()
        // From now on: without a token. Both have the other's key.
        let again = try Invitation(serverURL: server.url, initiatorKey: key)
        for _ in 0..<2 {
            let bob = try Responder(again, options: ClientOptions(keys: keys, trustedPeer: key))
            #expect(try await bob.connected().peerKey == key)
            _ = try await program.line("connected without a token")
            try await bob.send("hello")
            #expect(try await bob.receive() == "hello yourself")
            await bob.close()
        }
        try await program.ends()
        let lines = try remembered()
        #expect(try KeyPair(secretKey: Secret(hex: lines[1])).publicKey == key && lines[3] == keys.publicKey.hex)
    }

    @Test func aTrustedCJoinsSwift() async throws {
        let keys = try KeyPair()
        let alice = try initiator(server, ClientOptions(keys: keys))
        try alice.start()
        let program = try c("trusted", memory.path, "join", alice.invitation.uri)
        let key = try await alice.connected().peerKey
        #expect(try alice.trust() == key)
        #expect(try await alice.receive() == "hello")
        try await alice.send("hello yourself")
        _ = try await program.line("received: hello yourself")
        try await program.ends()
        await alice.close()
        let lines = try remembered()
        #expect(try KeyPair(secretKey: Secret(hex: lines[1])).publicKey == key && Invitation(lines[3]).token == nil)
        // It has all that it needs in its file, also after it was killed in the middle.
        let again = try initiator(server, ClientOptions(keys: keys, trustedPeer: key, rejoin: true))
        try again.start()
        let first = try c("trusted", memory.path, "join", "stay")
        _ = try await first.line("connected without a token")
        #expect(try await again.receive() == "hello")
        first.kill()
        let second = try c("trusted", memory.path, "join")
        _ = try await second.line("connected without a token")
        #expect(try await again.receive() == "hello")
        try await again.send("hello yourself")
        try await second.ends()
        await again.close()
    }

    @Test func somebodyElseDoesNotGetIn() async throws {
        let alice = try initiator(server, ClientOptions(trustedPeer: KeyPair().publicKey))
        try alice.start()
        // It was invited by somebody, but Alice trusts another one.
        let program = try c("trusted", memory.path, "join", alice.invitation.uri)
        try await program.ends(with: 1)
        #expect(alice.session == nil && !FileManager.default.fileExists(atPath: memory.path))
        await alice.close()
    }

    /// The built-in WebRTC on both sides: 100 MiB from C.
    @Test func aFileFromC() async throws {
        let file = try File(size: 100 << 20)
        let program = try c("send_file", "send", file.path, "--server", server.url)
        let uri = try await program.line("ws://").split(separator: " ").last.map(String.init)!
        let bob = try Responder(invitation: uri, options: ClientOptions(tasks: [.webRTC()]))
        try await bob.connected()
        let channel = try await bob.acceptChannel()
        #expect(channel.label == "file" && channel.subprotocol == "v1.file.saltyrtc.org")
        let offer = try #require(await channel.receive().bytes)
        #expect(offer[0] == 1 && number(of: .bytes(offer[1..<9])) == 100 << 20)
        // From the beginning.
        try await channel.send(Data([2]) + numbered(0))
        let digest = try Digest()
        var size = 0
        while size < 100 << 20 {
            let data = try #require(await channel.receive().bytes)
            #expect(data[0] == 3)
            try digest.update(data[1...])
            size += data.count - 1
        }
        let hash = try digest.hex()
        #expect(hash == offer[9..<41].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() && hash == file.hash)
        try await channel.send(Data([4]))
        try await program.ends()
        await bob.close()
    }

    /// And to C, which compares the hash that it was told.
    @Test func aFileToC() async throws {
        let file = try File(size: 20 << 20)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let alice = try initiator(server, ClientOptions(tasks: [.webRTC()]))
        try alice.start()
        let program = try c("send_file", "receive", alice.invitation.uri, folder.path)
        try await alice.connected()
        let channel = try await alice.openChannel("file", subprotocol: "v1.file.saltyrtc.org")
        var hash = Data()
        var digits = file.hash[...]
        while !digits.isEmpty {
            hash.append(UInt8(digits.prefix(2), radix: 16)!)
            digits = digits.dropFirst(2)
        }
        try await channel.send(Data([1]) + numbered(file.content.count) + hash + Data("holiday.bin".utf8))
        #expect(try await channel.receive() == .bytes(Data([2]) + numbered(0)))
        for at in stride(from: 0, to: file.content.count, by: 65_000) {
            try await channel.send(Data([3]) + file.content[at..<min(at + 65_000, file.content.count)])
        }
        #expect(try await channel.receive() == .bytes(Data([4])))
        #expect(try Data(contentsOf: folder.appendingPathComponent("holiday.bin")) == file.content)
        await channel.close()
        await alice.close()
        try await program.ends()
    }

    @Test func onAServerInC() async throws {
        let program = try c("server")
        let url = try await program.line("ws://")
        let key = try PublicKey(hex: await program.line())
        let alice = try Initiator(server: url, options: ClientOptions(serverKey: key))
        try alice.start()
        let bob = try Responder(alice.invitation)
        try await bob.connected()
        try await alice.connected()
        #expect(alice.serverVerified && bob.serverVerified)
        try await alice.send("by way of C")
        #expect(try await bob.receive() == "by way of C")
        // It goes away in good order, and says so.
        try program.endOfInput()
        try await program.ends()
        for peer in [alice, bob] as [any Peer] {
            let why = try await peer.closed()
            #expect(why.kind == .connectionFailed && why.retry != .never && why.status == .serverGoingAway && why.closeCode == 1001)
        }
        let nobody = try Initiator(server: url)
        try nobody.start()
        #expect(try await nobody.closed().status == .connectFailed)
    }
}

/// A file with something in it that does not repeat.
private final class File: Sendable {
    let content: Data
    let path: String
    let hash: String

    init(size: Int) throws {
        content = try randomBytes(size)
        path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).bin").path
        try content.write(to: URL(fileURLWithPath: path))
        let digest = try Digest()
        try digest.update(content)
        hash = try digest.hex()
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
