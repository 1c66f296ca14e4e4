#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where an app keeps its keys: the Keychain, for example (see <doc:TrustedPeers>).
///
/// What is stored are secret keys, and public keys of peers that are trusted: nobody else may read the former, or change
/// the latter.
public protocol KeyStore: Sendable {
    /// What was stored under this name; `nil` if there is nothing.
    func data(named name: String) async throws -> Data?
    /// Stores data under a name, in place of what was there.
    func store(_ data: Data, named name: String) async throws
    /// Removes what was stored under a name, if there is something.
    func remove(named name: String) async throws
}

extension KeyStore {
    /// The permanent keys of this client: those that are stored, or else new ones, which are stored then.
    public func keyPair(named name: String = "keys") async throws -> KeyPair {
        if let data = try await data(named: name) { return try KeyPair(secretKey: Secret(data)) }
        let keys = try KeyPair()
        try await store(keys.secretKey.data, named: name)
        return keys
    }

    /// The key of a peer that was trusted before (``trust(_:named:)``); `nil` if there is none of this name.
    public func trustedPeer(named name: String) async throws -> PublicKey? {
        try await data(named: name).map { try PublicKey($0) }
    }

    /// Stores the key of a peer, which ``Peer/trust()`` gives.
    public func trust(_ peer: PublicKey, named name: String) async throws {
        try await store(peer.data, named: name)
    }
}

/// A store that forgets everything when the program ends.
public actor MemoryKeyStore: KeyStore {
    private var stored: [String: Data] = [:]

    public init() {}

    public func data(named name: String) -> Data? { stored[name] }
    public func store(_ data: Data, named name: String) { stored[name] = data }
    public func remove(named name: String) { stored[name] = nil }
}
