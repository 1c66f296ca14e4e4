import Foundation
import Testing

@testable import SaltyRTC

/// Many messages, and many clients. One after the other: they measure what is used.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct ManyTests {
    @Test func aHundredThousandMessagesEachWay() async throws {
        let server = try Server()
        let count = 100_000
        try await withPair(server) { alice, bob in
            let largest = Locked(0)
            @Sendable func send(_ peer: any Peer) async throws {
                for number in 0..<count { try await peer.send(numbered(number, padding: 56)) }
            }
            @Sendable func receive(_ peer: any Peer) async throws {
                var expected = 0
                for try await message in peer.messages {
                    guard number(of: message) == expected else {
                        Issue.record("\(message) in place of \(expected)")
                        return
                    }
                    expected += 1
                    if expected % 100 == 0 { largest.withLock { $0 = max($0, peer._core.messages.size) } }
                    if expected == count { return }
                }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await send(alice) }
                group.addTask { try await send(bob) }
                group.addTask { try await receive(alice) }
                group.addTask {
                    // Bob takes nothing until Alice's messages have nowhere to wait.
                    try await until(bob._core.client.paused) { bob._core.client.fullInboxes > 0 ? () : nil }
                    try await receive(bob)
                }
                try await group.waitForAll()
            }
            #expect(largest.withLock { $0 } < 4 << 20)
        }
    }

    @Test func aThousandClientsInOneProcess() async throws {
        let (count, rounds) = (1000, 4)
        let server = try Server(limits: [.acceptRate: nil])
        let program = try Program(Programs.peer, "crowd", String(count), String(rounds))
        try program.type("\(server.url) \(#require(server.publicKey).hex)\n")
        for _ in 0..<rounds {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<count {
                    let invitation = try await program.line("ws://")
                    group.addTask {
                        let peer = try Responder(invitation: invitation)
                        try await peer.connected()
                        for try await message in peer.messages { try await peer.send(message) }
                    }
                }
                do {
                    try await group.waitForAll()
                } catch {
                    // What the other program has to say is why.
                    try await program.ends()
                    throw error
                }
            }
        }
        let sizes = try await program.line("sizes").split(separator: " ").dropFirst().compactMap { Int($0) }
        try await program.ends()
        // A client that is not freed has some kilobytes. Caches of the allocator, one per thread, gain up to 80 bytes per client.
        #expect(sizes.count == rounds && sizes[3] < sizes[1] + 512 << 10, "\(sizes)")
    }
}
