package org.saltyrtc.internal

/** What the program has not taken yet. Many threads can put and take. */
internal class Inbox<T : Any>(private val isFull: (Boolean) -> Unit) {
    private class Entry<T>(val value: T, val size: Int)

    private val entries = ArrayDeque<Entry<T>>()
    private var size = 0L
    private var full = false

    val readable = Signal()

    /** Of everything that waits, in bytes. */
    val waiting: Long get() = synchronized(this) { size }

    fun put(value: T, size: Int) {
        if (add(value, size)) readable.fire()
    }

    /** As [put], for those who hold a lock: whoever is woken may run at once. Returns whether [readable] is to be fired. */
    fun add(value: T, size: Int): Boolean = synchronized(this) {
        entries.addLast(Entry(value, size + MESSAGE_COST))
        this.size += size + MESSAGE_COST
        if (!full && (this.size > HIGH_BYTES || entries.size >= HIGH_MESSAGES)) {
            full = true
            // With the lock: that there is room again must not overtake it.
            isFull(true)
        }
        // Those who wait look at all that is there, so the first one is enough.
        entries.size == 1
    }

    /** The next one, if there is one. */
    fun take(): T? = synchronized(this) {
        val entry = entries.removeFirstOrNull() ?: return null
        size -= entry.size
        if (full && size <= LOW_BYTES && entries.size <= LOW_MESSAGES) {
            full = false
            isFull(false)
        }
        entry.value
    }

    /** Throws away what nobody will take. */
    fun discard() = synchronized(this) {
        entries.clear()
        size = 0
        if (full) {
            full = false
            isFull(false)
        }
    }

    companion object {
        // If so much waits for the program, the client takes nothing more from the network …
        const val HIGH_BYTES = 1L shl 20
        const val HIGH_MESSAGES = 1024

        // … until so little waits.
        const val LOW_BYTES = 1L shl 18
        const val LOW_MESSAGES = 256

        // What a message costs besides its content, in bytes.
        const val MESSAGE_COST = 64
    }
}
