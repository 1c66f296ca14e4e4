package org.saltyrtc

/** The peer that was authenticated, and what was agreed with it. */
public class Session internal constructor(
    /** The public permanent key of the peer. */
    public val peerKey: PublicKey,
    /** The peer's address on the path: 1 is the initiator, 2 to 255 are responders. */
    public val address: Int,
    /** The name of the task. */
    public val task: String,
    /** What the peer's task has to say: a map (see [MessagePack]), or null. */
    public val taskData: Any?,
) {
    /** For logs: without what the peer sent. */
    override fun toString(): String = "Session(peerKey=$peerKey, address=$address, task=$task)"
}

/** Why a connection has ended. */
public class End internal constructor(
    /** What it is; [Status.CLOSED] if this side closed it, [Status.PEER_CLOSED] if the peer did. */
    public val status: Status,
    /** What happened and what to do about it, in English. */
    public val text: String,
    /** The close code of WebSocket or SaltyRTC (1000 to 4999), if there was one. */
    public val closeCode: Int?,
    /** Who ended it. */
    public val closedBy: ClosedBy?,
    /** Whether a new client with the same options may succeed: [retry] is not [Retry.NEVER]. */
    public val isRetryable: Boolean,
) {
    internal constructor(why: SaltyRTCException) : this(why.status, why.text, why.closeCode, why.closedBy, why.isRetryable)

    /** Whether, and when, to try again with a new client. */
    public val retry: Retry get() = status.retry

    /** Whether one of the two peers wanted it. */
    public val isClean: Boolean get() = status == Status.CLOSED || status == Status.PEER_CLOSED

    /** As what functions throw, with a stack trace of its own each time. */
    public fun toException(): SaltyRTCException = SaltyRTCException.of(status, text, closeCode, closedBy, isRetryable)

    /** The text, the name of the status, and the close code. */
    override fun toString(): String = toException().message

    internal companion object {
        fun of(event: Event.Closed) = End(
            // The library says OK if it was asked to close.
            if (event.status == Status.OK) Status.CLOSED else event.status,
            event.text, event.closeCode, event.closedBy, event.retryable,
        )
    }
}

/** How to create the data channel that the signalling is handed over to: negotiated and ordered, with these values. */
public class SignallingChannel internal constructor(
    /** The id of the channel. */
    public val id: Int,
    /** The label of the channel. */
    public val label: String,
    /** The subprotocol of the channel. */
    public val protocol: String,
) {
    /** All three. */
    override fun toString(): String = "SignallingChannel(id=$id, label=$label, protocol=$protocol)"
}

/** The data channel of the program's own WebRTC stack that the signalling is handed over to: see [Peer.handOver]. */
public interface SignallingTransport {
    /** Sends one binary message. Must not block; if it throws, the channel counts as closed. */
    public fun send(data: ByteArray)

    /** Closes the channel once everything that was sent is delivered. Must not block. */
    public fun close()
}

/** The connection to the peer, with the built-in WebRTC. */
public class ConnectionStats internal constructor(
    /** The state of the connection. */
    public val state: ConnectionState,
    /** The type of this client's address on the path in use. */
    public val localType: CandidateType,
    /** The type of the peer's address. */
    public val remoteType: CandidateType,
    /** How packets get to the TURN server of this client. */
    public val relayProtocol: RelayProtocol,
    /** Address and port of this client; empty if there is no path. */
    public val localAddress: String,
    /** Address and port of the peer. */
    public val remoteAddress: String,
    /** Of the last check of the path, in microseconds; null if it is not known. */
    public val roundTripTimeMicros: Long?,
    /** How many bytes of UDP payload were sent, with everything that WebRTC adds. */
    public val bytesSent: Long,
    /** How many bytes of UDP payload were received. */
    public val bytesReceived: Long,
    /** How many channels are open, without that of the signalling. */
    public val channels: Int,
) {
    /** The state, and the path. */
    override fun toString(): String = "ConnectionStats($state, $localAddress ($localType) to $remoteAddress ($remoteType))"
}
