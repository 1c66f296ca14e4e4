import Foundation
import SaltyRTC
import Testing

// Helpers of the tests. Nothing here sleeps: everything waits for an event, and a time limit ends what does not come.

let custom = "v1.chess.tasks.example.org"
let webRTC = PeerTask.webRTC(WebRTC(addresses: ["127.0.0.1"]))

/// An initiator of a server whose key it knows.
func initiator(_ server: Server, _ options: ClientOptions = ClientOptions()) throws -> Initiator {
    var options = options
    options.serverKey = options.serverKey ?? server.publicKey
    return try Initiator(server: server.url, options: options)
}

/// Two peers that are connected to each other.
func withPair<Result>(
    _ server: Server, _ options: ClientOptions = ClientOptions(), responder: ClientOptions? = nil,
    _ body: (Initiator, Responder) async throws -> Result
) async throws -> Result {
    let alice = try initiator(server, options)
    let bob = try Responder(alice.invitation, options: responder ?? options)
    try alice.start()
    try await bob.connected()
    try await alice.connected()
    do {
        let result = try await body(alice, bob)
        await alice.close()
        await bob.close()
        return result
    } catch {
        await alice.close()
        await bob.close()
        throw error
    }
}

/// The error that something throws.
func failure(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async -> SaltyRTCError {
    do {
        try await body()
        Issue.record("nothing was thrown", sourceLocation: sourceLocation)
    } catch let error as SaltyRTCError {
        return error
    } catch {
        Issue.record("not one of ours: \(error)", sourceLocation: sourceLocation)
    }
    return try! await failureOfNothing()
}

private func failureOfNothing() async throws -> SaltyRTCError {
    do {
        _ = try PublicKey(Data())
        fatalError()
    } catch let error as SaltyRTCError {
        return error
    }
}

extension Events {
    /// The first event for which this is true.
    func first(where isIt: (Event) -> Bool) async throws -> Event? {
        for try await event in self where isIt(event) { return event }
        return nil
    }
}

extension Messages {
    /// All that come until the end.
    func all() async throws -> [Message] {
        try await reduce(into: []) { $0.append($1) }
    }
}

/// A message with a number in it, and padding.
func numbered(_ number: Int, padding: Int = 0) -> Data {
    withUnsafeBytes(of: UInt64(number).bigEndian) { Data($0) } + Data(count: padding)
}

func number(of message: Message?) -> Int? {
    message?.bytes.map { $0.prefix(8).reduce(0) { $0 << 8 | Int($1) } }
}
