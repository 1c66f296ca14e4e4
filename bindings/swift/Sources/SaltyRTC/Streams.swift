// What arrives, as asynchronous sequences. Each can be iterated again and again, and by several tasks: each element goes to
// one of them, and what was not taken stays there. While too much waits, the peer has to wait.

/// The messages of a peer or a channel.
///
/// The sequence ends when one of the two peers has closed the connection, and throws a ``SaltyRTCError`` when it ended in
/// another way. Messages that nobody takes wait. If more than a mebibyte, or a thousand, wait, the client takes nothing
/// more from the network until some were taken: the peer then waits in its `send`.
public struct Messages: AsyncSequence, Sendable {
    private let peer: _PeerCore
    private let inbox: Inbox<Message>

    init(_ peer: _PeerCore, _ inbox: Inbox<Message>) {
        self.peer = peer
        self.inbox = inbox
    }

    public func makeAsyncIterator() -> Iterator { Iterator(messages: self) }

    public struct Iterator: AsyncIteratorProtocol {
        let messages: Messages

        public func next() async throws -> Message? { try await messages.inbox.next() }
    }
}

/// Descriptions and candidates of the peer, with ``OwnWebRTC``. It ends, and waits, as ``Messages`` do.
public struct Signals: AsyncSequence, Sendable {
    let peer: _PeerCore

    public func makeAsyncIterator() -> Iterator { Iterator(peer: peer) }

    public struct Iterator: AsyncIteratorProtocol {
        let peer: _PeerCore

        public func next() async throws -> Signal? { try await peer.signals.next() }
    }
}

/// The channels that the peer opens. It ends as ``Messages`` do.
public struct Channels: AsyncSequence, Sendable {
    let peer: _PeerCore

    public func makeAsyncIterator() -> Iterator { Iterator(peer: peer) }

    public struct Iterator: AsyncIteratorProtocol {
        let peer: _PeerCore

        public func next() async throws -> Channel? {
            try peer.requireChannels()
            return try await peer.incoming.next().map { Channel(peer, $0) }
        }
    }
}

/// What happens to a client, from the moment at which it was asked for. The last one is ``Event/closed(status:text:closedBy:closeCode:isRetryable:)``.
///
/// Who asks has to take: events wait as messages do, for as long as there is such a sequence.
public struct Events: AsyncSequence, Sendable {
    private let peer: _PeerCore
    private let inbox: Inbox<Event>

    init(_ peer: _PeerCore) {
        self.peer = peer
        inbox = peer.watch()
    }

    public func makeAsyncIterator() -> Iterator { Iterator(events: self) }

    public struct Iterator: AsyncIteratorProtocol {
        let events: Events

        /// Throws `CancellationError` only.
        public func next() async throws -> Event? { try await events.inbox.next() }
    }
}
