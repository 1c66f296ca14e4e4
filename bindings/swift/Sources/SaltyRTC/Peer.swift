import CSaltyRTC

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What ``Initiator`` and ``Responder`` have in common: a connection to a peer.
///
/// All of it can be used from any task at any time. A client that nobody uses any more is closed in the background; to know
/// that everything has arrived, ``close()`` it.
public protocol Peer: AnyObject, Sendable, CustomStringConvertible {
    var _core: _PeerCore { get }
}

extension Peer {
    // MARK: Beginning and end

    /// Begins to connect to the server; ``connected()`` does so too. Events that were asked for before are complete.
    public func start() throws { try _core.start() }

    /// Connects if that has not begun, and waits until the peer is there and authenticated. Throws ``SaltyRTCError`` if the
    /// client ends before.
    ///
    /// Time is not limited. To give up, cancel the task, and ``close()`` the client.
    @discardableResult
    public func connected() async throws -> Session {
        try start()
        let core = _core
        return try await until(core.changed) {
            if let session = core.state.withLock({ $0.session }) { return session }
            if let ended = core.client.ended { throw ended }
            return nil
        }
    }

    /// Connects, runs the body, and closes in the end, also when the body throws or its task is cancelled.
    @discardableResult
    public func use<Result>(_ body: (Self) async throws -> Result) async throws -> Result {
        do {
            try await connected()
            let result = try await body(self)
            await close()
            return result
        } catch {
            await close()
            throw error
        }
    }

    /// Closes the connection: everything that was sent before is delivered first, and the peer is informed. Messages that
    /// arrive from now on are thrown away.
    ///
    /// If the task is cancelled, the connection is closed in the background.
    public func close() async {
        _core.beginToClose()
        do {
            _ = try await closed()
        } catch {
            _core.end(SaltyRTCError(.closed, "the client was closed without waiting for the end"))
        }
    }

    /// Waits for the end of the connection, and returns why it ended. Throws `CancellationError` only.
    @discardableResult
    public func closed() async throws -> SaltyRTCError {
        let core = _core
        return try await until(core.changed) {
            if let ended = core.client.ended { return ended }
            try core.client.requireStarted()
            return nil
        }
    }

    /// Why the connection has ended; `nil` if it has not.
    public var ended: SaltyRTCError? { _core.client.ended }

    /// What happens to this client from now on, but for messages.
    public var events: Events { Events(_core) }

    // MARK: Messages

    /// Sends a message with the task that was agreed on.
    ///
    /// - With ``PeerTask/relayedData``: any message.
    /// - With a ``CustomTask``: a map with the key "type".
    /// - With ``ORTC``: a map in the form of the specification of the task.
    ///
    /// While too much waits to be sent, it waits for room. If it throws, also because the task was cancelled, nothing was
    /// sent.
    public func send(_ message: Message) async throws {
        let core = _core
        if try core.trySend(message) { return }
        try await until(core.writable) { try core.trySend(message) ? () : nil }
    }

    /// Sends a text: see ``send(_:)-(Message)``.
    public func send(_ text: String) async throws { try await send(.text(text)) }

    /// Sends bytes: see ``send(_:)-(Message)``.
    public func send(_ data: Data) async throws { try await send(.bytes(data)) }

    /// As ``send(_:)-(Message)``, but throws an error of the kind `queueFull` in place of waiting.
    public func sendNow(_ message: Message) throws {
        guard try _core.trySend(message) else { throw SaltyRTCError(.queueFull) }
    }

    /// What the peer has sent with `send`.
    public var messages: Messages { Messages(_core, _core.messages) }

    /// The next message. Throws ``SaltyRTCError`` when there are no more, also if the end was a friendly one.
    public func receive() async throws -> Message { try await _core.receive(_core.messages) }

    /// Application messages: independent of the task, and of whether the signalling was handed over.
    public var application: Application { Application(core: _core) }

    /// How many bytes of messages wait to be sent, without those on channels.
    public var bufferedAmount: Int { _core.bufferedAmount ?? 0 }

    /// Waits until no more than `amount` bytes (at least 0) of messages wait to be sent, or the connection has ended.
    public func drain(to amount: Int = 0) async throws {
        let core = _core
        try await core.lowWater.wait(for: amount, buffered: { core.bufferedAmount }, set: core.setLowWater)
    }

    // MARK: Keys and state

