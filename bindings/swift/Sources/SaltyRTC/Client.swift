import CSaltyRTC

/// The connection of a peer or one of its parts to a client of the library: whether there is one, and whether it has
/// nothing to do for now. It knows of nobody else, so all others can have it.
final class Client: Sendable {
    private struct State {
        /// Before the start. A configuration is not for several threads, but this is a lock.
        var config: Handle?
        var handle: Handle?
        var ended: SaltyRTCError?
        /// How many inboxes are full.
        var full = 0
        /// What `send` does with the task that was agreed on.
        var route = Route.relayedData

        func require() throws -> Handle {
            if let handle { return handle }
            throw ended ?? notStarted
        }
    }
    private let state: Locked<State>
    /// Whether events stay in the library.
    let paused = Changes()

    init(config: Handle) {
        state = Locked(State(config: config))
    }

    /// Begins to connect, if it has not begun yet. `token` gives the number for its events.
    func start(on loop: EventLoop, token: () -> UInt64) throws {
        try state.withLock { state in
            // Whoever was told of an event before this returns waits for the lock.
            guard let config = state.config else { return }
            let token = token()
            do {
                state.handle = try makeHandle(free: saltyrtc_client_free) {
                    saltyrtc_client_new_on_queue(config.pointer, loop.queue.pointer, token, $0, $1)
                }
            } catch {
                loop.forget(token)
                throw error
            }
            // Frees it, which overwrites the secrets in it.
            state.config = nil
        }
    }

    /// Throws if nobody has started it, so that what is waited for cannot come.
    func requireStarted() throws {
        try state.withLock { state in
            if state.config != nil { throw notStarted }
        }
    }

    /// The client of the library, if there is one.
    func require() throws -> Handle {
        try state.withLock { try $0.require() }
    }

    /// The client of the library, with what to do to send a message.
    @inline(__always)
    func requireRoute() throws -> (Handle, Route) {
        try state.withLock { (try $0.require(), $0.route) }
    }

    /// The client of the library, if it is connected.
    var handle: Handle? { state.withLock { $0.handle } }

    var ended: SaltyRTCError? { state.withLock { $0.ended } }

    var route: Route {
        get { state.withLock { $0.route } }
        set { state.withLock { $0.route = newValue } }
    }

    /// There is nothing more to come, and the client of the library is freed, which closes the connection in the background
    /// if it is open. Whether it is this call that has ended it.
    func end(_ why: SaltyRTCError) -> Bool {
        // Freed here at the earliest, which is not with the lock held.
        let (isFirst, handle) = state.withLock { state -> (Bool, Handle?) in
            guard state.ended == nil else { return (false, nil) }
            state.ended = why
            state.config = nil
            defer { state.handle = nil }
            return (true, state.handle)
        }
        withExtendedLifetime(handle) {}
        return isFirst
    }

    /// One inbox more, or less, in which too much waits. While there is one, events stay in the library, which then takes
    /// nothing more from the network.
    func inboxIsFull(_ change: Int) {
        state.withLock { state in
            let wasPaused = state.full > 0
            state.full += change
            let isPaused = state.full > 0
            guard isPaused != wasPaused, let handle = state.handle else { return }
            _ = saltyrtc_client_pause_events(handle.pointer, isPaused, nil)
            paused.fire()
        }
    }

    var fullInboxes: Int { state.withLock { $0.full } }
}

private let notStarted = SaltyRTCError(.closed, "the client is not connected: call start() or connected() first")

/// What `send` does with the task that was agreed on.
enum Route: Sendable {
    case relayedData
    case custom
    case ortc
    /// The application's own WebRTC: only descriptions and candidates are sent.
    case signals
    /// The built-in WebRTC: data goes over channels.
    case channels

    var hasDataChannels: Bool {
        switch self {
        case .ortc, .signals, .channels: true
        case .relayedData, .custom: false
        }
    }
}

/// Calls a function that sends something. False if there is no room for it now.
@inline(__always)
func attempt(_ function: (UnsafeMutablePointer<OpaquePointer?>?) -> saltyrtc_status) throws -> Bool {
    // Without what is needed for an error, which is as much as the call itself.
    switch function(nil) {
    case .SALTYRTC_STATUS_OK: return true
    case .SALTYRTC_STATUS_QUEUE_FULL: return false
    default:
        // Once more, in order to know why. (Nothing was sent.)
        try call { function($0) }
        return true
    }
}
