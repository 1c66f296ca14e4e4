import CSaltyRTC

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A data channel of the built-in WebRTC.
///
/// On a secure channel, which is the default, all messages are bytes; on a plain one, texts stay texts.
public final class Channel: Sendable {
    // The client lives as long as its parts are used.
    private let peer: _PeerCore
    private let core: ChannelCore

    init(_ peer: _PeerCore, _ core: ChannelCore) {
        self.peer = peer
        self.core = core
    }

    /// What the side that opened the channel calls it.
    public var label: String { core.opened?.label ?? "" }
    /// The subprotocol, as the side that opened the channel calls it.
    public var subprotocol: String { core.opened?.subprotocol ?? "" }
    /// Whether the peer opened the channel.
    public var openedByPeer: Bool { core.opened?.openedByPeer ?? false }
    /// Whether messages can be sent.
    public var isOpen: Bool { core.isOpen }

    /// Sends bytes; waits while too much waits to be sent. If it throws, nothing was sent.
    public func send(_ data: Data) async throws {
        if try core.trySend(data) { return }
        try await until(core.changed) { try core.trySend(data) ? () : nil }
    }

    /// Sends a text; waits while too much waits to be sent. If it throws, nothing was sent.
    public func send(_ text: String) async throws {
        if try core.trySend(text) { return }
        try await until(core.changed) { try core.trySend(text) ? () : nil }
    }

    /// As ``send(_:)-(Data)``, but throws an error of the kind `queueFull` in place of waiting.
    public func sendNow(_ data: Data) throws {
        guard try core.trySend(data) else { throw SaltyRTCError(.queueFull) }
    }

    /// What the peer sends, until the channel is closed. Throws ``SaltyRTCError`` if neither side closed it.
    public var messages: Messages { Messages(peer, core.inbox) }

    /// The next message. Throws ``SaltyRTCError`` when there are no more.
    public func receive() async throws -> Message {
        guard let message = try await core.inbox.next() else {
            throw SaltyRTCError(.closed, "the channel is closed: there are no more messages")
        }
        return message
    }

    /// How many bytes wait to be sent, including what encryption adds.
    public var bufferedAmount: Int { core.bufferedAmount ?? 0 }

    /// Waits until no more than `amount` bytes (at least 0) wait to be sent.
    public func drain(to amount: Int = 0) async throws {
        try await core.lowWater.wait(for: amount, buffered: { core.bufferedAmount }, set: core.setLowWater)
    }

    /// Closes the channel after everything that waits was sent; waits until the peer has closed it too. In a task that was
    /// cancelled, it does not wait. What arrives from now on is thrown away.
    public func close() async {
        core.close()
        try? await until(core.changed) { core.hasEnded ? () : nil }
    }
}

extension Channel: CustomStringConvertible {
    public var description: String { "<Channel \"\(label)\" \(isOpen ? "open" : "closed")>" }
}

/// What is known of a channel.
final class ChannelCore: Sendable {
    struct Opened: Sendable {
        let label: String
        let subprotocol: String
        let openedByPeer: Bool
    }
    private struct State {
        var opened: Opened?
        var isClosing = false
        var ended: Result<Void, SaltyRTCError>?
    }

    private let client: Client
    private let number: UInt32
    private let state = Locked(State())
    let inbox: Inbox<Message>
    let changed = Changes()
    let lowWater: LowWater

    init(_ client: Client, _ number: UInt32) {
        self.client = client
        self.number = number
        inbox = Inbox(client)
        lowWater = LowWater(changed)
    }

    var opened: Opened? { state.withLock { $0.opened } }
    var isOpen: Bool { state.withLock { $0.opened != nil && !$0.isClosing && $0.ended == nil } }
    var hasEnded: Bool { state.withLock { $0.ended != nil } }

    func open(_ opened: Opened) {
        state.withLock { $0.opened = opened }
        changed.fire()
    }

    /// This was its last event. An error is why, if neither side closed it.
    func end(_ why: SaltyRTCError?) {
        let isClosing = state.withLock { state in
            state.ended = why.map { .failure($0) } ?? .success(())
            return state.isClosing
        }
        if isClosing { inbox.discard() }
        inbox.finish(throwing: isClosing ? nil : why)
        changed.fire()
    }

    /// Waits until messages can be sent.
    func waitUntilOpen() async throws {
        try await until(changed) {
            try state.withLock { state -> Void? in
                if let ended = state.ended {
                    try ended.get()
                    throw SaltyRTCError(.channelNotOpen, "the channel was closed before it was open")
                }
                return state.opened.map { _ in () }
            }
        }
    }

    private func require() throws -> Handle {
        try state.withLock { state in
            try state.ended?.get()
            if state.ended != nil || state.isClosing { throw SaltyRTCError(.channelNotOpen, "the channel is closed") }
        }
        return try client.require()
    }

    func trySend(_ data: Data) throws -> Bool {
        let handle = try require()
        return try data.withPointer { pointer, count in
            try attempt { saltyrtc_client_channel_send_bytes(handle.pointer, number, pointer, count, $0) }
        }
    }

    func trySend(_ text: String) throws -> Bool {
        let handle = try require()
        return try text.withPointer { pointer, count in
            try attempt { saltyrtc_client_channel_send_text(handle.pointer, number, pointer, count, $0) }
        }
    }

    /// `nil` if there is no channel any more.
    var bufferedAmount: Int? {
        guard !hasEnded, let handle = client.handle else { return nil }
        var amount = 0
        let status = saltyrtc_client_channel_buffered_amount(handle.pointer, number, &amount, nil)
        return status == .SALTYRTC_STATUS_OK ? amount : nil
    }

    func setLowWater(_ amount: Int) throws {
        let handle = try require()
        try call { saltyrtc_client_channel_set_low_water(handle.pointer, number, amount, $0) }
    }

    func close() {
        // Also of a channel that has ended: what nobody will take must not keep the client waiting.
        inbox.discard()
        let isFirst = state.withLock { state in
            defer { state.isClosing = true }
            return !state.isClosing && state.ended == nil
        }
        inbox.finish()
        guard isFirst, let handle = client.handle else { return }
        _ = saltyrtc_client_channel_close(handle.pointer, number, nil)
        changed.fire()
    }
}
