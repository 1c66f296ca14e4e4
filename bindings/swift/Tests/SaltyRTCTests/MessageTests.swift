import Foundation
import SaltyRTC
import Testing

/// Relayed data, custom tasks, application messages, trust, waiting and not waiting.
@Suite(.timeLimit(.minutes(3)))
struct MessageTests {
    let server: Server

    init() throws { server = try Server() }

    @Test func hello() async throws {
        let alice = try initiator(server)
        #expect("\(alice)".contains("not started"))
        try alice.start()
        #expect("\(alice)".contains("waiting"))
        let bob = try Responder(invitation: alice.invitation.uri)
        let ofAlice = try await bob.connected()
        let ofBob = try await alice.connected()
        #expect(ofBob.peerKey == bob.publicKey && ofAlice.peerKey == alice.publicKey)
        #expect(ofAlice.address == 1 && ofBob.address >= 2)
        #expect(alice.serverVerified && bob.serverVerified)
        try await alice.send("Hello")
        try await bob.send("Hello, too")
        #expect(try await bob.receive() == "Hello")
        #expect(try await alice.receive() == "Hello, too")
        await bob.close()
        // Bob has closed: that is how a conversation ends.
        #expect(try await alice.messages.all() == [])
        let ended = try await alice.closed()
        #expect(ended.status == .peerClosed && ended.closeCode == 1001 && ended.closedBy == .peer)
        #expect(await failure { _ = try await alice.receive() }.kind == .notPossible)
        #expect(await failure { try await alice.send("anybody?") }.kind == .peerFailed)
        #expect(bob.ended?.status == .closed && "\(bob)".contains("closed"))
    }

    static let messages: [Message] = [
        .bytes(Data("bytes".utf8)), .bytes(Data()), .bytes(Data("abcdef".utf8)[2...4]), "text", "", "a\0b", "Grüße 🧂",
        ["map": [1, nil, true], 7: .bytes(Data([1]))], [1.5], 7, -1, nil, false, .uint(.max), .int(.min),
        .ext(code: 5, data: Data([1, 2, 3])),
    ]

