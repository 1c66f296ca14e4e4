package org.saltyrtc.internal

import com.sun.jna.Memory
import com.sun.jna.Pointer
import org.saltyrtc.ChannelOptions
import org.saltyrtc.End
import org.saltyrtc.Event
import org.saltyrtc.Message
import org.saltyrtc.NotPossibleException
import org.saltyrtc.QueueFullException
import org.saltyrtc.Reliability
import org.saltyrtc.SaltyRTCException
import org.saltyrtc.Status

/** A channel of the built-in WebRTC: what is known of it, and what can be done without waiting. */
internal class ChannelCore(val peer: PeerCore, val number: Int) {
    val inbox = Inbox<Message>(peer::inboxIsFull)
    val changed = Signal()
    val lowWater = LowWater(::bufferedAmount, ::setLowWater) { changed.fire() }

    @Volatile
    var opened: Event.ChannelOpened? = null

    @Volatile
    private var closing = false

    @Volatile
    private var ended = false

    // Why, if neither side closed it.
    @Volatile
    private var error: End? = null

    val isOpen: Boolean get() = opened != null && !closing && !ended

    fun onOpened(event: Event.ChannelOpened) {
        opened = event
        changed.fire()
    }

    fun onMessage(message: Message, size: Int) {
        if (!closing) inbox.put(message, size)
    }

    fun onLowWater() {
        lowWater.wasReached()
        changed.fire()
    }

    /** This was its last event. */
    fun end(why: End?) {
        error = why
        ended = true
        if (closing) inbox.discard()
        changed.fire()
        inbox.readable.fire()
    }

    private fun requireOpen() {
        error?.let { throw it.toException() }
        if (ended || closing) throw notOpen("the channel is closed")
    }

    /** Whether there was room for it. */
    fun trySend(message: Message): Boolean {
        requireOpen()
        return peer.use { client ->
            when (message) {
                is Message.Bytes -> sendBytes(client, message.data)
                is Message.Text -> roomFor { Functions.clientChannelSendText(client, number.unsigned(), message.text) }
                else -> throw badArgument("a channel takes bytes and text only")
            }
        }
    }

    private fun sendBytes(client: Pointer, data: ByteArray): Boolean {
        // Without what is needed for an error, which is as much as the call itself.
        val status = CLibrary.saltyrtc_client_channel_send_bytes(client, number, data, SizeT(data.size.toLong()), null)
        if (status == Status.OK.value) return true
        // Nothing was sent: once more, to get to know why.
        return roomFor { Functions.clientChannelSendBytes(client, number.unsigned(), data) }
    }

    fun tryOpen(): Unit? {
        if (opened != null) return Unit
        error?.let { throw it.toException() }
        if (ended) throw notOpen("the channel was closed before it was open")
        return null
    }

    /** The next message, or null if it is not there yet. */
    fun tryReceive(): Received<Message>? {
        inbox.take()?.let { return Received(it) }
        if (!ended && !closing) return null
        // What came between the look and the end.
        inbox.take()?.let { return Received(it) }
        error?.let { throw it.toException() }
        return Received(null)
    }

    fun bufferedAmount(): Long =
        if (ended) 0 else peer.useIfOpen { Functions.clientChannelBufferedAmount(it, number.unsigned()) } ?: 0

    private fun setLowWater(bytes: Long) {
        if (!ended && !closing) peer.useIfOpen { Functions.clientChannelSetLowWater(it, number.unsigned(), bytes) }
    }

    /** Closes it after everything that waits was sent. What arrives from now on is thrown away. */
    fun close() {
        val first = synchronized(this) { !closing.also { closing = true } }
        // Also of a channel that has ended: what nobody will take must not keep the client waiting.
        inbox.discard()
        if (!first || ended) return
        peer.useIfOpen {
            val out = Out(0)
            CLibrary.saltyrtc_client_channel_close(it, number, out.error)
            out.takeText()
            Unit
        }
        changed.fire()
        inbox.readable.fire()
    }

    fun tryClosed(): Unit? = if (ended) Unit else null

    companion object {
        fun notOpen(text: String) = NotPossibleException(Status.CHANNEL_NOT_OPEN, text)

        /** Asks the library for a channel. Returns its number. */
        fun open(client: Pointer, label: String, options: ChannelOptions): Int {
            if (options.maxRetransmits != null && options.maxLifetimeMillis != null) {
                throw badArgument("only one of maxRetransmits and maxLifetimeMillis can be given")
            }
            val native = ChannelOptionsStruct()
            val texts = listOf(label, options.protocol).map { text ->
                val bytes = text.encodeToByteArray()
                bytes to Memory(bytes.size + 1L).apply { setString(0, text, "UTF-8") }
            }
            native.label = texts[0].second
            native.label_len = SizeT(texts[0].first.size.toLong())
            native.protocol = texts[1].second
            native.protocol_len = SizeT(texts[1].first.size.toLong())
            val limit = options.maxRetransmits?.toLong() ?: options.maxLifetimeMillis
            native.reliability = when {
                options.maxRetransmits != null -> Reliability.MAX_RETRANSMITS
                options.maxLifetimeMillis != null -> Reliability.MAX_LIFETIME
                else -> Reliability.RELIABLE
            }.value
            native.reliability_limit = uint32("maxRetransmits or maxLifetimeMillis", limit ?: 0)
            native.unordered = (!options.ordered).toC()
            native.plain = options.plain.toC()
            native.negotiated = (options.negotiatedId != null).toC()
            native.id = uint16("negotiatedId", options.negotiatedId ?: 0)
            return Functions.clientOpenChannel(client, native)
        }
    }
}

/** Something that was received, or null: that there is no more. */
internal class Received<T : Any>(val value: T?)

/** The numbers of channels have 32 bits without a sign. */
internal fun Int.unsigned(): Long = toLong() and 0xffffffffL

/** Whether there was room for what the function sends. */
internal inline fun roomFor(send: () -> Unit): Boolean = try {
    send()
    true
} catch (_: QueueFullException) {
    false
}

/** The end of a channel, from its last event. */
internal fun Event.ChannelClosed.end(): End? =
    if (status == Status.OK) null else End(SaltyRTCException.of(status, text))
