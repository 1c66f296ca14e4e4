import Foundation
import OwnWebRTCExample
import SaltyRTC
import Testing

/// WebRTC and ORTC of the app: signals, handover to a data channel of its own, encryption of others.
@Suite(.timeLimit(.minutes(3)))
struct OwnWebRTCTests {
    let server: Server

    init() throws { server = try Server() }

    @Test func descriptionsAndCandidates() async throws {
        try await withPair(server, ClientOptions(tasks: [.ownWebRTC(OwnWebRTC(exclude: [0, 1, 2]))])) { alice, bob in
            let offer = Description("offer", sdp: "v=0\r\n")
            let candidates = [
                Candidate("candidate:1 1 udp 1 192.0.2.1 5 typ host", sdpMid: "0", sdpMLineIndex: 0, usernameFragment: "user"),
                Candidate("", sdpMid: "0"), Candidate(nil),
            ]
            try await alice.send(offer)
            for candidate in candidates { try await alice.send(candidate) }
            var received: [Signal] = []
            for try await signal in bob.signals {
                received.append(signal)
                if received.count == 4 { break }
            }
            #expect(received == [.description(offer)] + candidates.map { .candidate($0) })
            try await bob.send(Description("answer", sdp: "v=0\r\n"))
            for try await signal in alice.signals {
                #expect(signal == .description(Description("answer", sdp: "v=0\r\n")))
                break
            }
            #expect(await failure { try await bob.send(offer) }.status == .otherRole)
            #expect(await failure { try await alice.send("text") }.status == .otherTask)
            #expect(!"\(offer)\(Signal.description(offer))".contains("v=0") && !String(reflecting: offer).contains("v=0"))
        }
    }

    @Test func messagesOfORTC() async throws {
        let capabilities: Message = ["type": "sctp-capabilities", "capabilities": ["maxMessageSize": 16384]]
        let parameters: Message = [
            "type": "ice-parameters",
            "parameters": ["usernameFragment": "abcd", "password": "0123456789abcdef01234567", "iceLite": false],
        ]
        try await withPair(server, ClientOptions(tasks: [.ortc(ORTC(exclude: [0, 1]))])) { alice, bob in
            #expect(alice.session?.task == "v0.ortc.tasks.saltyrtc.org")
            #expect(try alice.signallingChannel().id == 2)
            var forHandover = capabilities.map!
            forHandover["label"] = "handover"
            let candidates: Message = [
                "type": "ice-candidates", "candidates": [["candidate": ["complete": true], "label": "handover"]],
            ]
            for (one, other) in [(alice, bob), (bob, alice)] as [(any Peer, any Peer)] {
                for message in [capabilities, .map(forHandover), parameters, candidates] {
                    try await one.send(message)
                    #expect(try await other.receive() == message)
                }
            }
            for wrong: Message in [["type": "sctp-capabilities"], ["type": "unknown"], [:], "text", [1]] {
                #expect(await failure { try await alice.send(wrong) }.kind == .invalidArgument)
            }
        }
    }

    /// The example, with a stack that has the shape of the framework of iOS.
    @Test func theExample() async throws {
        try await withPair(server, ClientOptions(tasks: [.ownWebRTC(OwnWebRTC(exclude: [0]))])) { alice, bob in
            let (one, other) = LoopbackConnection.pair()
            async let negotiated: Void = Negotiation(alice, over: one).run()
            async let answered: Void = Negotiation(bob, over: other).run()
            try await alice.handedOver()
            try await bob.handedOver()
            // The server is not needed any more.
            try await server.stop()
            try await bob.application.send(Data(count: 100_000))
            #expect(try await alice.application.receive() == .bytes(Data(count: 100_000)))
            let secure = (try SecureChannel(alice, id: 5), try SecureChannel(bob, id: 5))
            let encrypted = try secure.0.encrypt(Data("for channel 5".utf8))
            #expect(await failure { _ = try SecureChannel(bob, id: 6).decrypt(encrypted) }.kind == .notPossible)
            #expect(try secure.1.decrypt(encrypted) == Data("for channel 5".utf8))
            await alice.close()
            #expect(try await bob.closed().status == .peerClosed)
            try await negotiated
            try await answered
            #expect(one.isClosed && other.isClosed)
        }
    }

    @Test func aChannelThatBreaksEndsTheSignalling() async throws {
        try await withPair(server, ClientOptions(tasks: [.ownWebRTC()])) { alice, bob in
            let works = Flag()
            struct Gone: Error {}
            try alice.handOver(maxMessageSize: 0, send: { bob.transportReceive($0) }, close: {})
            try bob.handOver(
                maxMessageSize: 0,
                send: { data in
                    if works.isSet { throw Gone() }
                    alice.transportReceive(data)
                }, close: {})
            try await alice.handedOver()
            try await bob.handedOver()
            works.set()
            try await bob.application.send("into the void")
            #expect(try await bob.closed().status == .signallingChannelLost)
        }
    }

