package org.saltyrtc.tests

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancel
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import org.saltyrtc.ClosedBy
import org.saltyrtc.ConnectionFailedException
import org.saltyrtc.CustomTask
import org.saltyrtc.Event
import org.saltyrtc.InvalidArgumentException
import org.saltyrtc.Invitation
import org.saltyrtc.KeyPair
import org.saltyrtc.Message
import org.saltyrtc.NotPossibleException
import org.saltyrtc.PeerFailedException
import org.saltyrtc.RelayedData
import org.saltyrtc.Responder
import org.saltyrtc.Status
import org.saltyrtc.internal.InboxFlow
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNotEquals
import kotlin.test.assertNotNull
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** Relayed data, custom tasks, application messages, trust, waiting and not waiting. */
class PeersTest {
    private val all = listOf(
        bytes("bytes"), Message.Bytes(ByteArray(0)), text("text"), text(""), text("a\u0000b"), text("Grüße 🧂"),
        value(mapOf("map" to listOf(1, null, true))), value(listOf(1.5)), value(7), value(null), value(false),
    )

    @Test
    fun hello() = withServer { server ->
        initiator(server).use { alice ->
            assertTrue("waiting" in alice.toString())
            Responder(alice.invitation.uri).use { bob ->
                val ofBob = alice.awaitPeer()
                val ofAlice = bob.awaitPeer()
                assertEquals(listOf(bob.publicKey, alice.publicKey), listOf(ofBob.peerKey, ofAlice.peerKey))
                assertEquals(1, ofAlice.address)
                assertTrue(ofBob.address >= 2)
                assertTrue(alice.isServerVerified && bob.isServerVerified)
                alice.send("Hello")
                bob.send("Hello, too")
                assertEquals(listOf(text("Hello"), text("Hello, too")), listOf(bob.receive(), alice.receive()))
            }
            // Bob has closed: that is how a conversation ends.
            assertEquals(emptyList(), alice.messages.toList())
            val end = assertNotNull(alice.end)
            assertEquals(Status.PEER_CLOSED, end.status)
            assertEquals(1001, end.closeCode)
            assertEquals(ClosedBy.PEER, end.closedBy)
            assertTrue(end.isClean)
            fails<NotPossibleException> { alice.receive() }
            fails<PeerFailedException> { alice.send("anybody?") }
            assertTrue("closed" in alice.toString())
        }
    }

    @Test
    fun `all kinds of messages`() = withServer { server ->
        pair(server) { alice, bob ->
            for (message in all) alice.send(message)
            assertEquals(all, bob.messages.take(all.size).toList())
            for (message in all) bob.application.send(message)
            assertEquals(all, alice.application.messages.take(all.size).toList())
            fails<InvalidArgumentException> { alice.send(value(Any())) }
        }
    }

    @Test
    fun `what was sent before the end arrives`() = withServer { server ->
        initiator(server).use { alice ->
            Responder(alice.invitation).use { bob ->
                bob.awaitPeer()
                for (number in 0 until 500) bob.send(value(number))
            }
            assertEquals((0 until 500).map { value(it) }, alice.messages.toList())
        }
    }

    @Test
    fun draining() = withServer { server ->
        pair(server) { alice, bob ->
            alice.drain()
            var count = 0
            while (alice.trySend(Message.Bytes(ByteArray(20_000)))) count++
            val receiving = launch { repeat(count) { bob.receive() } }
            for (amount in listOf(100_000L, 0L)) {
                alice.drain(amount)
                assertTrue(alice.bufferedAmount <= amount)
            }
            receiving.join()
            // The end of the connection is one, too.
            while (alice.trySend(Message.Bytes(ByteArray(20_000)))) Unit
            val draining = launch(start = CoroutineStart.UNDISPATCHED) { alice.drain() }
            bob.close()
            draining.join()
            fails<InvalidArgumentException> { alice.drain(-1) }
        }
    }

    @Test
    fun `custom task`() = withServer { server ->
        pair(
            server,
            initiator = { tasks = listOf(CustomTask(CUSTOM, mapOf("colour" to "white")), RelayedData()) },
            responder = { tasks = listOf(RelayedData(), CustomTask(CUSTOM)) },
        ) { alice, bob ->
            assertEquals(CUSTOM, alice.session.value?.task)
            assertNull(alice.session.value?.taskData)
            assertEquals(mapOf("colour" to "white"), bob.session.value?.taskData)
            bob.send(mapOf("type" to "move", "from" to "e2", "to" to "e4"))
            val move = alice.receive() as Message.Value
            assertEquals("e4", move["to"])
            assertEquals(value(mapOf("type" to "move", "from" to "e2", "to" to "e4")), move)
            for (wrong in listOf(value(mapOf("from" to "e2")), value(mapOf("type" to "close")), value(listOf(1)), text("text"))) {
                fails<InvalidArgumentException> { alice.send(wrong) }
            }
            alice.application.send("of the application")
            assertEquals("of the application", bob.application.receive().asText())
        }
    }

