package org.saltyrtc.internal

/** The low-water mark, of which there is one, for all those who wait, each for an amount of its own. */
internal class LowWater(
    private val bufferedAmount: () -> Long,
    private val setMark: (Long) -> Unit,
    private val wake: () -> Unit,
) {
    private var mark = -1L

    /** Whether no more than this waits to be sent. If not, there is an event when it is worth asking again. */
    fun isReached(amount: Long): Boolean {
        if (amount < 0) throw badArgument("amount has to be at least 0, not $amount: never does less than nothing wait")
        if (bufferedAmount() <= amount) return true
        val late = synchronized(this) {
            if (amount <= mark) return false
            // The first that is reached. The others set theirs when they are woken then.
            mark = amount
            setMark(amount)
            // There is no event about what was sent before the mark was set, neither for the others.
            (bufferedAmount() <= amount).also { if (it) mark = -1 }
        }
        if (late) wake()
        return late
    }

    /** There was the event. Those who wait are woken next. */
    fun wasReached() = synchronized(this) { mark = -1 }
}
