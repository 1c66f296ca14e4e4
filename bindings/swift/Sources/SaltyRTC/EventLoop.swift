import CSaltyRTC

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Android)
    import Android
#endif

/// Who gets the events of a client, on the thread of the event loop. It must not wait for anything.
protocol EventTarget: AnyObject, Sendable {
    func take(_ records: Records)
}

/// One queue of the library, and one thread that takes the events of all clients from it: no thread of the library ever
/// runs Swift code. It is there from the first client on.
final class EventLoop: Sendable {
    /// The first size of the buffer for events, in bytes, and the largest that is kept.
    private static let bufferBytes = 1 << 18

    private struct Target {
        weak var target: (any EventTarget)?
    }
    private struct State {
        var lastToken: UInt64 = 0
        var targets: [UInt64: Target] = [:]
        var log: (@Sendable (LogMessage) -> Void)?
    }

    let queue: Handle
    private let state = Locked(State())

    static func shared() throws -> EventLoop {
        try Library.check()
        return try instance.get()
    }

    private static let instance = Result {
        let loop = try EventLoop()
        try loop.startThread()
        return loop
    }

    private init() throws {
        queue = try makeHandle(free: saltyrtc_queue_free) { saltyrtc_queue_new($0, $1) }
    }

    private func startThread() throws {
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let failed = pthread_create(
            &thread, nil,
            { argument in
                // Also an Optional, on some systems.
                let pointer: UnsafeMutableRawPointer? = argument
                Unmanaged<EventLoop>.fromOpaque(pointer!).takeUnretainedValue().run()
                return nil
            }, Unmanaged.passUnretained(self).toOpaque())
        if failed != 0 { throw SaltyRTCError(.outOfResources, "the thread that takes events cannot be started") }
    }

    /// A number for what is to come to this target, for as long as it lives.
    func token(for target: any EventTarget) -> UInt64 {
        state.withLock { state in
            state.lastToken += 1
            state.targets[state.lastToken] = Target(target: target)
            return state.lastToken
        }
    }

    /// Nothing more is wanted with this token.
    func forget(_ token: UInt64) {
        _ = state.withLock { $0.targets.removeValue(forKey: token) }
    }

    func setLog(_ handler: (@Sendable (LogMessage) -> Void)?) {
        state.withLock { $0.log = handler }
    }

    private func run() {
        var capacity = EventLoop.bufferBytes
        var buffer = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 8)
        defer { buffer.deallocate() }
        func resize(_ size: Int) {
            buffer.deallocate()
            capacity = size
            buffer = .allocate(byteCount: capacity, alignment: 8)
        }
        while true {
            var count = 0
            var needed = 0
            let bytes = buffer.assumingMemoryBound(to: UInt8.self)
            switch saltyrtc_queue_read(queue.pointer, -1, bytes, capacity, &count, &needed, nil) {
            case .SALTYRTC_STATUS_OK:
                dispatch(buffer, count)
                if capacity > EventLoop.bufferBytes { resize(EventLoop.bufferBytes) }
            case .SALTYRTC_STATUS_BUFFER_TOO_SMALL:
                // More than is needed: another thread may have made room for a larger one meanwhile.
                resize(max(needed, 2 * capacity))
            case .SALTYRTC_STATUS_TIMEOUT: continue
            // The child of a fork has no clients.
            default: return
            }
        }
    }

    /// Gives the events to those whom they are for, as many at once as are of the same client.
    private func dispatch(_ buffer: UnsafeMutableRawPointer, _ count: Int) {
        guard count > 0 else { return }
        let stride = Int(buffer.load(as: UInt32.self))
        let all = Records(buffer: buffer, stride: stride, range: 0..<count)
        var first = 0
        while first < count {
            let token = all[first].pointer.pointee.token
            var end = first + 1
            while end < count, all[end].pointer.pointee.token == token { end += 1 }
            let records = Records(buffer: buffer, stride: stride, range: first..<end)
            if token == 0 {
                log(records)
            } else if let target = state.withLock({ $0.targets[token]?.target }) {
                target.take(records)
            }
            first = end
        }
    }

    private func log(_ records: Records) {
        guard let handler = state.withLock({ $0.log }) else { return }
        for record in records where record.fields.kind == EventKind.log { handler(LogMessage(record)) }
    }
}
