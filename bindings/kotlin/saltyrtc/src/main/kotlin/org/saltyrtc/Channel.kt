package org.saltyrtc

import kotlinx.coroutines.flow.Flow
import org.saltyrtc.internal.ChannelCore
import org.saltyrtc.internal.InboxFlow

/**
 * A data channel of the built-in WebRTC: see [Peer.openChannel] and [Peer.acceptChannel].
 *
 * On a secure channel, which is the default, all messages are bytes, and text arrives as [Message.Bytes]; on a plain one,
 * text stays [Message.Text].
 */
public class Channel internal constructor(private val core: ChannelCore) : AutoCloseable {
    /** What the side that opened the channel calls it. */
    public val label: String get() = core.opened?.label.orEmpty()

    /** The subprotocol, as the side that opened the channel calls it. */
    public val protocol: String get() = core.opened?.channelProtocol.orEmpty()

    /** Whether the peer opened the channel. */
    public val isOpenedByPeer: Boolean get() = core.opened?.openedByPeer ?: false

    /** Whether messages can be sent. */
    public val isOpen: Boolean get() = core.isOpen

    /** The number that events have for it ([Event.ChannelOpened.channel]). */
    public val number: Int get() = core.number

    /** Sends a message; waits while too much waits to be sent. If it is cancelled, or throws, nothing was sent. */
    public suspend fun send(message: Message) {
        if (!core.trySend(message)) core.changed.until { if (core.trySend(message)) Unit else null }
    }

    /** Sends [Message.Bytes]. */
    public suspend fun send(data: ByteArray): Unit = send(Message.Bytes(data))

    /** Sends a [Message.Text]. */
    public suspend fun send(text: String): Unit = send(Message.Text(text))

    /** As [send], but does not wait: returns whether there was room for the message. If not, it was not sent. */
    public fun trySend(message: Message): Boolean = core.trySend(message)

    /** The next message. Throws [SaltyRTCException] when there are no more. */
    public suspend fun receive(): Message =
        next { core.tryReceive() } from core.inbox
            ?: throw NotPossibleException(Status.CHANNEL_NOT_OPEN, "the channel is closed: there are no more messages")

    /**
     * The messages, each for one collector. The flow ends when one of the two has closed the channel, and throws a
     * [SaltyRTCException] when it ended in another way.
     */
    public val messages: Flow<Message> = InboxFlow { next { core.tryReceive() } from core.inbox }

    /** How many bytes wait to be sent, including what encryption adds. */
    public val bufferedAmount: Long get() = core.bufferedAmount()

    /** Waits until no more than [amount] bytes (at least 0) wait to be sent. */
    public suspend fun drain(amount: Long = 0) {
        core.changed.until { if (core.lowWater.isReached(amount)) Unit else null }
    }

    /**
     * Closes the channel after everything that waits was sent. What arrives from now on is thrown away. Returns at once; to
     * know when the peer has closed it too, use [awaitEnd].
     */
    override fun close(): Unit = core.close()

    /** Waits until the channel is closed on both sides. */
    public suspend fun awaitEnd() {
        core.changed.until { core.tryClosed() }
    }

    /** For logs: the number, and whether it is open. The label may be the peer's. */
    override fun toString(): String = "Channel($number, ${if (isOpen) "open" else "closed"})"
}

/** How a channel is opened. All of it has a default: reliable, ordered, and secure. */
public class ChannelOptions @JvmOverloads constructor(
    /** The subprotocol. */
    public val protocol: String = "",
    /** How often a message is sent again, 0 to 65535; null for ever. */
    public val maxRetransmits: Int? = null,
    /** How long a message is sent again, in milliseconds; null for ever. Not together with [maxRetransmits]. */
    public val maxLifetimeMillis: Long? = null,
    /** Whether messages arrive in the order in which they were sent. */
    public val ordered: Boolean = true,
    /** Whether messages are encrypted by WebRTC only, and not also with the keys of the two peers; both have to say so. */
    public val plain: Boolean = false,
    /** The id (0 to 65534) of a channel that both peers open themselves; it is in the [WebRTC.negotiatedIds] of both. */
    public val negotiatedId: Int? = null,
)