    @Test
    fun `every collector gets all events`() = withServer { server ->
        initiator(server).use { alice ->
            val early = async { alice.events.toList() }
            val bobsKey = Responder(alice.invitation).use { bob ->
                alice.awaitPeer()
                bob.awaitPeer()
                bob.publicKey
            }
            alice.awaitEnd()
            val events = early.await()
            assertEquals(events, alice.events.toList(), "one that comes late gets the same")
            assertTrue(events.first() is Event.ServerHandshakeDone)
            assertTrue(events.any { it is Event.ResponderJoined } && events.any { it is Event.TokenUsed })
            val done = events.filterIsInstance<Event.PeerHandshakeDone>().single()
            assertEquals(bobsKey, done.peerKey)
            assertTrue("relayed" in done.task && done.address >= 2)
            val closed = events.last() as Event.Closed
            assertEquals(Status.PEER_CLOSED, closed.status)
            assertTrue("closed" in closed.text, closed.text)
        }
    }

    @Test
    fun `trusted peers meet again`() = withServer { server ->
        val keys = listOf(KeyPair.generate(), KeyPair.generate())
        val stored = pair(server, initiator = { this.keys = keys[0] }, responder = { this.keys = keys[1] }) { alice, bob ->
            listOf(alice.trust(), bob.trust())
        }
        assertEquals(listOf(keys[1].publicKey, keys[0].publicKey), stored)
        // As after a restart: all that is left are the keys.
        pair(
            server,
            initiator = { this.keys = KeyPair(keys[0].copyBytes()); trustedPeer = stored[0] },
            responder = { this.keys = keys[1]; trustedPeer = stored[1] },
        ) { alice, bob ->
            assertNull(alice.invitation.token)
            alice.send("again")
            assertEquals(text("again"), bob.receive())
        }
    }

    @Test
    fun `a peer comes back`() = withServer { server ->
        val keys = KeyPair.generate()
        Proxy(server).use { proxy ->
            initiator(server) { rejoin = true }.use { alice ->
                val byProxy = Invitation.of(proxy.url, alice.publicKey, server.publicKey, alice.invitation.token)
                val key = Responder(byProxy) { this.keys = keys }.use { bob ->
                    alice.awaitPeer()
                    bob.awaitPeer()
                    alice.trust()
                    val key = bob.trust()
                    // It vanishes without a word.
                    proxy.cut()
                    alice.awaitEvent<Event.PeerLeft>()
                    assertEquals(Status.NO_PEER, fails<NotPossibleException> { alice.send("nobody") }.status)
                    val lost = fails<ConnectionFailedException> { bob.messages.toList() }
                    assertEquals(Status.CONNECTION_LOST, lost.status)
                    assertTrue(lost.isRetryable)
                    key
                }
                Responder(Invitation.of(server.url, key)) { this.keys = keys; trustedPeer = key }.use { again ->
                    again.awaitPeer()
                    assertEquals(keys.publicKey, alice.awaitPeer().peerKey)
                    alice.send("welcome back")
                    assertEquals(text("welcome back"), again.receive())
                }
            }
        }
    }

    @Test
    fun `another responder with a new token`() = withServer { server ->
        initiator(server) { rejoin = true }.use { alice ->
            Responder(alice.invitation).use { bob ->
                bob.awaitPeer()
                alice.dropResponder(alice.awaitPeer().address)
                assertEquals(Status.DROPPED_BY_INITIATOR, bob.awaitEnd().status)
            }
            val invitation = alice.inviteAgain()
            assertNotEquals(alice.invitation.token, invitation.token)
            Responder(invitation).use { carol ->
                carol.awaitPeer()
                carol.send("I am Carol")
                assertEquals(text("I am Carol"), alice.receive())
            }
        }
    }

    @Test
    fun `encrypt and decrypt`() = withServer { server ->
        pair(server) { alice, bob ->
            val secret = alice.encrypt(byteArrayOf(1, 2, 3))
            assertContentEquals(byteArrayOf(1, 2, 3), bob.decrypt(secret))
            secret[secret.size - 1] = (secret.last() + 1).toByte()
            assertEquals(Status.DECRYPTION_FAILED, fails<NotPossibleException> { bob.decrypt(secret) }.status)
        }
    }

    @Test
    fun `cancelling loses nothing`() = withServer { server ->
        pair(server) { alice, bob ->
            repeat(20) { launch(start = CoroutineStart.UNDISPATCHED) { bob.receive() }.cancelAndJoin() }
            assertFailsWith<TimeoutCancellationException> { withTimeout(10) { bob.receive() } }
            val sending = launch { for (number in 0 until 2000) alice.send(value(number)) }
            // Cancelled in the middle of the stream, at any place.
            val received = ArrayList<Message>()
            while (received.size < 2000) {
                val waiting = async(start = CoroutineStart.UNDISPATCHED) { bob.receive().also { received.add(it) } }
                waiting.cancelAndJoin()
                if (waiting.isCancelled && received.size < 2000) received.add(bob.receive())
            }
            sending.join()
            assertEquals((0 until 2000).map { value(it) }, received.toList())
        }
    }

