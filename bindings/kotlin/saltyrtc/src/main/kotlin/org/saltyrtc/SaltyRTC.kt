package org.saltyrtc

import org.saltyrtc.internal.EventKind
import org.saltyrtc.internal.EventThread
import org.saltyrtc.internal.Functions
import org.saltyrtc.internal.Record
import org.saltyrtc.internal.Target
import org.saltyrtc.internal.library

/** What belongs to the library as a whole, and to no client. */
public object SaltyRTC {
    // How many log messages wait at most; more are dropped, and counted.
    private const val LOG_CAPACITY = 4096L

    /** The version of the library, for example `1.2.3`. */
    @JvmStatic
    public val version: String get() = Functions.version()

    /** Whether the library was built with a Cargo feature: `client`, `server` or `webrtc`. */
    @JvmStatic
    public fun hasFeature(name: String): Boolean = Functions.hasFeature(name)

    /**
     * To be called when the network of this host has changed, as Android's `ConnectivityManager` tells so: for all clients.
     * Connections find out too, but later.
     */
    @JvmStatic
    public fun networkChanged(): Unit = Functions.networkChanged()

    /**
     * Gets the messages of the library for the log: those of this [level] and of the more important ones, for the whole
     * process. [LogLevel.OFF] ends it. They never contain secrets, or what peers send.
     *
     * The sink is called on the thread of the events, which waits for it.
     */
    @JvmStatic
    public fun setLog(level: LogLevel, sink: LogSink) {
        library()
        EventThread.setLogTarget(if (level == LogLevel.OFF) null else LogTarget(sink))
        Functions.queueSetLog(EventThread.queue, level.value, LOG_CAPACITY)
    }

    private class LogTarget(private val sink: LogSink) : Target {
        override fun onMessage(kind: Int, channel: Int, payload: Int, data: ByteArray) = Unit

        override fun onEvent(record: Record) {
            if (record.kind != EventKind.LOG) return
            val target = record.logTarget.orEmpty()
            sink.log(LogLevel.of(record.logLevel), target, record.text.orEmpty())
            if (record.dropped > 0) {
                sink.log(LogLevel.WARN, target, "${record.dropped} messages were dropped, because they came too fast")
            }
        }
    }
}

/** Receives the messages of the library for the log. */
public fun interface LogSink {
    /** One message of a part of the library. */
    public fun log(level: LogLevel, target: String, text: String)
}
