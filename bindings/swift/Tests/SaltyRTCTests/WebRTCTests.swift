import Foundation
import SaltyRTC
import Testing
import TestSupport

/// Channels of the built-in WebRTC.
@Suite(.timeLimit(.minutes(5)))
struct WebRTCTests {
    let server: Server

    init() throws { server = try Server() }

    @Test func channels() async throws {
        try await withPair(server, ClientOptions(tasks: [webRTC])) { alice, bob in
            let channel = try await alice.openChannel("files", subprotocol: "v1")
            let other = try await bob.acceptChannel()
            #expect(other.label == "files" && other.subprotocol == "v1" && other.openedByPeer)
            #expect(channel.label == "files" && channel.subprotocol == "v1" && !channel.openedByPeer)
            #expect(channel.isOpen && "\(channel)".contains("files"))
            let messages = [Data("bytes".utf8), Data("text".utf8), Data(count: 100_000), Data()]
            try await channel.send(messages[0])
            try await channel.send("text")
            for message in messages[2...] { try await channel.send(message) }
            for message in messages { #expect(try await other.receive() == .bytes(message)) }
            try await other.send("back")
            #expect(try await channel.receive() == .bytes(Data("back".utf8)))
            try await alice.handedOver()
            try await bob.handedOver()
            #expect(alice.connectionState == .connected)
            let stats = try alice.stats()
            #expect(stats.bytesSent > 100_000 && stats.channels == 1 && stats.localAddress.contains("127.0.0.1"))
            #expect(stats.localType == .host && stats.state == .connected)
            await channel.close()
            #expect(try await other.messages.all() == [])
            #expect(await failure { try await channel.send("late") }.status == .channelNotOpen)
            // Independent of channels, and after the handover.
            try await alice.application.send(["over": "the connection"])
            #expect(try await bob.application.receive() == ["over": "the connection"])
            #expect(await failure { try await alice.send("not with this task") }.text.contains("openChannel"))
            await bob.close()
            for try await channel in alice.channels { Issue.record("\(channel)") }
        }
    }

    @Test func plainUnreliableAndNegotiatedChannels() async throws {
        var settings = WebRTC(addresses: ["127.0.0.1"])
        settings.plainLabels = ["plain"]
        settings.negotiatedIDs = [7]
        try await withPair(server, ClientOptions(tasks: [.webRTC(settings)])) { alice, bob in
            let plain = try await alice.openChannel("plain", isPlain: true)
            let other = try await bob.acceptChannel()
            try await plain.send("text stays text")
            try await plain.send(Data("bytes".utf8))
            #expect(try await other.receive() == "text stays text")
            #expect(try await other.receive() == .bytes(Data("bytes".utf8)))
            async let one = alice.openChannel("n", negotiatedID: 7)
            async let two = bob.openChannel("n", negotiatedID: 7)
            try await one.send("negotiated")
            #expect(try await two.receive() == .bytes(Data("negotiated".utf8)))
            for (reliability, isOrdered) in [(Reliability.maxRetransmits(3), true), (.maxLifetime(.seconds(1.5)), false)] {
                let events = bob.events
                let channel = try await alice.openChannel("lossy", reliability: reliability, isOrdered: isOrdered)
                let other = try await bob.acceptChannel()
                try await channel.send("datagram")
                #expect(try await other.receive() == .bytes(Data("datagram".utf8)))
                let opened = try await events.first { if case .channelOpened = $0 { true } else { false } }
                guard case .channelOpened(_, "lossy", "", !isOrdered, reliability, false, true)? = opened else {
                    Issue.record("\(opened as Any)")
                    return
                }
            }
        }
    }

    @Test func theEndOfTheConnectionEndsChannels() async throws {
        try await withPair(server, ClientOptions(tasks: [webRTC])) { alice, bob in
            let channel = try await alice.openChannel("one")
            let other = try await bob.acceptChannel()
            try await channel.send("last words")
            await alice.close()
            #expect(try await other.messages.all() == [.bytes(Data("last words".utf8))])
            _ = await failure { try await other.send("late") }
            _ = await failure { _ = try await bob.openChannel("late") }
        }
    }

    @Test func openingCanBeCancelled() async throws {
        try await withPair(server, ClientOptions(tasks: [webRTC])) { alice, bob in
            for _ in 0..<5 {
                let opening = Task { try await alice.openChannel("never") }
                opening.cancel()
                await #expect(throws: CancellationError.self) { _ = try await opening.value }
            }
            let channel = try await alice.openChannel("then")
            for try await other in bob.channels where other.label == "then" {
                try await channel.send("works")
                #expect(try await other.receive() == .bytes(Data("works".utf8)))
                break
            }
        }
    }

    @Test func statesAndAddresses() async throws {
        try await withPair(server, ClientOptions(tasks: [webRTC])) { alice, bob in
            #expect(try await alice.connectionState(in: .connected, .failed) == .connected)
            try alice.setAddresses(["127.0.0.1"])
            try Library.networkChanged()
            try alice.restartICE()
            #expect(await failure { try alice.setAddresses(["nonsense"]) }.kind == .invalidArgument)
            await alice.close()
            _ = await failure { try await bob.connectionState(in: .failed) }
        }
    }

    /// Between two processes, with equal hashes.
    @Test func aHundredMebibytes() async throws {
        let (size, piece) = (100 << 20, 256 << 10)
        let alice = try initiator(server, ClientOptions(tasks: [webRTC]))
        try alice.start()
        let receiver = try Program(Programs.peer, "receive", alice.invitation.uri)
        try await alice.connected()
        let channel = try await alice.openChannel("bulk")
        let digest = try Digest()
        for _ in 0..<size / piece {
            let data = try randomBytes(piece)
            try digest.update(data)
            try await channel.send(data)
        }
        await channel.close()
        let hash = try digest.hex()
        #expect(hash.count == 64)
        _ = try await receiver.line("\(size) \(hash)")
        try await receiver.ends()
        await alice.close()
    }
}
