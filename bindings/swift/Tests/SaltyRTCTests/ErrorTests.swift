import Foundation
import SaltyRTC
import Testing

/// What goes wrong, and what the program is told.
@Suite(.timeLimit(.minutes(3)))
struct ErrorTests {
    let server: Server

    init() throws { server = try Server() }

    @Test func wrongToken() async throws {
        let alice = try initiator(server)
        let events = alice.events
        try alice.start()
        var options = ClientOptions()
        options.token = try Secret.random()
        let wrong = try Responder(alice.invitation, options: options)
        let error = await failure { try await wrong.connected() }
        #expect(error.kind == .peerFailed && error.status == .initiatorCouldNotDecrypt && error.closeCode == 3005)
        #expect(error.text.contains("ask for a new invitation"))
        let failed = try await events.first { if case .responderFailed = $0 { true } else { false } }
        guard case .responderFailed(2..., _, 3005, let text)? = failed, !text.isEmpty else {
            Issue.record("\(failed as Any)")
            return
        }
        // Alice goes on waiting for the right one.
        try await Responder(alice.invitation).use { _ in try await alice.connected() }
        await alice.close()
    }

    @Test func wrongTrustedKey() async throws {
        let alice = try initiator(server, ClientOptions(trustedPeer: KeyPair().publicKey))
        try alice.start()
        let bob = try Responder(alice.invitation, options: ClientOptions(trustedPeer: alice.publicKey))
        let error = await failure { try await bob.connected() }
        #expect(error.status == .initiatorCouldNotDecrypt && error.text.contains("stored"))
        await alice.close()
    }

    @Test func wrongServerKey() async throws {
        let alice = try initiator(server, ClientOptions(serverKey: KeyPair().publicKey))
        let error = await failure { try await alice.connected() }
        #expect(error.kind == .connectionFailed && error.status == .serverKeyMismatch)
        #expect(error.text.contains("check the server's address"))
        // Who does not know the key is told that nothing was verified.
        let other = try Initiator(server: server.url)
        let events = other.events
        try other.start()
        _ = try await events.first { if case .serverHandshakeDone(_, _, false) = $0 { true } else { false } }
        #expect(!other.serverVerified && other.address == 1)
        await other.close()
    }

    func cannotConnect(
        _ url: String, _ part: String, _ options: ClientOptions = ClientOptions(), status: Status = .connectFailed
    ) async throws {
        let alice = try Initiator(server: url, options: options)
        let error = await failure { try await alice.connected() }
        #expect(error.text.contains(part), "\(error)")
        #expect(error.status == status && error.closedBy == .network && error.closeCode == nil)
        #expect(error.kind == .connectionFailed && error.retry == (status == .connectFailed ? .later : .never))
    }