    @Test func whatHasNoDataChannelsIsNotHandedOver() async throws {
        try await withPair(server) { alice, _ in
            #expect(await failure { try await alice.handedOver() }.status == .noHandover)
            #expect(await failure { _ = try alice.signallingChannel() }.status == .noHandover)
        }
    }

    @Test func chunks() throws {
        for mode in [ChunkingMode.reliableOrdered, .unreliableUnordered] {
            let (chunker, unchunker) = (try Chunker(mode), try Unchunker(mode))
            let message = Data((0..<1000).map { UInt8(truncatingIfNeeded: $0) })
            let chunks = try chunker.split(message, chunkSize: 100)
            #expect(chunks.count > 10)
            let results = try chunks.map(unchunker.add)
            #expect(results.dropLast().allSatisfy { $0 == nil } && results.last == message)
            #expect(try unchunker.expire() == 0)
        }
    }
}

/// Something that happens once.
final class Flag: Sendable {
    private let stream: AsyncStream<Void>.Continuation

    init() { stream = AsyncStream.makeStream(of: Void.self).continuation }

    func set() { stream.finish() }
    var isSet: Bool { if case .terminated = stream.yield() { true } else { false } }
}

/// Both ends of a connection within the process, which opens when offer, answer and candidates have been exchanged.
final class LoopbackConnection: PeerConnection {
    private let link: Link
    private let end: Int
    private let toCandidates: AsyncStream<Candidate>.Continuation
    let generatedCandidates: AsyncStream<Candidate>

    static func pair() -> (LoopbackConnection, LoopbackConnection) {
        let link = Link()
        return (LoopbackConnection(link, 0), LoopbackConnection(link, 1))
    }

    private init(_ link: Link, _ end: Int) {
        self.link = link
        self.end = end
        (generatedCandidates, toCandidates) = AsyncStream.makeStream()
    }

    var isClosed: Bool { link.lock.withLock { $0.closed.contains(end) } }

    func offer() async throws -> Description { Description("offer", sdp: "v=0 of \(end)") }
    func answer() async throws -> Description { Description("answer", sdp: "v=0 of \(end)") }

    func setLocalDescription(_ description: Description) async throws {
        for number in 0..<3 { toCandidates.yield(Candidate("candidate:\(number)", sdpMid: "0")) }
        toCandidates.finish()
    }

    func setRemoteDescription(_ description: Description) async throws {
        #expect(description.sdp == "v=0 of \(1 - end)")
        link.isReady("description", end)
    }

    func add(_ candidate: Candidate) async throws { link.isReady(candidate.candidate!, end) }

    func dataChannel(forLabel label: String, configuration: DataChannelConfiguration) throws -> any DataChannel {
        #expect(!label.isEmpty && configuration.channelId != 0)
        let channel = LoopbackChannel(link, end)
        link.lock.withLock { $0.channels[end] = channel }
        return channel
    }

    func close() { link.lock.withLock { _ = $0.closed.insert(end) } }
}

final class Link: Sendable {
    struct State {
        var channels: [Int: LoopbackChannel] = [:]
        var ready: Set<String> = []
        var closed: Set<Int> = []
    }
    let lock = Guarded(State())

    func isReady(_ part: String, _ end: Int) {
        let open = lock.withLock { state -> [LoopbackChannel] in
            // Descriptions and three candidates of both.
            guard state.ready.insert("\(part) \(end)").inserted, state.ready.count == 8 else { return [] }
            return Array(state.channels.values)
        }
        for channel in open { channel.toChanges.yield(.open) }
    }
}

final class LoopbackChannel: DataChannel {
    private let link: Link
    private let end: Int
    let toChanges: AsyncStream<DataChannelChange>.Continuation
    let changes: AsyncStream<DataChannelChange>

    init(_ link: Link, _ end: Int) {
        self.link = link
        self.end = end
        (changes, toChanges) = AsyncStream.makeStream()
    }

    func sendData(_ data: Data) -> Bool {
        guard let other = link.lock.withLock({ $0.channels[1 - end] }) else { return false }
        other.toChanges.yield(.message(data))
        return true
    }

    func close() {
        for channel in link.lock.withLock({ Array($0.channels.values) }) {
            channel.toChanges.yield(.closed)
            channel.toChanges.finish()
        }
    }
}
