import CSaltyRTC

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The public permanent key of a client or a server: 32 bytes.
public struct PublicKey: Sendable, Hashable {
    /// The 32 bytes.
    public let data: Data

    /// From 32 bytes.
    public init(_ data: Data) throws {
        guard data.count == Int(SALTYRTC_KEY_BYTES) else { throw wrongSize(data.count) }
        self.data = Data(data)
    }

    /// From 64 hexadecimal digits.
    public init(hex: String) throws {
        try Library.check()
        data = try readKey { saltyrtc_key_from_hex(hex, $0, $1) }
    }

    init(unchecked data: Data) { self.data = data }

    /// The key as 64 hexadecimal digits.
    public var hex: String { data.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}

extension PublicKey: CustomStringConvertible {
    public var description: String { hex }
}

/// The 32 bytes of a secret key or a token. They are not printed, and overwritten when nobody uses them any more.
public struct Secret: Sendable, Hashable {
    private let bytes: WipedBytes

    /// From 32 bytes. The copy that the caller has is the caller's to forget.
    public init(_ data: Data) throws {
        guard data.count == Int(SALTYRTC_KEY_BYTES) else { throw wrongSize(data.count) }
        bytes = WipedBytes { _ = data.copyBytes(to: $0) }
    }

    /// From 64 hexadecimal digits.
    public init(hex: String) throws {
        try Library.check()
        bytes = try WipedBytes { out in
            try call { saltyrtc_key_from_hex(hex, out.baseAddress!, $0) }
        }
    }

    /// 32 random bytes: a new token, or a new secret key.
    public static func random() throws -> Secret {
        try Library.check()
        return Secret(bytes: try WipedBytes { out in
            var publicKey = Data(count: out.count)
            try publicKey.withUnsafeMutableBytes { buffer in
                let pointer = buffer.baseAddress!.assumingMemoryBound(to: UInt8.self)
                try call { saltyrtc_key_pair_generate(pointer, out.baseAddress!, $0) }
            }
        })
    }

    private init(bytes: WipedBytes) { self.bytes = bytes }

    /// Reads 32 secret bytes from a function of the library.
    init(reading function: (UnsafeMutablePointer<UInt8>, UnsafeMutablePointer<OpaquePointer?>) -> saltyrtc_status) throws {
        bytes = try WipedBytes { out in try call { function(out.baseAddress!, $0) } }
    }

    /// A copy of the 32 bytes, to be stored where nobody else can read it. It is not overwritten.
    public var data: Data { withPointer { Data(bytes: $0, count: Int(SALTYRTC_KEY_BYTES)) } }

    func withPointer<Result>(_ body: (UnsafePointer<UInt8>) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(bytes) { try body($0.pointer) }
    }

    public static func == (one: Secret, other: Secret) -> Bool {
        // In a time that does not tell where they differ.
        one.withPointer { one in
            other.withPointer { other in
                (0..<Int(SALTYRTC_KEY_BYTES)).reduce(UInt8(0)) { $0 | (one[$1] ^ other[$1]) } == 0
            }
        }
    }

    public func hash(into hasher: inout Hasher) {
        withPointer { hasher.combine(bytes: UnsafeRawBufferPointer(start: $0, count: Int(SALTYRTC_KEY_BYTES))) }
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "<Secret>" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// The permanent key pair of a client or a server.
public struct KeyPair: Sendable, Hashable {
    /// The public key, which peers store in order to trust its owner.
    public let publicKey: PublicKey
    /// The secret key. Whoever has it can take the owner's place.
    public let secretKey: Secret

    /// A new pair.
    public init() throws {
        try self.init(secretKey: .random())
    }

    /// The pair of a secret key.
    public init(secretKey: Secret) throws {
        try Library.check()
        self.secretKey = secretKey
        publicKey = PublicKey(unchecked: try readKey { key, error in
            secretKey.withPointer { saltyrtc_public_key_from_secret($0, key, error) }
        })
    }
}

extension KeyPair: CustomStringConvertible {
    public var description: String { "<KeyPair with the public key \(publicKey)>" }
}

private func wrongSize(_ count: Int) -> SaltyRTCError {
    SaltyRTCError(.badKey, "a key or token has \(SALTYRTC_KEY_BYTES) bytes, and not \(count)")
}

/// Bytes that are filled once, never change, and are overwritten in the end.
private final class WipedBytes: Sendable {
    private let address: UInt

    var pointer: UnsafePointer<UInt8> { UnsafePointer(bitPattern: address)! }

    init(_ fill: (UnsafeMutableBufferPointer<UInt8>) throws -> Void) rethrows {
        let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: Int(SALTYRTC_KEY_BYTES))
        buffer.initialize(repeating: 0)
        address = UInt(bitPattern: buffer.baseAddress!)
        try fill(buffer)
    }

    deinit {
        let bytes = UnsafeMutablePointer<UInt8>(bitPattern: address)!
        wipe(UnsafeMutableRawBufferPointer(start: bytes, count: Int(SALTYRTC_KEY_BYTES)))
        bytes.deallocate()
    }
}

/// Overwrites bytes. Not inlined: a compiler that sees that nobody reads them afterwards would leave it out.
@inline(never)
@_optimize(none)
private func wipe(_ bytes: UnsafeMutableRawBufferPointer) {
    for index in bytes.indices { bytes[index] = 0 }
}
