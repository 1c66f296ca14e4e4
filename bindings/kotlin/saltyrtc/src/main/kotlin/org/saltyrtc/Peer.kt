package org.saltyrtc

import com.sun.jna.Pointer
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import org.saltyrtc.internal.Functions
import org.saltyrtc.internal.Inbox
import org.saltyrtc.internal.InboxFlow
import org.saltyrtc.internal.PeerCore
import org.saltyrtc.internal.Received
import org.saltyrtc.internal.text

/**
 * What [Initiator] and [Responder] have in common: a connection to a peer. It begins to connect when it is made.
 *
 * Everything can be called from any thread. Functions that wait suspend; cancelling them cancels the waiting only: a
 * cancelled [send] sent nothing, a cancelled [receive] lost nothing. Close the client in the end, with `use { }` for example:
 * then the end of a scope, whatever its reason, ends the connection too.
 *
 * Messages and events that nobody takes wait. If more than a mebibyte, or a thousand, wait in one place, the client takes
 * nothing more from the network until some were taken: the peer then waits in its [send]. Nothing is ever dropped.
 */
public abstract class Peer internal constructor(
    create: () -> Pointer,
    url: String,
    options: PeerOptions,
) : AutoCloseable {
    internal val core: PeerCore

    /** The public permanent key of this client. */
    public val publicKey: PublicKey

    internal val ownInvitation: Invitation?

    init {
        val config = create()
        try {
            options.applyTo(config, url)
            publicKey = PublicKey(Functions.configPublicKey(config))
            ownInvitation = if (this is Initiator) Invitation(Functions.configInvitation(config)) else null
            core = PeerCore(options.tasks.toList())
            core.start(config)
        } finally {
            Functions.configFree(config)
        }
    }

    // --- The peer ---

    /** The authenticated peer, if there is one at the moment. */
    public val session: StateFlow<Session?> = core.session.asStateFlow()

    /**
     * Waits until the peer is there and authenticated. Throws [SaltyRTCException] if the client ends before. Time is not
     * limited: use `withTimeout`.
     */
    public suspend fun awaitPeer(): Session = core.changed.until { core.tryPeer() }

    /**
     * Everything that happens, except messages: each collector gets all of it, also what was before it came (of that, the
     * newest 512 events at most). The flow ends after [Event.Closed].
     */
    public val events: Flow<Event> = core.log.events

    // --- Messages of the task ---

    /**
     * Sends a message with the task that was agreed on: see [Message]. Waits while too much waits to be sent.
     *
     * Throws [NotPossibleException] if there is no peer, or the message is none of this task.
     */
    public suspend fun send(message: Message) {
        if (!core.trySend(message)) core.writable.until { if (core.trySend(message)) Unit else null }
    }

    /** Sends [Message.Bytes]. */
    public suspend fun send(data: ByteArray): Unit = send(Message.Bytes(data))

    /** Sends a [Message.Text]. */
    public suspend fun send(text: String): Unit = send(Message.Text(text))

    /** Sends a [Message.Value] of a map: with a "type", for a [CustomTask]. */
    public suspend fun send(fields: Map<String, Any?>): Unit = send(Message.Value(fields))

    /** As [send], but does not wait: returns whether there was room for the message. If not, it was not sent. */
    public fun trySend(message: Message): Boolean = core.trySend(message)

    /** How many bytes of messages wait to be sent, without those on channels. */
    public val bufferedAmount: Long get() = core.bufferedAmount()

    /** Waits until no more than [amount] bytes (at least 0) of messages wait to be sent, or the connection has ended. */
    public suspend fun drain(amount: Long = 0) {
        core.drained.until { if (core.lowWater.isReached(amount)) Unit else null }
    }

    /** The next message. Throws [SaltyRTCException] when there are no more, also if the end was a friendly one. */
    public suspend fun receive(): Message = receive(core.inbox)

    /**
     * The messages of the task, each for one collector. The flow ends when one of the two has closed the connection, and
     * throws a [SaltyRTCException] when it ended in another way.
     */
    public val messages: Flow<Message> = flowOf(core.inbox)

    /** Application messages, which do not belong to the task. */
    public val application: Application = Application(this)

    internal fun <T : Any> flowOf(inbox: Inbox<T>): Flow<T> = InboxFlow { next { core.tryReceive(inbox) } from inbox }

    internal suspend fun <T : Any> receive(inbox: Inbox<T>): T =
        next { core.tryReceive(inbox) } from inbox
            ?: throw NotPossibleException(Status.CLOSED, "the connection is closed: there are no more messages")

    /**
     * Trusts the authenticated peer: it can come back without a token, if it trusts this client too.
     *
     * Returns the peer's public key. To trust it with other clients too, store the key, and give it as
     * [PeerOptions.trustedPeer], together with the [PeerOptions.keys] of this client.
     */
    public fun trust(): PublicKey = core.trust()

    // --- Channels of the built-in WebRTC ---

    /**
     * Opens a channel, and waits until messages can be sent on it. Needs the task [WebRTC]. If it is cancelled, the channel
     * is closed again.
     */
    @JvmSynthetic
    public suspend fun openChannel(label: String = "", options: ChannelOptions = ChannelOptions()): Channel {
        val channel = core.openChannel(label, options)
        try {
            channel.changed.until { channel.tryOpen() }
        } catch (error: Throwable) {
            channel.close()
            throw error
        }
        return Channel(channel)
    }

    /** The next channel that the peer opens. Throws [SaltyRTCException] when there are no more. */
    public suspend fun acceptChannel(): Channel = Channel(
        next { core.tryAccept() } from core.incoming
            ?: throw NotPossibleException(Status.CLOSED, "the connection is closed: there are no more channels"),
    )

    /** The channels that the peer opens, each for one collector, until the end of the connection. */
    public val channels: Flow<Channel> = InboxFlow { (next { core.tryAccept() } from core.incoming)?.let(::Channel) }

    /** The state of the connection to the peer, with the built-in WebRTC. */
    public val connectionState: StateFlow<ConnectionState> = core.connectionState.asStateFlow()

    /** Waits until [connectionState] is one of these. Throws [SaltyRTCException] if the client ends before. */
    public suspend fun awaitConnectionState(vararg states: ConnectionState): ConnectionState {
        val wanted = states.toList()
        return core.changed.until { core.tryConnectionState(wanted) }
    }

    /** Statistics of the connection to the peer, with the built-in WebRTC. */
    public fun stats(): ConnectionStats = core.use { client ->
        val stats = Functions.clientRtcStats(client)
        ConnectionStats(
            ConnectionState.of(stats.state),
            CandidateType.of(stats.local_type),
            CandidateType.of(stats.remote_type),
            RelayProtocol.of(stats.relay_protocol),
            stats.local_address.text(),
            stats.remote_address.text(),
            stats.round_trip_time_us.takeIf { it != 0L },
            stats.bytes_sent,
            stats.bytes_received,
            stats.channels.toInt(),
        )
    }

    /** Initiator: looks for a new path to the peer. That happens by itself when addresses of this host change. */
    public fun restartIce(): Unit = core.use { Functions.clientRestartIce(it) }

    /**
     * Uses these addresses of this host for the connection to the peer, and no others; with none, all. For apps whose system
     * tells them the addresses, but does not let the library list them.
     */
    public fun setAddresses(addresses: List<String>): Unit =
        core.use { Functions.clientSetAddresses(it, addresses.joinToString(",")) }

    // --- WebRTC of the program ---

    /** How to create the data channel for [handOver]: together with the peer connection, before the offer. */
    public fun signallingChannel(): SignallingChannel = core.use { client ->
        val (id, label, protocol) = Functions.clientSignallingChannel(client)
        SignallingChannel(id, label, protocol)
    }

    /**
     * Hands the signalling over to a data channel of the program, once the channel is open.
     *
     * [maxMessageSize] is the largest message in bytes, 0 if there is no limit. Pass everything that arrives on the channel
     * to [transportReceive], also before this call, and call [transportClosed] when the channel is closed.
     */
    public fun handOver(maxMessageSize: Long, transport: SignallingTransport): Unit = core.handOver(maxMessageSize, transport)

    /** A message that arrived on the data channel of the signalling. */
    public fun transportReceive(data: ByteArray): Unit = core.transportReceive(data)

    /** The data channel of the signalling is closed, or could not be opened. */
    public fun transportClosed(): Unit = core.transportClosed()

    /** Waits until the signalling was handed over, by the built-in WebRTC or with [handOver]. */
    public suspend fun awaitHandover() {
        core.changed.until { core.tryHandedOver() }
    }

    // --- Keys and state ---

    /** Encrypts data for the peer with the keys of this session, to be sent in another way. Not protected against replay. */
    public fun encrypt(data: ByteArray): ByteArray = core.use { Functions.clientEncrypt(it, data) }

    /** Decrypts what the peer has encrypted with [encrypt] in this session. */
    public fun decrypt(data: ByteArray): ByteArray = core.use { Functions.clientDecrypt(it, data) }

    /** Whether the server proved that it has the key that this client knows. */
    public val isServerVerified: Boolean get() = core.serverVerified

    /** Why the connection has ended; null if it has not. */
    public val end: End? get() = core.end

    /** Waits for the end of the connection, and returns why it ended, without throwing it. */
    public suspend fun awaitEnd(): End = core.changed.until { core.end }

    /**
     * Closes the connection: everything that was sent before is delivered first, and the peer is informed. Messages that
     * arrive from now on are thrown away. Returns at once; to know when it is done, use [awaitEnd].
     */
    override fun close(): Unit = core.close()

    /** For logs: what it is doing. */
    override fun toString(): String {
        val state = when {
            core.end != null -> "closed"
            session.value != null -> "connected to ${session.value?.peerKey?.hex?.take(8)}…"
            else -> "waiting for the peer"
        }
        return "${javaClass.simpleName}($state)"
    }
}

