import CSaltyRTC

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

// WebRTC and ORTC of the app: signals, handover, and encryption of its data channels.

extension Peer {
    /// Sends a session description, with ``OwnWebRTC``.
    public func send(_ description: Description) async throws {
        let core = _core
        try await until(core.writable) { try core.trySend(description) ? () : nil }
    }

    /// Sends an ICE candidate, with ``OwnWebRTC``.
    public func send(_ candidate: Candidate) async throws {
        let core = _core
        try await until(core.writable) { try core.trySend(candidate) ? () : nil }
    }

    /// Descriptions and candidates of the peer, with ``OwnWebRTC``.
    public var signals: Signals { Signals(peer: _core) }

    /// How to create the data channel for ``handOver(maxMessageSize:send:close:)``: together with the peer connection, before
    /// the offer.
    public func signallingChannel() throws -> SignallingChannel {
        let handle = try _core.client.require()
        var id: UInt16 = 0
        var label: UnsafePointer<CChar>?
        var subprotocol: UnsafePointer<CChar>?
        try call { saltyrtc_client_signalling_channel(handle.pointer, &id, &label, &subprotocol, $0) }
        return SignallingChannel(
            id: id, label: label.map { String(cString: $0) } ?? "", subprotocol: subprotocol.map { String(cString: $0) } ?? "")
    }

    /// Hands the signalling over to a data channel of the app, once the channel is open.
    ///
    /// - `maxMessageSize`: the largest message in bytes, 0 if there is no limit.
    /// - `send`: has to send one binary message on the channel. If it throws, the channel is taken for closed.
    /// - `close`: has to close the channel once everything was delivered.
    ///
    /// Both are called on the thread that takes the events of all clients, so they must not wait. Pass everything that
    /// arrives on the channel to ``transportReceive(_:)``, also before this call, and call ``transportClosed()`` when the
    /// channel is closed.
    public func handOver(
        maxMessageSize: Int, send: @escaping @Sendable (Data) throws -> Void, close: @escaping @Sendable () -> Void
    ) throws {
        let handle = try _core.client.require()
        _core.state.withLock { $0.transport = _PeerCore.Transport(send: send, close: close) }
        do {
            try call { saltyrtc_client_hand_over(handle.pointer, maxMessageSize, nil, nil, nil, nil, $0) }
        } catch let error as SaltyRTCError {
            if error.status != .handedOver { _core.state.withLock { $0.transport = nil } }
            throw error
        }
    }

    /// A message that arrived on the data channel of the signalling.
    public func transportReceive(_ data: Data) {
        guard let handle = _core.client.handle else { return }
        // What is wrong with it becomes an event.
        _ = data.withPointer { saltyrtc_client_transport_receive(handle.pointer, $0, $1, nil) }
    }

    /// The data channel of the signalling is closed, or could not be opened.
    public func transportClosed() { _core.transportClosed() }
}

extension _PeerCore {
    fileprivate func trySend(_ description: Description) throws -> Bool {
        let handle = try client.require()
        return try description.sdp.withPointer { sdp, count in
            if description.type == "answer" || description.type == "pranswer" {
                try attempt { saltyrtc_client_send_answer(handle.pointer, description.type, sdp, count, $0) }
            } else {
                try attempt { saltyrtc_client_send_offer(handle.pointer, description.type, sdp, count, $0) }
            }
        }
    }

    fileprivate func trySend(_ it: Candidate) throws -> Bool {
        let handle = try client.require()
        let index = it.sdpMLineIndex.map(Int32.init) ?? -1
        return try it.candidate.withPointer { candidate, candidateCount in
            try it.sdpMid.withPointer { mid, midCount in
                try it.usernameFragment.withPointer { fragment, fragmentCount in
                    try attempt {
                        saltyrtc_client_send_candidate(
                            handle.pointer, candidate, candidateCount, mid, midCount, index, fragment, fragmentCount, $0)
                    }
                }
            }
        }
    }
}

/// Encrypts and decrypts the messages of one data channel of the app with the keys of the session.
///
/// Both peers make one for each data channel, and a new one for a new channel that reuses an id. It can be used after the
/// session has ended.
public final class SecureChannel: Sendable {
    private let handle: Handle

    /// `id` is that of the data channel, 0 to 65534. Throws if there is no authenticated peer.
    public init(_ peer: some Peer, id: UInt16) throws {
        let client = try peer._core.client.require()
        handle = try makeHandle(free: saltyrtc_secure_channel_free) {
            saltyrtc_secure_channel_new(client.pointer, id, $0, $1)
        }
    }

    /// A message for the data channel. Each call uses up a sequence number, even if the result is never sent.
    public func encrypt(_ data: Data) throws -> Data {
        try data.withPointer { pointer, size in
            try readData(sizeHint: size + Int(SALTYRTC_SECURE_CHANNEL_OVERHEAD)) {
                saltyrtc_secure_channel_encrypt(handle.pointer, pointer, size, $0, $1, $2, $3)
            }
        }
    }

    /// A message from the data channel; messages may be lost and come in any order. Throws an error with the status
    /// `decryptionFailed`, which does not affect other messages.
    public func decrypt(_ encrypted: Data) throws -> Data {
        try encrypted.withPointer { pointer, size in
            try readData(sizeHint: size) {
                saltyrtc_secure_channel_decrypt(handle.pointer, pointer, size, $0, $1, $2, $3)
            }
        }
    }
}
