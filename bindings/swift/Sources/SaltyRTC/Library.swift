import CSaltyRTC

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The library below this package.
public enum Library {
    /// The version of the library, for example `0.1.0`.
    public static var version: String { String(cString: saltyrtc_version()) }

    /// Whether the library was built with a part of it: `server`, `webrtc`, `vectorised`.
    public static func hasFeature(_ name: String) -> Bool { saltyrtc_has_feature(name) }

    /// Tells all clients that the network of this device has changed, from an `NWPathMonitor` for example.
    ///
    /// The built-in WebRTC looks at the addresses of the device, and clients find out at once, not later, whether they
    /// still reach their server.
    public static func networkChanged() throws {
        try check()
        try call { saltyrtc_network_changed($0) }
    }

    /// Throws if this is not a library that the package was made for.
    static func check() throws {
        if let mismatch { throw mismatch }
    }

    private static let mismatch: SaltyRTCError? = {
        let abi = saltyrtc_abi_version()
        if abi != UInt32(SALTYRTC_ABI_VERSION) {
            return SaltyRTCError(
                .notBuilt,
                "the library has version \(abi) of the binary interface, and this package was made for version "
                    + "\(SALTYRTC_ABI_VERSION): install both from the same release")
        }
        if saltyrtc_version_number() < UInt32(SALTYRTC_VERSION_NUMBER) {
            return SaltyRTCError(
                .notBuilt,
                "the library is version \(version), which is older than the package (\(SALTYRTC_VERSION)): install both "
                    + "from the same release")
        }
        return nil
    }()
}

// MARK: - Calls

/// Calls a function of the library. A status that is an error is thrown.
@inline(__always)
func call(_ function: (UnsafeMutablePointer<OpaquePointer?>) -> saltyrtc_status) throws {
    var error: OpaquePointer?
    let status = function(&error)
    if status.rawValue != 0 { throw SaltyRTCError(status, taking: error) }
}

/// A handle that a function of the library makes.
func makeHandle(
    free: @escaping @Sendable (OpaquePointer?) -> Void,
    _ function: (UnsafeMutablePointer<OpaquePointer?>, UnsafeMutablePointer<OpaquePointer?>) -> saltyrtc_status
) throws -> Handle {
    var out: OpaquePointer?
    try call { function(&out, $0) }
    guard let out else { throw SaltyRTCError(.panic) }
    return Handle(out, free: free)
}

/// What a function of the library puts into a buffer: (buffer, capacity, length, error).
func readData(
    sizeHint: Int = 512,
    _ function: (UnsafeMutablePointer<UInt8>?, Int, UnsafeMutablePointer<Int>, UnsafeMutablePointer<OpaquePointer?>) ->
        saltyrtc_status
) throws -> Data {
    var capacity = sizeHint
    while true {
        var data = Data(count: capacity)
        var length = 0
        var error: OpaquePointer?
        let status = data.withUnsafeMutableBytes { (buffer: UnsafeMutableRawBufferPointer) in
            function(buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), buffer.count, &length, &error)
        }
        if status.rawValue == 0 { return data.prefix(length).isEmpty ? Data() : Data(data.prefix(length)) }
        let failure = SaltyRTCError(status, taking: error)
        guard failure.status == .bufferTooSmall, length > capacity else { throw failure }
        capacity = length
    }
}

/// A text that a function of the library puts into a buffer, with a NUL at its end.
func readText(
    _ function: (UnsafeMutablePointer<CChar>?, Int, UnsafeMutablePointer<Int>, UnsafeMutablePointer<OpaquePointer?>) ->
        saltyrtc_status
) throws -> String {
    let data = try readData { buffer, capacity, length, error in
        buffer.withMemoryRebound { function($0, capacity, length, error) }
    }
    return String(decoding: data.dropLast(), as: UTF8.self)
}

extension Optional where Wrapped == UnsafeMutablePointer<UInt8> {
    fileprivate func withMemoryRebound<Result>(_ body: (UnsafeMutablePointer<CChar>?) -> Result) -> Result {
        guard let self else { return body(nil) }
        return self.withMemoryRebound(to: CChar.self, capacity: 0) { body($0) }
    }
}

/// The 32 bytes that a function of the library gives.
func readKey(_ function: (UnsafeMutablePointer<UInt8>, UnsafeMutablePointer<OpaquePointer?>) -> saltyrtc_status) throws -> Data {
    var key = Data(count: Int(SALTYRTC_KEY_BYTES))
    try key.withUnsafeMutableBytes { buffer in
        let pointer = buffer.baseAddress!.assumingMemoryBound(to: UInt8.self)
        try call { function(pointer, $0) }
    }
    return key
}

extension Data {
    /// The bytes, as functions of the library take them.
    @inline(__always)
    func withPointer<Result>(_ body: (UnsafePointer<UInt8>?, Int) throws -> Result) rethrows -> Result {
        try withUnsafeBytes { try body($0.baseAddress?.assumingMemoryBound(to: UInt8.self), $0.count) }
    }
}

extension String {
    /// The text in UTF-8, with its length: it may contain NULs.
    @inline(__always)
    func withPointer<Result>(_ body: (UnsafePointer<CChar>?, Int) throws -> Result) rethrows -> Result {
        var text = self
        return try text.withUTF8 { bytes in
            guard let base = bytes.baseAddress else { return try body(nil, 0) }
            return try base.withMemoryRebound(to: CChar.self, capacity: bytes.count) { try body($0, bytes.count) }
        }
    }
}

extension Optional where Wrapped == String {
    /// The same for what may be missing, which is not the same as empty.
    func withPointer<Result>(_ body: (UnsafePointer<CChar>?, Int) throws -> Result) rethrows -> Result {
        guard let self else { return try body(nil, 0) }
        if self.isEmpty { return try "".withCString { try body($0, 0) } }
        return try self.withPointer(body)
    }
}

extension Duration {
    /// In milliseconds, as the library takes times; what is too large for it, or negative, is cut.
    var milliseconds: UInt32 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        return UInt32(clamping: seconds.multipliedReportingOverflow(by: 1000).overflow
            ? Int64.max : seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    }
}