    @Test
    fun `a collector that is cancelled loses nothing for the next one`() = withServer { server ->
        pair(server) { alice, bob ->
            val count = 5000
            val sending = launch { for (number in 0 until count) alice.send(value(number)) }
            val received = ArrayList<Message>()
            var collectors = 0
            while (received.size < count) {
                val before = received.size
                val begun = CompletableDeferred<Unit>()
                val collecting = launch {
                    bob.messages.collect {
                        received.add(it)
                        begun.complete(Unit)
                    }
                }
                begun.await()
                // By another thread, at any place.
                collecting.cancelAndJoin()
                collectors++
                assertTrue(received.size > before)
            }
            sending.join()
            assertEquals((0 until count).map { value(it) }, received.toList())
            assertTrue(collectors > 1)
        }
    }

    @Test
    fun `what was taken is given to the collector, also if it is cancelled just then`() = limited {
        val received = ArrayList<Int>()
        val collecting = launch {
            InboxFlow {
                currentCoroutineContext().cancel()
                1
            }.collect { received.add(it) }
        }
        collecting.join()
        assertEquals(listOf(1), received)
    }

    @Test
    fun `both send at once, from several threads`() = withServer { server ->
        pair(server) { alice, bob ->
            coroutineScope {
                for ((from, to) in listOf(alice to bob, bob to alice)) {
                    for (sender in 0 until 4) launch { repeat(500) { from.send(value(listOf(sender, it))) } }
                    launch {
                        val received = to.messages.take(2000).toList().map { (it as Message.Value).value as List<*> }
                        // Of each sender in its order.
                        for (sender in 0 until 4L) {
                            assertEquals((0 until 500L).toList(), received.filter { it[0] == sender }.map { it[1] })
                        }
                    }
                }
            }
        }
    }

    @Test
    fun `several receive at once`() = withServer { server ->
        pair(server) { alice, bob ->
            val receiving = List(4) { async { List(500) { bob.receive() } } }
            for (number in 0 until 2000) alice.send(value(number))
            val numbers = receiving.awaitAll().flatten().map { (it as Message.Value).value as Long }
            assertEquals((0 until 2000L).toList(), numbers.sorted())
        }
    }

    @Test
    fun `closing with messages that nobody takes`() = withServer { server ->
        initiator(server).use { alice ->
            Responder(alice.invitation).use { bob ->
                alice.awaitPeer()
                bob.awaitPeer()
                // Far more than an inbox takes, and Alice does not look at it.
                repeat(100) { bob.trySend(Message.Bytes(ByteArray(20_000))) }
                alice.core.paused.first { it }
                alice.close()
                assertEquals(Status.CLOSED, alice.awaitEnd().status)
                bob.awaitEnd()
            }
        }
    }

    @Test
    fun `an exception in the block closes too`() = withServer { server ->
        initiator(server).use { alice ->
            assertFailsWith<ArithmeticException> {
                Responder(alice.invitation).use { bob ->
                    bob.awaitPeer()
                    throw ArithmeticException()
                }
            }
            assertEquals(Status.PEER_CLOSED, alice.awaitEnd().status)
        }
    }

    @Test
    fun `the end of a scope reaches the peer`() = withServer { server ->
        initiator(server).use { alice ->
            val bobIsReady = CompletableDeferred<Unit>()
            val scope = launch {
                Responder(alice.invitation).use { bob ->
                    bob.awaitPeer()
                    bobIsReady.complete(Unit)
                    bob.messages.collect { }
                }
            }
            alice.awaitPeer()
            bobIsReady.await()
            scope.cancelAndJoin()
            assertEquals(Status.PEER_CLOSED, alice.awaitEnd().status)
        }
    }

    @Test
    fun `misuse is told`() = withServer { server ->
        initiator(server).use { alice ->
            assertEquals(Status.NO_PEER, fails<NotPossibleException> { alice.send("nobody") }.status)
            assertEquals(Status.NO_RTC, fails<NotPossibleException> { alice.openChannel("no WebRTC") }.status)
            assertEquals(Status.NO_RTC, fails<NotPossibleException> { alice.acceptChannel() }.status)
            alice.close()
            alice.close()
            assertEquals(Status.CLOSED, alice.awaitEnd().status)
            assertEquals(Status.CLOSED, fails<NotPossibleException> { alice.awaitPeer() }.status)
            assertFailsWith<NotPossibleException> { alice.trust() }
        }
    }

    @Test
    fun `closing while everybody waits`() = withServer { server ->
        initiator(server) { tasks = WEBRTC }.use { alice ->
            val waiting = listOf<suspend () -> Any>(
                { alice.awaitPeer() }, { alice.receive() }, { alice.application.receive() }, { alice.acceptChannel() },
                { alice.awaitHandover() }, { alice.awaitConnectionState(org.saltyrtc.ConnectionState.CONNECTED) },
            ).map { async(start = CoroutineStart.UNDISPATCHED) { runCatching { it() }.exceptionOrNull() } }
            alice.close()
            for (error in waiting.awaitAll()) assertTrue(error is NotPossibleException && error !is CancellationException, "$error")
        }
    }
}
