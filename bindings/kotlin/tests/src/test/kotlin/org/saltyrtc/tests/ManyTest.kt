package org.saltyrtc.tests

import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.launch
import org.saltyrtc.Responder
import org.saltyrtc.Server
import org.saltyrtc.ServerLimit
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** Many messages, and many clients. */
class ManyTest {
    private val messages = 100_000

    @Test
    fun `a hundred thousand messages each way, in order`() = withServer { server ->
        pair(server) { alice, bob -> coroutineScope {
            for ((from, to) in listOf(alice to bob, bob to alice)) {
                launch { for (number in 0 until messages) from.send(numbered(number, 64)) }
                launch {
                    // Bob takes nothing until Alice's messages have nowhere to wait.
                    if (to === bob) bob.core.paused.first { it }
                    var expected = 0
                    to.messages.take(messages).collect { assertEquals(expected++, numberOf(it)) }
                    assertEquals(messages, expected)
                }
            }
        } }
    }

    @Test
    fun `a thousand clients in one process`() = limited {
        Server { limits = mapOf(ServerLimit.ACCEPT_RATE to null) }.use { server ->
            javaProgram(
                "org.saltyrtc.tests.CrowdKt", "$CLIENTS", "$ROUNDS", server.url, "${server.publicKey}", 
                // So that the memory of the process does not grow with a heap that has room.
                options = listOf("-Xms96m", "-Xmx96m", "-XX:+AlwaysPreTouch", "-XX:+UseSerialGC"),
            ).use { program ->
                repeat(ROUNDS) {
                    List(CLIENTS) { program.line("ws://") }.map { invitation ->
                        async {
                            Responder(invitation).use { peer ->
                                peer.messages.collect { peer.send(it) }
                            }
                        }
                    }.awaitAll()
                }
                val (threads, descriptors, heap, memory) = program.line("left").split(" ").drop(1).chunked(ROUNDS) { it.map(String::toLong) }
                program.ends()
                assertTrue(threads.max() < FEW_THREADS, "threads: $threads")
                assertTrue(descriptors.max() < 60, "descriptors: $descriptors")
                // What the first round needs is kept for the next.
                assertTrue(heap.last() < heap.first() * 1.1 + (1 shl 20), "heap: $heap")
                assertTrue(memory.last() < memory.first() * 1.2 + (16 shl 20), "memory: $memory")
            }
        }
    }

    private companion object {
        const val CLIENTS = 1000
        const val ROUNDS = 3
    }
}
