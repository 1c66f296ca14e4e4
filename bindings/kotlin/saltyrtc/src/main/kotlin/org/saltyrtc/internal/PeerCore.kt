package org.saltyrtc.internal

import com.sun.jna.Pointer
import kotlinx.coroutines.flow.MutableStateFlow
import org.saltyrtc.ChannelOptions
import org.saltyrtc.ClosedBy
import org.saltyrtc.ConnectionState
import org.saltyrtc.End
import org.saltyrtc.Event
import org.saltyrtc.Message
import org.saltyrtc.MessagePack
import org.saltyrtc.NotPossibleException
import org.saltyrtc.PublicKey
import org.saltyrtc.Session
import org.saltyrtc.SignallingTransport
import org.saltyrtc.Status
import org.saltyrtc.Task
import org.saltyrtc.WebRTC
import java.util.concurrent.CountDownLatch

/**
 * One client of the library: what is known of it, and what it can do without waiting. Events come on the event thread,
 * calls on any.
 */
internal class PeerCore(private val tasks: List<Task>) : Target {
    private val token = EventThread.newToken(this)
    private val started = CountDownLatch(1)
    private lateinit var handle: Handle

    val session = MutableStateFlow<Session?>(null)
    val connectionState = MutableStateFlow(ConnectionState.NEW)

    @Volatile
    var serverVerified = false
        private set

    @Volatile
    var end: End? = null
        private set

    @Volatile
    private var closing = false

    @Volatile
    private var handedOver = false

    @Volatile
    private var sender = Sender.RELAYED_DATA

    @Volatile
    private var transport: SignallingTransport? = null

    val changed = Signal()
    val writable = Signal()
    val drained = Signal()
    val log = EventLog(::inboxIsFull)
    val inbox = Inbox<Message>(::inboxIsFull)
    val application = Inbox<Message>(::inboxIsFull)
    val incoming = Inbox<ChannelCore>(::inboxIsFull)
    val lowWater = LowWater(::bufferedAmount, ::setLowWater) { drained.fire() }

    // The lock is held while one is opened, so that its first event does not come before it is in here.
    private val channels = HashMap<Int, ChannelCore>()

    /** Begins to connect. The configuration is used up. */
    fun start(config: Pointer) {
        try {
            handle = Handle(Functions.clientNewOnQueue(config, EventThread.queue, token)) { CLibrary.saltyrtc_client_free(it) }
        } catch (error: Throwable) {
            EventThread.forget(token)
            throw error
        } finally {
            started.countDown()
        }
    }

    // --- What arrives ---

    override fun onMessage(kind: Int, channel: Int, payload: Int, data: ByteArray) {
        if (closing) return
        val message = when (payload) {
            Payload.BYTES -> Message.Bytes(data)
            Payload.TEXT -> Message.Text(data.decodeToString())
            else -> Message.Value(MessagePack.decodeAny(data))
        }
        when (kind) {
            EventKind.CHANNEL_MESSAGE -> channelOf(channel)?.onMessage(message, data.size)
            EventKind.APPLICATION -> application.put(message, data.size)
            else -> inbox.put(message, data.size)
        }
    }

    override fun onEvent(record: Record) {
        // The first one can come before we know the client.
        started.await()
        when (record.kind) {
            EventKind.WRITABLE -> writable.fire()
            EventKind.LOW_WATER -> {
                lowWater.wasReached()
                drained.fire()
            }
            EventKind.OFFER, EventKind.ANSWER ->
                putIfOpen(Message.Description(record.sdpType.orEmpty(), record.sdp), record.sdp?.length ?: 0)
            EventKind.CANDIDATES -> record.candidates.forEach { putIfOpen(candidateOf(it), 0) }
            EventKind.TRANSPORT_SEND -> record.data.let { data -> callTransport { it.send(data) } }
            EventKind.TRANSPORT_CLOSE -> callTransport { it.close() }
            EventKind.CHANNEL_LOW_WATER -> channelOf(record.channel)?.onLowWater()
            else -> onPublicEvent(Event.of(record))
        }
    }

    private fun onPublicEvent(event: Event) {
        // First what changes: who hears of the event can rely on it.
        when (event) {
            is Event.ServerHandshakeDone -> serverVerified = event.serverVerified
            is Event.PeerHandshakeDone -> onPeer(event)
            is Event.PeerLeft -> {
                session.value = null
                endChannels(End(ChannelCore.notOpen("the peer left")))
            }
            is Event.HandedOver -> handedOver = true
            is Event.ConnectionStateChanged -> {
                connectionState.value = event.connectionState
                if (event.connectionState == ConnectionState.CLOSED) {
                    endChannels(End(ChannelCore.notOpen("the connection to the peer has ended")))
                }
            }
            is Event.ChannelOpened -> onChannelOpened(event)
            is Event.ChannelClosed -> synchronized(channels) { channels.remove(event.channel) }?.end(event.end())
            is Event.Closed -> {
                end(End.of(event), event)
                return
            }
            else -> Unit
        }
        log.put(event)
        changed.fire()
    }

    private fun onPeer(event: Event.PeerHandshakeDone) {
        handedOver = false
        connectionState.value = ConnectionState.NEW
        sender = Sender.of(event.task, tasks)
        session.value = Session(event.peerKey, event.address, event.task, event.data)
        for (signal in listOf(writable, incoming.readable)) signal.fire()
    }

    private fun onChannelOpened(event: Event.ChannelOpened) {
        val own = synchronized(channels) { channels[event.channel] }
        val channel = own ?: ChannelCore(this, event.channel)
        channel.onOpened(event)
        if (own == null) {
            synchronized(channels) { channels[event.channel] = channel }
            incoming.put(channel, 0)
        }
    }

