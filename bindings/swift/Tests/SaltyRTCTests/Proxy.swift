import Foundation

/// Between clients and a server: it can cut connections, and stop passing on what comes from the server. Made of threads
/// that wait, because tests must not.
final class Proxy: @unchecked Sendable {
    let url: String
    let port: UInt16
    private let listener: Int32
    private let target: UInt16
    private let onlyHTTP: Bool
    private let condition = NSCondition()
    private var sockets: [Int32] = []
    private var passes = true

    /// With `onlyHTTP`, nothing but the answer to the HTTP request comes from the server.
    init(_ target: UInt16, onlyHTTP: Bool = false) throws {
        self.target = target
        self.onlyHTTP = onlyHTTP
        (listener, port) = try listen()
        url = "ws://127.0.0.1:\(port)"
        Thread.detachNewThread { [listener, weak self] in
            while case let client = accept(listener, nil, nil), client >= 0 { self?.connect(client) }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
        cut()
    }

    /// Resets all connections.
    func cut() {
        condition.withLock {
            for socket in sockets { shutdown(socket, Int32(SHUT_RDWR)) }
            sockets = []
            passes = true
            condition.broadcast()
        }
    }

    /// Nothing from the server gets to clients from now on.
    func hold() { condition.withLock { passes = false } }

    private func connect(_ client: Int32) {
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(target)
        let failed = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if failed != 0 {
            close(client)
            close(server)
            return
        }
        condition.withLock { sockets += [client, server] }
        Thread.detachNewThread { self.copy(client, server, fromServer: false) }
        Thread.detachNewThread { self.copy(server, client, fromServer: true) }
    }

    private func copy(_ from: Int32, _ to: Int32, fromServer: Bool) {
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        var head = [UInt8]()
        var isHead = onlyHTTP && fromServer
        while case let count = read(from, &bytes, bytes.count), count > 0 {
            var part = Array(bytes[..<count])
            if fromServer { condition.withLock { while !passes { condition.wait() } } }
            if isHead {
                head += part
                guard let end = head.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound else { continue }
                part = Array(head[..<end])
                isHead = false
                hold()
            }
            var sent = 0
            while sent < part.count {
                let count = part[sent...].withUnsafeBytes { send(to, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                if count <= 0 { break }
                sent += count
            }
        }
        shutdown(to, Int32(SHUT_WR))
        // The other direction may still use its socket; the last one closes both.
        condition.withLock {
            finished.insert(from)
            if finished.contains(to) {
                finished.remove(from)
                finished.remove(to)
                sockets.removeAll { $0 == from || $0 == to }
                close(from)
                close(to)
            }
        }
    }
    private var finished: Set<Int32> = []
}

/// Somebody who listens, takes everything, and says this to everybody.
final class QuietServer: Sendable {
    let port: UInt16
    private let listener: Int32

    init(answer: String = "") throws {
        (listener, port) = try listen()
        Thread.detachNewThread { [listener] in
            while case let client = accept(listener, nil, nil), client >= 0 {
                Thread.detachNewThread {
                    var bytes = [UInt8](repeating: 0, count: 4096)
                    while read(client, &bytes, bytes.count) > 0 {
                        if !answer.isEmpty { _ = answer.withCString { send(client, $0, strlen($0), Int32(MSG_NOSIGNAL)) } }
                    }
                    close(client)
                }
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }
}

/// A port that nobody listens on.
func closedPort() throws -> UInt16 {
    let (listener, port) = try listen()
    close(listener)
    return port
}

private func listen() throws -> (Int32, UInt16) {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = loopback(0)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let failed = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(listener, $0, size) != 0 || Foundation.listen(listener, 16) != 0 || getsockname(listener, $0, &size) != 0
        }
    }
    if failed { throw POSIXError(.EADDRNOTAVAIL) }
    return (listener, UInt16(bigEndian: address.sin_port))
}

private func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
}