    /// Trusts the authenticated peer: it can come back without a token, if it trusts this client too.
    ///
    /// Returns the peer's public key. To trust it with other clients too, store the key, and give it as
    /// ``ClientOptions/trustedPeer``, together with the `keys` of this client.
    @discardableResult
    public func trust() throws -> PublicKey {
        let handle = try _core.client.require()
        let key = PublicKey(unchecked: try readKey { saltyrtc_client_peer_key(handle.pointer, $0, $1) })
        try call { saltyrtc_client_trust_peer(handle.pointer, $0) }
        return key
    }

    /// Encrypts data for the peer with the keys of this session, to be sent in another way. Not protected against replay.
    public func encrypt(_ data: Data) throws -> Data {
        let handle = try _core.client.require()
        return try data.withPointer { pointer, size in
            try readData(sizeHint: size + Int(SALTYRTC_ENCRYPTION_OVERHEAD)) {
                saltyrtc_client_encrypt(handle.pointer, pointer, size, $0, $1, $2, $3)
            }
        }
    }

    /// Decrypts what the peer has encrypted with ``encrypt(_:)`` in this session.
    public func decrypt(_ encrypted: Data) throws -> Data {
        let handle = try _core.client.require()
        return try encrypted.withPointer { pointer, size in
            try readData(sizeHint: size) { saltyrtc_client_decrypt(handle.pointer, pointer, size, $0, $1, $2, $3) }
        }
    }

    /// The public permanent key of this client.
    public var publicKey: PublicKey { _core.publicKey }

    /// The authenticated peer, if there is one at the moment.
    public var session: Session? { _core.state.withLock { $0.session } }

    /// This client's address on the path, once the server accepted it: 1 is the initiator, 2 to 255 are responders.
    public var address: UInt8? { _core.state.withLock { $0.ownAddress } }

    /// Whether the server proved that it has the key that this client knows.
    public var serverVerified: Bool { _core.state.withLock { $0.serverVerified } }

    public var description: String {
        let state =
            if ended != nil {
                "closed"
            } else if let session {
                "connected to \(session.peerKey.hex.prefix(8))…"
            } else if _core.client.handle != nil {
                "waiting for the peer"
            } else {
                "not started"
            }
        return "<\(type(of: self)) \(state)>"
    }
}

/// The client that invites another.
public final class Initiator: Peer, CustomReflectable {
    public let _core: _PeerCore
    private let firstInvitation: Invitation

    /// A client for a server: `wss://host:port` or `ws://host:port`. Nothing is connected yet.
    public init(server: String, options: ClientOptions = ClientOptions()) throws {
        let config = try options.config { saltyrtc_config_new_initiator(server, $0, $1, $2) }
        firstInvitation = try Invitation(
            readText { saltyrtc_config_invitation(config.pointer, $0, $1, $2, $3) })
        _core = try _PeerCore(config: config, options: options)
    }

    /// What the responder needs. With a token in it, it is a secret between the two.
    public var invitation: Invitation { firstInvitation }

    /// An invitation with a new token, which admits one more responder. An authenticated peer stays until then.
    public func inviteAgain() throws -> Invitation {
        let handle = try _core.client.require()
        let token = try Secret { saltyrtc_client_issue_token(handle.pointer, $0, $1) }
        return try token.withPointer { token in
            try Invitation(readText { saltyrtc_client_invitation(handle.pointer, token, $0, $1, $2, $3) })
        }
    }

    /// Drops a responder from the path; it may be the authenticated peer. `address` is 2 to 255.
    public func dropResponder(_ address: UInt8, closeCode: UInt16 = 3004) throws {
        let handle = try _core.client.require()
        try call { saltyrtc_client_drop_responder(handle.pointer, address, Int32(closeCode), $0) }
    }

    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// The client that was invited.
public final class Responder: Peer, CustomReflectable {
    public let _core: _PeerCore

    /// A client for an invitation. Nothing is connected yet. A `serverKey` in the options replaces the invitation's.
    public init(_ invitation: Invitation, options: ClientOptions = ClientOptions()) throws {
        let config = try options.config { saltyrtc_config_new_responder(invitation.uri, $0, $1, $2) }
        _core = try _PeerCore(config: config, options: options)
    }

    /// The same from the text of an invitation.
    public convenience init(invitation uri: String, options: ClientOptions = ClientOptions()) throws {
        try self.init(Invitation(uri), options: options)
    }

    public var customMirror: Mirror { Mirror(self, children: []) }
}
