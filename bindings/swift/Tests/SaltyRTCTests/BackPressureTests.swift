import Foundation
import Testing

@testable import SaltyRTC

/// The receiver is slow: then the sender waits, and nothing piles up or gets lost.
@Suite(.timeLimit(.minutes(3)))
struct BackPressureTests {
    let server: Server

    init() throws { server = try Server() }

    @Test func cancellingASendThatWaits() async throws {
        var options = ClientOptions()
        options.maxQueueSize = 1 << 16
        try await withPair(server, options) { alice, bob in
            // Nobody receives: after a while there is no room, and this waits.
            let sending = Task {
                var sent = 0
                do {
                    while true {
                        try await alice.send(numbered(sent, padding: 20_000))
                        sent += 1
                    }
                } catch is CancellationError {
                    return sent
                }
            }
            try await bob.hasPaused()
            sending.cancel()
            let sent = try await sending.value
            async let last: Void = alice.send("last")
            for expected in 0..<sent { #expect(try await number(of: bob.receive()) == expected) }
            #expect(try await bob.receive() == "last")
            try await last
        }
    }

    @Test func theReceiverIsSlowAndMemoryDoesNotGrow() async throws {
        try await withPair(server) { alice, bob in
            let total = 400
            let isDone = Locked(false)
            async let sending: Void = { () async throws -> Void in
                for number in 0..<total { try await alice.send(numbered(number, padding: 100_000)) }
                isDone.withLock { $0 = true }
            }()
            try await bob.hasPaused()
            // 40 MB have nowhere to wait.
            #expect(!isDone.withLock { $0 })
            var largest = 0
            for expected in 0..<total {
                largest = max(largest, bob._core.messages.size)
                let message = try await bob.receive()
                #expect(number(of: message) == expected && message.bytes?.count == 100_008)
            }
            try await sending
            #expect(largest < 8 << 20)
        }
    }

    @Test func channels() async throws {
        var settings = WebRTC(addresses: ["127.0.0.1"])
        settings.maxBuffered = 1 << 20
        try await withPair(server, ClientOptions(tasks: [.webRTC(settings)])) { alice, bob in
            let channel = try await alice.openChannel("bulk")
            let other = try await bob.acceptChannel()
            let total = 600
            let isDone = Locked(false)
            async let sending: Void = { () async throws -> Void in
                for number in 0..<total { try await channel.send(numbered(number, padding: 65_000)) }
                isDone.withLock { $0 = true }
                try await channel.drain()
                #expect(channel.bufferedAmount == 0)
            }()
            try await bob.hasPaused()
            #expect(!isDone.withLock { $0 })
            for expected in 0..<total { #expect(try await number(of: other.receive()) == expected) }
            try await sending
        }
    }

    /// Who watches events and does not take them keeps the client waiting, but only as long as there is somebody.
    @Test func watchers() async throws {
        try await withPair(server) { alice, bob in
            do {
                let events = bob.events
                let inbox = try #require(bob._core.watchers.first)
                for _ in 0..<Limits.highMessages { inbox.put(.tokenUsed, size: 0) }
                #expect(bob._core.client.fullInboxes == 1)
                withExtendedLifetime((events, inbox)) {}
            }
            #expect(bob._core.client.fullInboxes == 0)
            try await alice.send("hello")
            #expect(try await bob.receive() == "hello")
        }
    }
}

extension Peer {
    /// Waits until so much waits here that the client takes nothing more from the network.
    fileprivate func hasPaused() async throws {
        try await until(_core.client.paused) { _core.client.fullInboxes > 0 ? () : nil }
    }
}
