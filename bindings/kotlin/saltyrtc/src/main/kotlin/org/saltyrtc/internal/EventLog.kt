package org.saltyrtc.internal

import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import org.saltyrtc.Event

/** The events of a client, for any number of collectors: each gets all of them, also those from before it came. */
internal class EventLog(private val isFull: (Boolean) -> Unit) {
    private val history = ArrayDeque<Event>()
    private val inboxes = ArrayList<Inbox<Event>>()

    fun put(event: Event) {
        val woken = synchronized(this) {
            if (history.size == HISTORY) history.removeFirst()
            history.addLast(event)
            inboxes.filter { it.add(event, 0) }
        }
        for (inbox in woken) inbox.readable.fire()
    }

    val events: Flow<Event> = flow {
        val inbox = Inbox<Event>(isFull)
        synchronized(this@EventLog) {
            for (event in history) inbox.add(event, 0)
            inboxes.add(inbox)
        }
        try {
            do {
                val event = inbox.readable.until { inbox.take() }
                emit(event)
            } while (event !is Event.Closed)
        } finally {
            synchronized(this@EventLog) { inboxes.remove(inbox) }
            inbox.discard()
        }
    }

    private companion object {
        /** How many events are kept for collectors to come. */
        const val HISTORY = 512
    }
}