    private fun putIfOpen(message: Message, size: Int) {
        if (!closing) inbox.put(message, size)
    }

    private fun candidateOf(record: CandidateRecord) = Message.Candidate(
        record.candidate, record.sdpMid, record.sdpMLineIndex.takeIf { it >= 0 }, record.usernameFragment,
    )

    private fun channelOf(number: Int): ChannelCore? = synchronized(channels) { channels[number] }

    private inline fun callTransport(call: (SignallingTransport) -> Unit) {
        try {
            call(transport ?: return)
        } catch (error: Exception) {
            EventThread.report(error)
            transportClosed()
        }
    }

    /** There is nothing more to come. The client of the library is freed. */
    fun end(why: End, event: Event.Closed? = null) {
        synchronized(this) {
            if (end != null) return
            end = why
        }
        session.value = null
        endChannels(why.takeUnless { it.isClean })
        if (closing) discardAll()
        EventThread.forget(token)
        handle.close()
        log.put(event ?: Event.Closed(why.status, why.text, ClosedBy.US, null, why.isRetryable))
        wakeAll()
    }

    private fun endChannels(why: End?) {
        val ended = synchronized(channels) { channels.values.toList().also { channels.clear() } }
        for (channel in ended) channel.end(why)
    }

    private fun discardAll() {
        inbox.discard()
        application.discard()
        incoming.discard()
    }

    private fun wakeAll() {
        for (signal in listOf(changed, writable, drained, inbox.readable, application.readable, incoming.readable)) signal.fire()
    }

    // --- Back-pressure ---

    private val pauseLock = Any()
    private var full = 0

    /** Whether the client takes nothing more from the network. */
    val paused = MutableStateFlow(false)

    /** One inbox more, or less, in which too much waits. */
    fun inboxIsFull(isFull: Boolean): Unit = synchronized(pauseLock) {
        full += if (isFull) 1 else -1
        val pause = full > 0
        if (pause == paused.value) return
        // With the lock, so that the last word is the right one.
        useIfOpen { CLibrary.saltyrtc_client_pause_events(it, pause.toC(), null) }
        paused.value = pause
    }

    // --- What the program does ---

    fun <R : Any> useIfOpen(function: (Pointer) -> R): R? = handle.use(function)

    /** Calls a function with the client of the library. Throws why it ended, if it has. */
    fun <R : Any> use(function: (Pointer) -> R): R = handle.use(function) ?: throw (
        end?.toException() ?: NotPossibleException(Status.CLOSED, "the client is closed")
    )

    /** Whether there was room for it. */
    fun trySend(message: Message): Boolean = use { sender.send(it, message) }

    fun trySendApplication(message: Message): Boolean = use { Sender.sendApplication(it, message) }

    fun bufferedAmount(): Long = useIfOpen { Functions.clientBufferedAmount(it) } ?: 0

    private fun setLowWater(bytes: Long) {
        useIfOpen { Functions.clientSetLowWater(it, bytes) }
    }

    fun tryPeer(): Session? = session.value ?: end?.let { throw it.toException() }

    /** The next one, or null if it is not there yet. Throws if the connection has not ended well. */
    fun <T : Any> tryReceive(from: Inbox<T>): Received<T>? {
        from.take()?.let { return Received(it) }
        if (closing) return Received(null)
        val end = end ?: return null
        // What came between the look and the end.
        from.take()?.let { return Received(it) }
        if (end.isClean) return Received(null)
        throw end.toException()
    }

    fun tryAccept(): Received<ChannelCore>? = tryReceive(incoming) ?: run {
        requireBuiltIn()
        null
    }

    fun tryHandedOver(): Unit? {
        if (handedOver) return Unit
        end?.let { throw it.toException() }
        if (session.value != null && !sender.canBeHandedOver) {
            throw NotPossibleException(Status.NO_HANDOVER, "the task that was agreed on has no data channels")
        }
        return null
    }

    fun tryConnectionState(states: Collection<ConnectionState>): ConnectionState? {
        connectionState.value.let { if (it in states) return it }
        end?.let { throw it.toException() }
        requireBuiltIn()
        return null
    }

    /** Nobody waits for what only the built-in WebRTC brings, if it is not there. */
    private fun requireBuiltIn() {
        val possible = if (session.value != null) sender == Sender.BUILT_IN else tasks.any { it is WebRTC }
        if (!possible) {
            throw NotPossibleException(
                Status.NO_RTC, "the two clients have not agreed on the built-in WebRTC: give both the task WebRTC()",
            )
        }
    }

    /** Begins to close. What arrives from now on is thrown away. */
    fun close() {
        synchronized(this) {
            if (closing) return
            closing = true
        }
        discardAll()
        synchronized(channels) { channels.values.toList() }.forEach { it.inbox.discard() }
        useIfOpen { CLibrary.saltyrtc_client_close(it, null) }
        wakeAll()
    }

    fun openChannel(label: String, options: ChannelOptions): ChannelCore = use { client ->
        synchronized(channels) {
            val number = ChannelCore.open(client, label, options)
            ChannelCore(this, number).also { channels[number] = it }
        }
    }

    fun trust(): PublicKey = use { client ->
        PublicKey(Functions.clientPeerKey(client)).also { Functions.clientTrustPeer(client) }
    }

    fun handOver(maxMessageSize: Long, transport: SignallingTransport) {
        this.transport = transport
        try {
            use { Functions.clientHandOver(it, maxMessageSize) }
        } catch (error: Exception) {
            this.transport = null
            throw error
        }
    }

    fun transportReceive(data: ByteArray) {
        useIfOpen { Functions.clientTransportReceive(it, data) }
    }

    fun transportClosed() {
        useIfOpen { Functions.clientTransportClosed(it) }
    }
}
