import Foundation
import SaltyRTC
import Testing

/// Peers that know each other, and come back.
@Suite(.timeLimit(.minutes(3)))
struct TrustTests {
    let server: Server

    init() throws { server = try Server() }

    @Test func trustedPeersMeetAgain() async throws {
        let ofAlice = MemoryKeyStore()
        let ofBob = MemoryKeyStore()
        let alicesKeys = try await ofAlice.keyPair()
        let bobsKeys = try await ofBob.keyPair()
        #expect(try await ofAlice.keyPair() == alicesKeys)
        #expect(try await ofAlice.trustedPeer(named: "bob") == nil)
        try await withPair(server, ClientOptions(keys: alicesKeys), responder: ClientOptions(keys: bobsKeys)) { alice, bob in
            try await ofAlice.trust(alice.trust(), named: "bob")
            try await ofBob.trust(bob.trust(), named: "alice")
        }
        // As after a restart: all that is left is what was stored.
        let bobsKey = try await ofAlice.trustedPeer(named: "bob")
        let alicesKey = try await ofBob.trustedPeer(named: "alice")
        #expect(bobsKey == bobsKeys.publicKey && alicesKey == alicesKeys.publicKey)
        let options = (
            ClientOptions(keys: try await ofAlice.keyPair(), trustedPeer: bobsKey),
            ClientOptions(keys: try await ofBob.keyPair(), trustedPeer: alicesKey)
        )
        try await withPair(server, options.0, responder: options.1) { alice, bob in
            #expect(alice.invitation.token == nil)
            try await alice.send("again")
            #expect(try await bob.receive() == "again")
        }
    }

    @Test func aPeerComesBack() async throws {
        let keys = try KeyPair()
        let proxy = try Proxy(server.port)
        let alice = try initiator(server, ClientOptions(rejoin: true))
        let events = alice.events
        try alice.start()
        let byProxy = try Invitation(
            serverURL: proxy.url, initiatorKey: alice.publicKey, serverKey: server.publicKey, token: alice.invitation.token)
        let bob = try Responder(byProxy, options: ClientOptions(keys: keys))
        try await bob.connected()
        try await alice.connected()
        try alice.trust()
        let key = try bob.trust()
        // It vanishes without a word.
        proxy.cut()
        let left = try await events.first { if case .peerLeft = $0 { true } else { false } }
        guard case .peerLeft(_, .disconnected, let canRejoin)? = left else {
            Issue.record("\(left as Any)")
            return
        }
        #expect(canRejoin)
        #expect(await failure { try await alice.send("nobody") }.status == .noPeer)
        let lost = await failure { _ = try await bob.messages.all() }
        #expect(lost.status == .connectionLost && lost.retry != .never && lost.kind == .connectionFailed)
        let again = try Responder(
            Invitation(serverURL: server.url, initiatorKey: key), options: ClientOptions(keys: keys, trustedPeer: key))
        try await again.connected()
        #expect(try await alice.connected().peerKey == keys.publicKey)
        try await alice.send("welcome back")
        #expect(try await again.receive() == "welcome back")
        await again.close()
        await alice.close()
    }

    @Test func anotherResponderWithANewToken() async throws {
        try await withPair(server, ClientOptions(rejoin: true)) { alice, bob in
            try alice.dropResponder(#require(alice.session).address)
            #expect(try await bob.closed().status == .droppedByInitiator)
            let invitation = try alice.inviteAgain()
            #expect(invitation.token != alice.invitation.token && invitation.initiatorKey == alice.publicKey)
            try await Responder(invitation).use { carol in
                try await carol.send("I am Carol")
                #expect(try await alice.receive() == "I am Carol")
            }
        }
    }

    /// A process of its own, killed in the middle: what it has stored is enough to come back, without a word to the server.
    @Test func aProcessThatIsKilledComesBack() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let alice = try initiator(server, ClientOptions(rejoin: true))
        let events = alice.events
        try alice.start()
        let first = try Program(Programs.peer, "trusted", folder.path, alice.invitation.uri)
        _ = try await first.line("connected with a token")
        #expect(try await alice.receive() == "hello")
        let key = try alice.trust()
        first.kill()
        _ = try await events.first { if case .peerLeft = $0 { true } else { false } }
        let second = try Program(Programs.peer, "trusted", folder.path)
        _ = try await second.line("connected without a token")
        #expect(try await alice.receive() == "hello")
        #expect(alice.session?.peerKey == key)
        try await alice.send("hello yourself")
        _ = try await second.line("received: hello yourself")
        await alice.close()
        try await second.ends()
    }
}