    @Test func allKindsOfMessages() async throws {
        try await withPair(server) { alice, bob in
            for message in Self.messages { try await alice.send(message) }
            for message in Self.messages { #expect(try await bob.receive() == message) }
            for message in Self.messages { try await alice.application.send(message) }
            for message in Self.messages { #expect(try await bob.application.receive() == message) }
            // Serialised by somebody else.
            try await alice.send(.raw(Data([0x92, 0x01, 0x02])))
            #expect(try await bob.receive() == [1, 2])
            #expect(await failure { try await alice.send(.raw(Data([0x92, 0x01]))) }.status == .badMsgpack)
        }
    }

    @Test func messagesThatAreNotDecoded() async throws {
        var undecoded = ClientOptions()
        undecoded.decodesMessages = false
        try await withPair(server, responder: undecoded) { alice, bob in
            try await alice.send([1, 2])
            try await alice.send("text")
            #expect(try await bob.receive() == .raw(Data([0x92, 0x01, 0x02])))
            #expect(try await bob.receive() == "text")
        }
    }

    @Test func whatWasSentBeforeTheEndArrives() async throws {
        let alice = try initiator(server)
        try alice.start()
        try await Responder(alice.invitation).use { bob in
            for number in 0..<500 { try await bob.send(.int(Int64(number))) }
        }
        #expect(try await alice.messages.all() == (0..<500).map { .int(Int64($0)) })
    }

    @Test func draining() async throws {
        try await withPair(server) { alice, bob in
            try await alice.drain()
            let count = fill(alice, 20_000)
            async let received: Void = { () async throws -> Void in
                for expected in 0..<count { #expect(try await number(of: bob.receive()) == expected) }
            }()
            for amount in [100_000, 0] {
                try await alice.drain(to: amount)
                #expect(alice.bufferedAmount <= amount)
            }
            try await received
            #expect(await failure { try await alice.drain(to: -1) }.kind == .invalidArgument)
            // The end of the connection is one, too.
            _ = fill(alice, 20_000)
            async let drained: Void = alice.drain()
            await bob.close()
            try await drained
        }
    }

    /// Sends until there is no room; returns how many messages that were.
    private func fill(_ peer: some Peer, _ size: Int) -> Int {
        var count = 0
        do {
            while true {
                try peer.sendNow(.bytes(numbered(count, padding: size)))
                count += 1
            }
        } catch let error as SaltyRTCError where error.kind == .queueFull {
            return count
        } catch {
            Issue.record(error)
            return count
        }
    }

    @Test func customTask() async throws {
        let tasks: [PeerTask] = [.custom(CustomTask(custom, data: ["colour": "white"])), .relayedData]
        let other: [PeerTask] = [.relayedData, .custom(CustomTask(custom))]
        try await withPair(server, ClientOptions(tasks: tasks), responder: ClientOptions(tasks: other)) { alice, bob in
            #expect(alice.session?.task == custom && bob.session?.task == custom)
            #expect(alice.session?.taskData == nil && bob.session?.taskData == ["colour": "white"])
            let move: Message = ["type": "move", "from": "e2", "to": "e4"]
            try await bob.send(move)
            #expect(try await alice.receive() == move)
            for wrong: Message in [["from": "e2"], ["type": "close"], [1]] {
                #expect(await failure { try await alice.send(wrong) }.kind == .invalidArgument)
            }
            try await alice.application.send("of the application")
            #expect(try await bob.application.receive() == "of the application")
        }
    }

    @Test func events() async throws {
        let alice = try initiator(server)
        // All of them: asked for before the start.
        let events = alice.events
        try alice.start()
        let bob = try Responder(alice.invitation)
        try await bob.connected()
        try await alice.connected()
        await bob.close()
        var seen: [Event] = []
        for try await event in events { seen.append(event) }
        guard case .serverHandshakeDone(1, _, true)? = seen.first, case .closed(let status, let text, _, _, _)? = seen.last
        else {
            Issue.record("\(seen)")
            return
        }
        #expect(status == .peerClosed && text.contains("closed"))
        #expect(seen.contains(.tokenUsed) && seen.contains { if case .responderJoined = $0 { true } else { false } })
        let done = seen.compactMap { event -> PublicKey? in
            if case .peerHandshakeDone(2..., let key, let task, _) = event, task.contains("relayed") { key } else { nil }
        }
        #expect(done == [bob.publicKey])
        // Who comes later is told of the end at once.
        for try await event in alice.events { Issue.record("after the end: \(event)") }
    }

    @Test func encryptAndDecrypt() async throws {
        try await withPair(server) { alice, bob in
            let secret = try alice.encrypt(Data("in another way".utf8))
            #expect(try bob.decrypt(secret) == Data("in another way".utf8))
            #expect(await failure { _ = try bob.decrypt(secret.dropLast() + [0]) }.status == .decryptionFailed)
        }
    }

    @Test func cancellingLosesNothing() async throws {
        try await withPair(server) { alice, bob in
            for _ in 0..<20 {
                let waiting = Task { try await bob.receive() }
                waiting.cancel()
                await #expect(throws: CancellationError.self) { try await waiting.value }
            }
            for number in 0..<100 { try await alice.send(.int(Int64(number))) }
            // Cancelled in the middle of the stream, at any place.
            var received: [Message] = []
            while received.count < 100 {
                let waiting = Task { try await bob.receive() }
                await Task.yield()
                waiting.cancel()
                do {
                    received.append(try await waiting.value)
                } catch is CancellationError {
                    received.append(try await bob.receive())
                }
            }
            #expect(received == (0..<100).map { .int(Int64($0)) })
        }
    }

    @Test func bothSendAtOnce() async throws {
        try await withPair(server) { alice, bob in
            @Sendable func send(_ peer: any Peer) async throws {
                for number in 0..<2000 { try await peer.send(numbered(number)) }
            }
            @Sendable func receive(_ peer: any Peer) async throws {
                for expected in 0..<2000 { #expect(try await number(of: peer.receive()) == expected) }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for peer in [alice, bob] as [any Peer] {
                    group.addTask { try await send(peer) }
                    group.addTask { try await receive(peer) }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func closingWithMessagesThatNobodyTakes() async throws {
        try await withPair(server) { alice, bob in
            for _ in 0..<100 { try bob.sendNow(.bytes(Data(count: 20_000))) }
            // Far more than an inbox takes, and Alice does not look at it.
            await alice.close()
            #expect(alice.ended?.status == .closed)
            try await bob.closed()
        }
    }

    @Test func closingInACancelledTask() async throws {
        let alice = try initiator(server)
        try alice.start()
        await alice.close()
        await alice.close()
        let another = try initiator(server)
        let using = Task {
            try await another.use { _ in }
        }
        using.cancel()
        await #expect(throws: CancellationError.self) { try await using.value }
        #expect(another.ended?.status == .closed)
        // One that was never started has ended, too.
        let third = try initiator(server)
        await third.close()
        #expect(third.ended?.status == .closed)
        #expect(await failure { try await third.connected() }.status == .closed)
    }

    @Test func anErrorInTheBodyClosesToo() async throws {
        let alice = try initiator(server)
        try alice.start()
        struct OfTheProgram: Error {}
        await #expect(throws: OfTheProgram.self) {
            try await Responder(alice.invitation).use { _ in throw OfTheProgram() }
        }
        #expect(try await alice.closed().status == .peerClosed)
    }

    @Test func whatNobodyUsesIsClosed() async throws {
        let alice = try initiator(server)
        try alice.start()
        weak var core: _PeerCore?
        do {
            let bob = try Responder(alice.invitation)
            core = bob._core
            try await bob.connected()
            try await alice.connected()
        }
        // The other side is told.
        #expect(try await alice.closed().status == .peerClosed)
        #expect(core == nil)
    }

    @Test func misuseIsTold() async throws {
        let alice = try initiator(server)
        for error in [
            await failure { try await alice.send("nobody") }, await failure { _ = try await alice.receive() },
            await failure { try await alice.closed() }, await failure { _ = try alice.trust() },
        ] {
            #expect(error.kind == .notPossible && error.text.contains("connected()"))
        }
        try alice.start()
        #expect(await failure { try await alice.send("nobody") }.status == .noPeer)
        #expect(await failure { _ = try await alice.openChannel() }.status == .noRtc)
        #expect(await failure { _ = try await alice.acceptChannel() }.status == .noRtc)
        await alice.close()
    }
}