    @Test func nobodyThere() async throws {
        try await cannotConnect("ws://127.0.0.1:\(closedPort())", "refused")
        // RFC 6761: no name in .invalid exists.
        try await cannotConnect("ws://nobody.invalid", "nobody.invalid")
        let quiet = try QuietServer()
        var options = ClientOptions()
        options.connectTimeout = .milliseconds(100)
        try await cannotConnect("ws://127.0.0.1:\(quiet.port)", "did not answer", options)
        let other = try QuietServer(answer: "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        try await cannotConnect("ws://127.0.0.1:\(other.port)", "404", status: .notASaltyrtcServer)
    }

    @Test func aProxyThatRefuses() async throws {
        let proxy = try QuietServer(answer: "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        var options = ClientOptions()
        options.proxy = "http://127.0.0.1:\(proxy.port)"
        let alice = try Initiator(server: server.url, options: options)
        let error = await failure { try await alice.connected() }
        #expect(error.status == .proxyRefused && error.kind == .connectionFailed && error.text.contains("407"))
        options.proxy = "ftp://127.0.0.1:1"
        #expect(await failure { _ = try Initiator(server: server.url, options: options) }.status == .badUrl)
        // None for this server, whatever is in the environment of the tests.
        options.proxy = nil
        options.environmentProxy = true
        _ = try Initiator(server: server.url, options: options)
    }

    @Test func certificates() async throws {
        func file(_ name: String) throws -> Data { try Data(contentsOf: Programs.c.appendingPathComponent(name)) }
        let (own, key, other) = (try file("own.pem"), try file("own.key"), try file("other.pem"))
        let server = try Server(tls: (own, key))
        #expect(server.url.hasPrefix("wss://"))
        try await cannotConnect(server.url, "certificate", status: .serverCertificate)
        var options = ClientOptions()
        options.systemRoots = false
        options.tlsCertificates = [other]
        try await cannotConnect(server.url, "certificate", options, status: .serverCertificate)
        options.tlsCertificates.append(own)
        try await withPair(server, options) { alice, bob in
            try await alice.send("over TLS")
            #expect(try await bob.receive() == "over TLS")
        }
        try await cannotConnect("ws://127.0.0.1:\(server.port)", "TLS", status: .notASaltyrtcServer)
        try await cannotConnect("wss://127.0.0.1:\(self.server.port)", "TLS", status: .tlsFailed)
        #expect(await failure { _ = try Server(tls: (other, key)) }.status == .badCertificate)
        try await server.stop()
    }

    @Test func aServerThatIsStopped() async throws {
        try await withPair(server) { alice, bob in
            try await server.stop()
            try await server.stop()
            for peer in [alice, bob] as [any Peer] {
                let error = await failure { _ = try await peer.receive() }
                #expect(error.status == .serverGoingAway && error.closeCode == 1001 && error.closedBy == .server)
                #expect(error.retry == .later && error.text.contains("connect again"))
            }
        }
    }

    @Test func aConnectionThatIsCut() async throws {
        let proxy = try Proxy(server.port)
        let alice = try Initiator(server: proxy.url)
        let events = alice.events
        try alice.start()
        _ = try await events.first { if case .serverHandshakeDone = $0 { true } else { false } }
        proxy.cut()
        let error = try await alice.closed()
        #expect(error.status == .connectionLost && error.retry != .never && error.closedBy == .network)
    }

    @Test func aPeerThatVanishes() async throws {
        let proxy = try Proxy(server.port)
        let alice = try initiator(server)
        try alice.start()
        let through = try Invitation(
            serverURL: proxy.url, initiatorKey: alice.publicKey, serverKey: server.publicKey, token: alice.invitation.token)
        let bob = try Responder(through)
        try bob.start()
        try await alice.connected()
        proxy.cut()
        let error = await failure { _ = try await alice.receive() }
        #expect(error.status == .peerLeft && error.kind == .peerFailed && error.text.contains("left"))
        await bob.close()
    }

    @Test func thoseWhoAreTooSlow() async throws {
        var options = ClientOptions()
        options.serverHandshakeTimeout = .milliseconds(100)
        let proxy = try Proxy(server.port, onlyHTTP: true)
        let slow = try Initiator(server: proxy.url, options: options)
        #expect(await failure { try await slow.connected() }.status == .serverHandshakeTimeout)

        let second = try Proxy(server.port)
        let alice = try Initiator(server: second.url)
        let events = alice.events
        try alice.start()
        _ = try await events.first { if case .serverHandshakeDone = $0 { true } else { false } }
        second.hold()
        options = ClientOptions()
        options.peerHandshakeTimeout = .milliseconds(100)
        let direct = try Invitation(serverURL: server.url, initiatorKey: alice.publicKey, token: alice.invitation.token)
        let bob = try Responder(direct, options: options)
        #expect(await failure { try await bob.connected() }.status == .peerHandshakeTimeout)
        second.cut()
        try await alice.closed()
    }

    @Test func noSharedTask() async throws {
        let alice = try initiator(server)
        try alice.start()
        let bob = try Responder(
            alice.invitation, options: ClientOptions(tasks: [.custom(CustomTask("v1.go.tasks.example.org"))]))
        for peer in [bob, alice] as [any Peer] {
            let error = await failure { try await peer.connected() }
            #expect(error.status == .noSharedTask && error.text.contains("add a task"))
        }
    }

    @Test func twoInitiatorsWithTheSameKey() async throws {
        let keys = try KeyPair()
        let first = try initiator(server, ClientOptions(keys: keys))
        let events = first.events
        try first.start()
        _ = try await events.first { if case .serverHandshakeDone = $0 { true } else { false } }
        let second = try initiator(server, ClientOptions(keys: keys))
        try second.start()
        let error = await failure { try await first.connected() }
        #expect(error.status == .replacedByInitiator && error.text.contains("one place at a time"))
        await second.close()
    }

    @Test func tooLarge() async throws {
        var small = ClientOptions()
        small.maxMessageSize = 4096
        try await withPair(server, small) { alice, bob in
            #expect(await failure { try await alice.send(Data(count: 8000)) }.status == .tooLarge)
        }
        try await withPair(server, responder: small) { alice, bob in
            try await alice.send(Data(count: 8000))
            #expect(await failure { _ = try await bob.receive() }.status == .receivedTooBig)
        }
        let narrow = try Server(limits: [.messageSize: 4096, .idleTime: nil])
        try await withPair(narrow) { alice, bob in
            try await alice.send(Data(count: 8000))
            let error = await failure { _ = try await alice.receive() }
            #expect(error.status == .messageTooBig && error.closeCode == 1009)
        }
    }

    @Test func servers() async throws {
        #expect(server.address == "127.0.0.1:\(server.port)" && server.url.hasSuffix(":\(server.port)"))
        let error = await failure { _ = try Server(port: server.port) }
        #expect(error.kind == .serverFailed && error.status == .listenFailed)
        #expect(try Server(keys: []).publicKey == nil)
        #expect(await failure { _ = try Server(address: "nowhere") }.kind == .invalidArgument)
        #expect(await failure { _ = try Server(limits: [.unknown(99): 1]) }.kind == .invalidArgument)
        // One that has stopped does not listen any more.
        let stopped = try Server()
        try await stopped.stop()
        try await Server(port: stopped.port).stop()
    }

    @Test func whatLaterVersionsReport() {
        #expect(Status(rawValue: -399) == .unknown(-399) && Status(rawValue: -399).rawValue == -399)
        #expect("\(Status(rawValue: -399))" == "unknown status -399" && "\(Status.noPeer)" == "no peer")
        #expect(ConnectionState(rawValue: 77) == .unknown(77) && ClosedBy(rawValue: 2) == .peer)
    }
}
