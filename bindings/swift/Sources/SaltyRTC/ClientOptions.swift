import CSaltyRTC

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What clients can be told besides their server or invitation.
public struct ClientOptions: Sendable {
    /// What the two can do with each other, in the order of preference.
    public var tasks: [PeerTask]
    /// The permanent keys of this client; new ones if `nil`. Two clients must not use the same keys at the same time.
    public var keys: KeyPair?
    /// The public key of a peer, stored when this client trusted it, in place of a token.
    public var trustedPeer: PublicKey?
    /// A token (``Secret/random()``), in place of the initiator's new one or that of the invitation.
    public var token: Secret?
    /// The public key that the server has to prove to have. A responder has it from the invitation.
    public var serverKey: PublicKey?
    /// Whether the client stays when its peer leaves, so that the peer can come back. Otherwise it closes.
    public var rejoin: Bool
    /// Root certificates to trust for `wss`, in PEM or DER.
    public var tlsCertificates: [Data] = []
    /// Whether the root certificates of the operating system are trusted too.
    public var systemRoots = true
    /// The proxy on the way to the server, and to TURN servers over TCP and TLS: `http://host:port`, `https://…` or
    /// `socks5://…`, with `user:password@` in front of the host if it wants to know who asks.
    public var proxy: String?
    /// Whether the proxy is the one in `HTTPS_PROXY` or `ALL_PROXY`, as far as `NO_PROXY` does not say otherwise.
    public var environmentProxy = false
    /// How long connecting to the server may take; 10 seconds if `nil`.
    public var connectTimeout: Duration?
    /// How long the handshake with the server may take; 30 seconds if `nil`.
    public var serverHandshakeTimeout: Duration?
    /// How long the handshake with a peer may take from its first message; 60 seconds if `nil`.
    public var peerHandshakeTimeout: Duration?
    /// How long the server may show no sign of life when one is due: after something was sent to it, or when a ping is
    /// overdue (``pingInterval``). Then the client ends with `connectionLost`. 30 seconds if `nil`.
    public var responseTimeout: Duration?
    /// The interval in which the server is asked to send pings, in whole seconds; none if `nil`.
    public var pingInterval: Duration?
    /// The largest message in either direction, in bytes; the default of the library if `nil`.
    public var maxMessageSize: Int?
    /// How many bytes may wait in each direction; 4 MiB if `nil`.
    public var maxQueueSize: Int?
    /// Whether messages that are neither bytes nor texts are decoded. Otherwise they are ``Message/raw(_:)``, for programs
    /// with a MessagePack library of their own.
    public var decodesMessages = true

    public init(
        tasks: [PeerTask] = [.relayedData], keys: KeyPair? = nil, trustedPeer: PublicKey? = nil,
        serverKey: PublicKey? = nil, rejoin: Bool = false
    ) {
        self.tasks = tasks
        self.keys = keys
        self.trustedPeer = trustedPeer
        self.serverKey = serverKey
        self.rejoin = rejoin
    }

    /// A configuration of the library.
    func config(
        _ make: (UnsafePointer<UInt8>?, UnsafeMutablePointer<OpaquePointer?>, UnsafeMutablePointer<OpaquePointer?>) ->
            saltyrtc_status
    ) throws -> Handle {
        try Library.check()
        let handle = try (keys?.secretKey).withPointer { secret in
            try makeHandle(free: saltyrtc_config_free) { make(secret, $0, $1) }
        }
        try withExtendedLifetime(handle) { try apply(to: handle.pointer) }
        return handle
    }

    private func apply(to config: OpaquePointer) throws {
        if let serverKey {
            try serverKey.withPointer { key in try call { saltyrtc_config_set_server_key(config, key, $0) } }
        }
        if let trustedPeer {
            try trustedPeer.withPointer { key in try call { saltyrtc_config_set_trusted_peer(config, key, $0) } }
        }
        if let token {
            try token.withPointer { token in try call { saltyrtc_config_set_token(config, token, $0) } }
        }
        for task in tasks { try task.add(to: config) }
        for certificates in tlsCertificates {
            try certificates.withPointer { pointer, count in
                try call { saltyrtc_config_add_tls_certificates(config, pointer, count, $0) }
            }
        }
        try call { saltyrtc_config_set_system_roots(config, systemRoots, $0) }
        if environmentProxy { try call { saltyrtc_config_use_environment_proxy(config, $0) } }
        if let proxy { try call { saltyrtc_config_set_proxy(config, proxy, $0) } }
        if let time = connectTimeout?.milliseconds {
            try call { saltyrtc_config_set_connect_timeout(config, time, $0) }
        }
        if let time = serverHandshakeTimeout?.milliseconds {
            try call { saltyrtc_config_set_server_handshake_timeout(config, time, $0) }
        }
        if let time = peerHandshakeTimeout?.milliseconds {
            try call { saltyrtc_config_set_peer_handshake_timeout(config, time, $0) }
        }
        if let time = responseTimeout?.milliseconds {
            try call { saltyrtc_config_set_response_timeout(config, time, $0) }
        }
        if let interval = pingInterval {
            let seconds = UInt32(clamping: interval.components.seconds)
            try call { saltyrtc_config_set_ping_interval(config, seconds, $0) }
        }
        if let size = maxMessageSize { try call { saltyrtc_config_set_max_message_size(config, size, $0) } }
        if let size = maxQueueSize { try call { saltyrtc_config_set_max_queue_size(config, size, $0) } }
        let leaves: saltyrtc_when_peer_leaves = rejoin ? .SALTYRTC_WHEN_PEER_LEAVES_WAIT : .SALTYRTC_WHEN_PEER_LEAVES_CLOSE
        try call { saltyrtc_config_set_when_peer_leaves(config, leaves.rawValue, $0) }
    }
}

extension ClientOptions: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    // The proxy may have a password in it.
    public var description: String { "<ClientOptions>" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["tasks": tasks]) }
}
