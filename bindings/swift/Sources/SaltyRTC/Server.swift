import CSaltyRTC

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The signalling server, inside of a program: for demos, tests and local networks. It runs until it is stopped, or nobody
/// uses it any more, on threads of the library.
public final class Server: Sendable {
    /// For clients on the same device, for example `ws://127.0.0.1:8765`; empty for a Unix socket.
    public let url: String
    /// The port that it is listening on; 0 if that is a Unix socket.
    public let port: UInt16
    /// Address and port that it is listening on, for example `127.0.0.1:8765` or `[::1]:8765`; or `unix:` and a path.
    public let address: String
    /// The primary public key, for the `serverKey` of clients; `nil` if the server has none.
    public let publicKey: PublicKey?

    private let handle: Locked<Handle?>

    /// Begins to listen.
    ///
    /// - `address`: an IP address of this device; `0.0.0.0` and `::` are all of them. Or `unix:` and the path of a Unix
    ///   socket, for a proxy on the same device.
    /// - `port`: with 0, the operating system chooses one.
    /// - `keys`: permanent keys of the server, the primary one first; a new one if `nil`, none if empty.
    /// - `tls`: the certificate chain and the private key, in PEM. Without it, the server uses `ws`.
    /// - `limits`: see ``Limit``, which has the units; `nil` switches an optional limit off.
    /// - `acceptNoSharedTask`: whether initiators may drop responders with 3006, as some older clients do.
    public init(
        address: String = "127.0.0.1", port: UInt16 = 0, keys: [KeyPair]? = nil,
        tls: (certificates: Data, privateKey: Data)? = nil, limits: [Limit: UInt64?] = [:],
        acceptNoSharedTask: Bool = false
    ) throws {
        try Library.check()
        let keys = try keys ?? [KeyPair()]
        let config = try makeHandle(free: saltyrtc_server_config_free) {
            saltyrtc_server_config_new(address, port, $0, $1)
        }
        for pair in keys {
            try pair.secretKey.withPointer { secret in
                try call { saltyrtc_server_config_add_permanent_key(config.pointer, secret, $0) }
            }
        }
        if let tls {
            try tls.certificates.withPointer { certificates, certificatesSize in
                try tls.privateKey.withPointer { key, keySize in
                    try call {
                        saltyrtc_server_config_set_tls(config.pointer, certificates, certificatesSize, key, keySize, $0)
                    }
                }
            }
        }
        for (limit, value) in limits {
            try call { saltyrtc_server_config_set_limit(config.pointer, limit.rawValue, value ?? SALTYRTC_NO_LIMIT, $0) }
        }
        try call { saltyrtc_server_config_set_accept_no_shared_task(config.pointer, acceptNoSharedTask, $0) }
        let server = try makeHandle(free: saltyrtc_server_free) { saltyrtc_server_start(config.pointer, $0, $1) }
        url = try readText { saltyrtc_server_url(server.pointer, $0, $1, $2, $3) }
        self.address = try readText { saltyrtc_server_address(server.pointer, $0, $1, $2, $3) }
        var boundPort: UInt16 = 0
        try call { saltyrtc_server_port(server.pointer, &boundPort, $0) }
        self.port = boundPort
        publicKey = keys.first?.publicKey
        handle = Locked(server)
    }

    /// Delivers what waits for clients, and closes their connections. What is not done after `timeout` is dropped, also if
    /// the task is cancelled.
    public func stop(timeout: Duration = .seconds(8)) async throws {
        let handle = self.handle.withLock { handle in
            defer { handle = nil }
            return handle
        }
        guard let handle else { return }
        let loop = try EventLoop.shared()
        let stopped = Stopped()
        let token = loop.token(for: stopped)
        defer { loop.forget(token) }
        try call {
            saltyrtc_server_stop_on_queue(handle.pointer, timeout.milliseconds, loop.queue.pointer, token, $0)
        }
        try await stopped.wait()
    }
}

extension Server: CustomStringConvertible, CustomReflectable {
    public var description: String { "<Server at \(address)>" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Waits for the event that a server has stopped.
private final class Stopped: EventTarget {
    private let isStopped = Locked(false)
    private let changed = Changes()

    func take(_ records: Records) {
        isStopped.withLock { $0 = true }
        changed.fire()
    }

    func wait() async throws {
        try await until(changed) { isStopped.withLock { $0 } ? () : nil }
    }
}
