package org.saltyrtc.tests

import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.launch
import org.saltyrtc.Event
import org.saltyrtc.Message
import org.saltyrtc.SaltyRTCException
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** The receiver is slow: then the sender waits, and nothing piles up or gets lost. */
class BackPressureTest {
    @Test
    fun `the receiver is slow, and memory does not grow`() = withServer { server ->
        pair(server) { alice, bob ->
            val sending = launch { for (number in 0 until 400) alice.send(numbered(number, 100_000)) }
            bob.core.paused.first { it }
            assertTrue(sending.isActive, "40 MB have nowhere to wait")
            var largest = 0L
            var expected = 0
            // A collector that is slower than the network.
            bob.messages.take(400).collect { message ->
                largest = maxOf(largest, bob.core.inbox.waiting)
                assertEquals(expected++, numberOf(message))
            }
            sending.join()
            assertTrue(largest < 8 shl 20, "$largest bytes waited")
        }
    }

    @Test
    fun `cancelling a send that waits`() = withServer { server ->
        pair(server, both = { maxQueueSize = 1 shl 16 }) { alice, bob ->
            var sent = 0
            // Nobody receives: after a while there is no room.
            while (true) {
                while (alice.trySend(Message.Bytes(numbered(sent, 20_000)))) sent++
                val waiting = async(start = CoroutineStart.UNDISPATCHED) { alice.send(numbered(sent, 20_000)) }
                if (waiting.isCompleted) {
                    sent++
                    continue
                }
                waiting.cancelAndJoin()
                if (waiting.isCancelled) break
                sent++
            }
            val last = async { alice.send("last") }
            for (number in 0 until sent) assertEquals(number, numberOf(bob.receive()))
            assertEquals(text("last"), bob.receive())
            last.await()
        }
    }

    @Test
    fun `several drain at once`() = withServer { server ->
        pair(server) { alice, bob ->
            var count = 0
            while (alice.trySend(Message.Bytes(ByteArray(20_000)))) count++
            // There is one mark for all: the last one must not take it away from the others.
            val draining = listOf(0L, 50_000L, 200_000L).map { launch(start = CoroutineStart.UNDISPATCHED) { alice.drain(it) } }
            repeat(count) { bob.receive() }
            draining.forEach { it.join() }
            assertEquals(0, alice.bufferedAmount)
        }
    }

    @Test
    fun `a collector of events that is slow gets all`() = withServer { server ->
        pair(server, both = { tasks = WEBRTC }) { alice, bob ->
            val allAreOpen = CompletableDeferred<Unit>()
            val collecting = async {
                val labels = ArrayList<String>()
                bob.events.first { event ->
                    allAreOpen.await()
                    if (event is Event.ChannelOpened) labels.add(event.label)
                    labels.size == 100
                }
                labels
            }
            repeat(100) {
                alice.openChannel("$it")
                bob.acceptChannel()
            }
            allAreOpen.complete(Unit)
            assertEquals(List(100) { "$it" }, collecting.await())
        }
    }

    @Test
    fun `closing while a send waits`() = withServer { server ->
        pair(server, both = { maxQueueSize = 1 shl 16 }) { alice, bob ->
            while (alice.trySend(Message.Bytes(ByteArray(20_000)))) Unit
            val sending = async(start = CoroutineStart.UNDISPATCHED) { runCatching { alice.send(ByteArray(20_000)) } }
            alice.close()
            bob.close()
            alice.awaitEnd()
            // Either there was room in time, or it fails.
            assertTrue(sending.await().exceptionOrNull().let { it == null || it is SaltyRTCException })
        }
    }
}
