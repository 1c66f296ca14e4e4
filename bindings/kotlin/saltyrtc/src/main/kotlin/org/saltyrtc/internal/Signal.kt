package org.saltyrtc.internal

import kotlinx.coroutines.CancellableContinuation
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlin.coroutines.resume

/** Coroutines wait for this. It carries nothing: those who are woken look for themselves, so that nothing gets lost
 * with one that was cancelled meanwhile. */
internal class Signal {
    private var waiting = ArrayList<CancellableContinuation<Unit>>()
    private var count = 0L

    /** Wakes who waits. */
    fun fire() {
        val woken = synchronized(this) {
            count++
            if (waiting.isEmpty()) return
            waiting.also { waiting = ArrayList() }
        }
        for (continuation in woken) continuation.resume(Unit)
    }

    fun seen(): Long = synchronized(this) { count }

    /** Waits until it has fired since. */
    suspend fun await(since: Long) {
        suspendCancellableCoroutine { continuation ->
            val late = synchronized(this) {
                if (count == since) waiting.add(continuation)
                count != since
            }
            if (late) {
                continuation.resume(Unit)
            } else {
                continuation.invokeOnCancellation { synchronized(this) { waiting.remove(continuation) } }
            }
        }
    }

    /** The answer of an attempt, which is made again whenever this fires, until it is not null. */
    suspend inline fun <R : Any> until(attempt: () -> R?): R {
        while (true) {
            val since = seen()
            attempt()?.let { return it }
            await(since)
        }
    }
}
