package org.saltyrtc.internal

import com.sun.jna.Memory
import com.sun.jna.Pointer
import org.saltyrtc.End
import org.saltyrtc.SaltyRTCException
import org.saltyrtc.Status
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicLong

/** Who gets the events with a token. Called on the event thread, so nothing in here may block. */
internal interface Target {
    fun onMessage(kind: Int, channel: Int, payload: Int, data: ByteArray)

    fun onEvent(record: Record)
}

/**
 * The one thread that takes the events of all clients, from one queue. It is a thread of Java's that calls the library;
 * none of the library's threads ever enters the virtual machine.
 */
internal object EventThread {
    /** The first size of the buffer for events, in bytes, and the largest that is kept. */
    private const val BUFFER_BYTES = 1L shl 18

    /** How long connections that are being closed get at the end of the program, in milliseconds. */
    private const val GOODBYE_MS = 1000L

    /** What no client is the source of. */
    private const val LOG_TOKEN = 0L

    private val targets = ConcurrentHashMap<Long, Target>()
    private val nextToken = AtomicLong(LOG_TOKEN + 1)

    val queue: Pointer = Functions.queueNew()

    init {
        Thread(::run, "saltyrtc-events").apply { isDaemon = true }.start()
        try {
            // What was sent before the end of the program gets a chance to arrive.
            Runtime.getRuntime().addShutdownHook(
                Thread({ CLibrary.saltyrtc_shutdown(GOODBYE_MS.toInt(), null) }, "saltyrtc-goodbye"),
            )
        } catch (_: IllegalStateException) {
            // The program ends just now.
        }
    }

    /** A number for what is to come to this target. */
    fun newToken(target: Target): Long = nextToken.getAndIncrement().also { targets[it] = target }

    /** Nothing more is wanted with this token. */
    fun forget(token: Long) {
        targets.remove(token)
    }

    /** Who gets log messages. */
    fun setLogTarget(target: Target?) {
        if (target == null) targets.remove(LOG_TOKEN) else targets[LOG_TOKEN] = target
    }

    private fun run() {
        var memory = Memory(BUFFER_BYTES)
        val counts = Out(2)
        val count = counts.slot(1)
        val needed = counts.slot(2)
        while (true) {
            val status = CLibrary.saltyrtc_queue_read(queue, -1, memory, SizeT(memory.size()), count, needed, counts.error)
            when (status) {
                Status.OK.value -> {
                    dispatch(memory.getByteBuffer(0, memory.size()).order(ByteOrder.nativeOrder()), count.getSize().toInt())
                    if (memory.size() > BUFFER_BYTES) memory = Memory(BUFFER_BYTES)
                }
                Status.BUFFER_TOO_SMALL.value -> memory = Memory(needed.getSize())
                Status.TIMEOUT.value -> Unit
                else -> {
                    endAll(SaltyRTCException.of(Status.of(status), counts.takeText()))
                    return
                }
            }
            counts.takeText()
        }
    }

    private fun dispatch(buffer: ByteBuffer, count: Int) {
        if (count == 0) return
        val stride = buffer.getInt(Record.RECORD_SIZE)
        for (index in 0 until count) {
            val at = index * stride
            val target = targets[buffer.getLong(at + Record.TOKEN)] ?: continue
            try {
                when (val kind = buffer.getInt(at + Record.KIND)) {
                    EventKind.DATA, EventKind.APPLICATION, EventKind.TASK_MESSAGE, EventKind.CHANNEL_MESSAGE,
                    EventKind.ORTC_MESSAGE, EventKind.ICE_PARAMETERS, EventKind.ICE_CANDIDATES, EventKind.DTLS_PARAMETERS,
                    EventKind.SCTP_CAPABILITIES, EventKind.DATA_CHANNEL_PARAMETERS,
                    -> target.onMessage(
                        kind,
                        buffer.getInt(at + Record.CHANNEL),
                        buffer.getInt(at + Record.PAYLOAD),
                        buffer.copy(buffer.getInt(at + Record.DATA_OFFSET), buffer.getInt(at + Record.DATA_LEN)),
                    )
                    else -> target.onEvent(Record(buffer, at))
                }
            } catch (error: Exception) {
                // One client must not end the events of all others.
                report(error)
            }
        }
    }

    /** A bug of the program, in a function that it gave us, or of ours: seen by whoever looks at such things. */
    fun report(error: Throwable) {
        val thread = Thread.currentThread()
        val handler = Thread.getDefaultUncaughtExceptionHandler()
        if (handler != null) handler.uncaughtException(thread, error) else error.printStackTrace()
    }

    /** There can be no more events: nobody may wait for one. */
    private fun endAll(why: SaltyRTCException) {
        for (target in targets.values) (target as? PeerCore)?.end(End(why))
    }
}