/** Waits for something that can be received: `next { … } from inbox`. */
internal class Next<T : Any>(private val attempt: () -> Received<T>?) {
    suspend infix fun from(inbox: Inbox<T>): T? {
        // Most of the time, there is one already.
        inbox.take()?.let { return it }
        return inbox.readable.until(attempt).value
    }
}

internal fun <T : Any> next(attempt: () -> Received<T>?): Next<T> = Next(attempt)

/** Application messages: independent of the task, and of whether the signalling was handed over. */
public class Application internal constructor(private val peer: Peer) {
    private val core get() = peer.core

    /** Sends [Message.Bytes], [Message.Text] or [Message.Value]. Waits while too much waits to be sent. */
    public suspend fun send(message: Message) {
        if (!core.trySendApplication(message)) core.writable.until { if (core.trySendApplication(message)) Unit else null }
    }

    /** Sends [Message.Bytes]. */
    public suspend fun send(data: ByteArray): Unit = send(Message.Bytes(data))

    /** Sends a [Message.Text]. */
    public suspend fun send(text: String): Unit = send(Message.Text(text))

    /** As [send], but does not wait: returns whether there was room for the message. If not, it was not sent. */
    public fun trySend(message: Message): Boolean = core.trySendApplication(message)

    /** The next application message. Throws [SaltyRTCException] when there are no more. */
    public suspend fun receive(): Message = peer.receive(core.application)

    /** The application messages, each for one collector: see [Peer.messages]. */
    public val messages: Flow<Message> get() = peer.flowOf(core.application)
}
