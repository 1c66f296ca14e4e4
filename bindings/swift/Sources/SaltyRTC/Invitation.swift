import CSaltyRTC

/// What a responder has to know to reach an initiator: the server, the initiator's key, and usually the server's key and
/// a token.
///
/// With a token in it, an invitation is a secret between two people, so printing one does not show it: ``uri`` does.
public struct Invitation: Sendable, Hashable {
    /// All of it, as text: `wss://host:port/<initiator's key>?<server's key>#<token>`.
    public let uri: String
    /// The server: `wss://host:port` or `ws://host:port`, without the port if it is the default one.
    public let serverURL: String
    /// The public permanent key of the initiator.
    public let initiatorKey: PublicKey
    /// The public permanent key of the server, if it is known.
    public let serverKey: PublicKey?
    /// The token; `nil` if the initiator trusts the responder's key instead.
    public let token: Secret?

    /// From its URI.
    public init(_ uri: String) throws {
        try Library.check()
        try self.init(handle: makeHandle(free: saltyrtc_invitation_free) { saltyrtc_invitation_parse(uri, $0, $1) })
    }

    /// From the server's URL and keys.
    public init(serverURL: String, initiatorKey: PublicKey, serverKey: PublicKey? = nil, token: Secret? = nil) throws {
        try Library.check()
        try self.init(handle: makeHandle(free: saltyrtc_invitation_free) { out, error in
            initiatorKey.withPointer { initiator in
                serverKey.withPointer { server in
                    token.withPointer { saltyrtc_invitation_new(serverURL, initiator, server, $0, out, error) }
                }
            }
        })
    }

    private init(handle: Handle) throws {
        let invitation = handle.pointer
        var hasServerKey = false
        var hasToken = false
        try call { saltyrtc_invitation_flags(invitation, &hasServerKey, &hasToken, $0) }
        uri = try readText { saltyrtc_invitation_uri(invitation, $0, $1, $2, $3) }
        serverURL = try readText { saltyrtc_invitation_server_url(invitation, $0, $1, $2, $3) }
        initiatorKey = PublicKey(unchecked: try readKey { saltyrtc_invitation_initiator_key(invitation, $0, $1) })
        serverKey = hasServerKey
            ? PublicKey(unchecked: try readKey { saltyrtc_invitation_server_key(invitation, $0, $1) }) : nil
        token = hasToken ? try Secret { saltyrtc_invitation_token(invitation, $0, $1) } : nil
        withExtendedLifetime(handle) {}
    }

    /// A QR code for a terminal with light text on a dark background: lines made of half blocks. Apps draw one from
    /// ``uri``, with `CIQRCodeGenerator` for example.
    public func qr() throws -> String {
        let handle = try makeHandle(free: saltyrtc_invitation_free) { saltyrtc_invitation_parse(uri, $0, $1) }
        return try withExtendedLifetime(handle) {
            try readText { saltyrtc_invitation_qr_code(handle.pointer, $0, $1, $2, $3) }
        }
    }
}

extension Invitation: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String {
        "<Invitation to \(serverURL)/\(initiatorKey.hex.prefix(8))… \(token == nil ? "without" : "with") a token>"
    }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension PublicKey {
    func withPointer<Result>(_ body: (UnsafePointer<UInt8>) throws -> Result) rethrows -> Result {
        try data.withPointer { pointer, _ in try body(pointer!) }
    }
}

extension Optional where Wrapped == PublicKey {
    func withPointer<Result>(_ body: (UnsafePointer<UInt8>?) throws -> Result) rethrows -> Result {
        guard let self else { return try body(nil) }
        return try self.withPointer { try body($0) }
    }
}

extension Optional where Wrapped == Secret {
    func withPointer<Result>(_ body: (UnsafePointer<UInt8>?) throws -> Result) rethrows -> Result {
        guard let self else { return try body(nil) }
        return try self.withPointer { try body($0) }
    }
}
