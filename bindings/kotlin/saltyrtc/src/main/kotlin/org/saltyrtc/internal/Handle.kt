package org.saltyrtc.internal

import com.sun.jna.Pointer
import org.saltyrtc.NotPossibleException
import org.saltyrtc.Status
import java.util.concurrent.atomic.AtomicInteger

/** An object of the library, which is freed when it is closed and no thread uses it any more. */
internal class Handle(private val pointer: Pointer, private val free: (Pointer) -> Unit) {
    // How many use it, and one for being open.
    private val users = AtomicInteger(1)

    @Volatile
    private var closed = false

    fun acquire(): Pointer? {
        while (!closed) {
            val count = users.get()
            if (count == 0) return null
            if (users.compareAndSet(count, count + 1)) return pointer
        }
        return null
    }

    fun release() {
        if (users.decrementAndGet() == 0) free(pointer)
    }

    /** Calls a function with the object; null if it is closed. */
    inline fun <R : Any> use(function: (Pointer) -> R): R? {
        val pointer = acquire() ?: return null
        try {
            return function(pointer)
        } finally {
            release()
        }
    }

    fun close() {
        synchronized(this) {
            if (closed) return
            closed = true
        }
        release()
    }
}

/** Calls a function with the object. Throws if it is closed. */
internal fun <R : Any> Handle.useOrThrow(function: (Pointer) -> R): R =
    use(function) ?: throw NotPossibleException(Status.CLOSED, "this object is closed")
