import CSaltyRTC

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What ``Initiator`` and ``Responder`` have in common. Nothing in it is for apps.
public final class _PeerCore: Sendable {
    struct State {
        var token: UInt64?
        var session: Session?
        var ownAddress: UInt8?
        var serverVerified = false
        var connectionState = ConnectionState.new
        var handedOver = false
        var isClosing = false
        var channels: [UInt32: ChannelCore] = [:]
        var transport: Transport?
        var watchers: [Watcher] = []
    }

    /// A data channel of the application, which carries the signalling.
    struct Transport: Sendable {
        let send: @Sendable (Data) throws -> Void
        let close: @Sendable () -> Void
    }

    /// Who watches events, for as long as somebody does.
    struct Watcher {
        weak var inbox: Inbox<Event>?
    }

    let options: ClientOptions
    let publicKey: PublicKey
    let client: Client
    let state = Locked(State())
    /// Session, state of the connection, handover, end.
    let changed = Changes()
    let writable = Changes()
    let lowWater = LowWater(Changes())
    let messages: Inbox<Message>
    let application: Inbox<Message>
    let signals: Inbox<Signal>
    let incoming: Inbox<ChannelCore>

    init(config: Handle, options: ClientOptions) throws {
        self.options = options
        publicKey = PublicKey(unchecked: try readKey { saltyrtc_config_public_key(config.pointer, $0, $1) })
        client = Client(config: config)
        messages = Inbox(client)
        application = Inbox(client)
        signals = Inbox(client)
        incoming = Inbox(client)
    }

    deinit {
        if let token = state.withLock({ $0.token }), let loop = try? EventLoop.shared() { loop.forget(token) }
    }

    func start() throws {
        let loop = try EventLoop.shared()
        try client.start(on: loop) {
            let token = loop.token(for: self)
            state.withLock { $0.token = token }
            return token
        }
    }

    // MARK: The end

    /// There is nothing more to come.
    func end(_ why: SaltyRTCError) {
        guard client.end(why) else { return }
        if let token = state.withLock({ $0.token }), let loop = try? EventLoop.shared() { loop.forget(token) }
        let isClosing = state.withLock { state in
            state.session = nil
            return state.isClosing
        }
        let isClean = isClosing || why.isFriendlyEnd
        endChannels(isClean ? nil : why)
        if isClosing { discardAll() }
        finishAll(throwing: isClean ? nil : why)
        for watcher in watchers { watcher.finish() }
        changed.fire()
        writable.fire()
        lowWater.changes.fire()
    }

    /// Begins to close. What arrives from now on is thrown away.
    func beginToClose() {
        let wasClosing = state.withLock { state in
            defer { state.isClosing = true }
            return state.isClosing
        }
        if wasClosing { return }
        discardAll()
        for channel in state.withLock({ Array($0.channels.values) }) { channel.inbox.discard() }
        if let handle = client.handle {
            _ = saltyrtc_client_close(handle.pointer, nil)
        } else if client.ended == nil {
            end(SaltyRTCError(.closed, "the client was closed before it was connected"))
        }
        finishAll()
        changed.fire()
    }

    private func discardAll() {
        messages.discard()
        application.discard()
        signals.discard()
        incoming.discard()
    }

    private func finishAll(throwing error: SaltyRTCError? = nil) {
        messages.finish(throwing: error)
        application.finish(throwing: error)
        signals.finish(throwing: error)
        incoming.finish(throwing: error)
    }

    func endChannels(_ why: SaltyRTCError?) {
        let channels = state.withLock { state in
            defer { state.channels = [:] }
            return Array(state.channels.values)
        }
        for channel in channels { channel.end(why) }
    }

    // MARK: Who watches

    func watch() -> Inbox<Event> {
        let inbox = Inbox<Event>(client)
        state.withLock { state in
            state.watchers.removeAll { $0.inbox == nil }
            state.watchers.append(Watcher(inbox: inbox))
        }
        if client.ended != nil { inbox.finish() }
        return inbox
    }

    var watchers: [Inbox<Event>] { state.withLock { $0.watchers.compactMap(\.inbox) } }
}

extension SaltyRTCError {
    /// Whether one of the two peers wanted the end.
    var isFriendlyEnd: Bool { status == .closed || status == .peerClosed }
}
