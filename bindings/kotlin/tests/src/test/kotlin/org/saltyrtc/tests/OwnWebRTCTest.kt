package org.saltyrtc.tests

import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.launch
import org.saltyrtc.InvalidArgumentException
import org.saltyrtc.Message
import org.saltyrtc.NotPossibleException
import org.saltyrtc.Ortc
import org.saltyrtc.OwnWebRTC
import org.saltyrtc.Peer
import org.saltyrtc.SecureChannel
import org.saltyrtc.SignallingTransport
import org.saltyrtc.Status
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** WebRTC and ORTC of the program's own: its stack is a queue here. */
class OwnWebRTCTest {
    private val offer = Message.Description("offer", "v=0\r\n")
    private val capabilities = mapOf("type" to "sctp-capabilities", "capabilities" to mapOf("maxMessageSize" to 16384))

    @Test
    fun `descriptions and candidates`() = withServer { server ->
        pair(server, both = { tasks = listOf(OwnWebRTC(exclude = listOf(0, 1, 2))) }) { alice, bob ->
            alice.send(offer)
            val received = bob.receive() as Message.Description
            assertEquals(listOf("offer", "v=0\r\n"), listOf(received.type, received.sdp))
            val candidates = listOf(
                Message.Candidate("candidate:1 1 udp 1 192.0.2.1 5 typ host", "0", 0, "user"),
                Message.Candidate("", "0"),
                Message.Candidate(null),
            )
            for (candidate in candidates) alice.send(candidate)
            for (sent in candidates) {
                val it = bob.receive() as Message.Candidate
                assertEquals(
                    listOf(sent.candidate, sent.sdpMid, sent.sdpMLineIndex, sent.usernameFragment),
                    listOf(it.candidate, it.sdpMid, it.sdpMLineIndex, it.usernameFragment),
                )
            }
            bob.send(Message.Description("answer", "v=0\r\n"))
            assertEquals("answer", (alice.receive() as Message.Description).type)
            assertEquals(Status.OTHER_ROLE, fails<NotPossibleException> { bob.send(offer) }.status)
            fails<InvalidArgumentException> { alice.send("text") }
        }
    }

    @Test
    fun `messages of ORTC`() = withServer { server ->
        val parameters = mapOf(
            "type" to "ice-parameters",
            "parameters" to mapOf("usernameFragment" to "abcd", "password" to "0123456789abcdef01234567", "iceLite" to false),
        )
        val candidates = mapOf(
            "type" to "ice-candidates",
            "candidates" to listOf(mapOf("candidate" to mapOf("complete" to true), "label" to "handover")),
        )
        pair(server, both = { tasks = listOf(Ortc(exclude = listOf(0, 1))) }) { alice, bob ->
            assertEquals("v0.ortc.tasks.saltyrtc.org", alice.session.value?.task)
            assertEquals(2, alice.signallingChannel().id)
            for ((one, other) in listOf(alice to bob, bob to alice)) {
                for (message in listOf(capabilities, capabilities + ("label" to "handover"), parameters, candidates)) {
                    one.send(message)
                    val received = (other.receive() as Message.Value).value as Map<*, *>
                    assertEquals(message.keys, received.keys)
                    assertEquals(message["label"], received["label"])
                    assertEquals(message["candidates"], received["candidates"])
                }
            }
            for (wrong in listOf(value(mapOf("type" to "sctp-capabilities")), value(mapOf("type" to "unknown")), text("text"), value(1))) {
                fails<InvalidArgumentException> { alice.send(wrong) }
            }
        }
        pair(server, both = { tasks = listOf(Ortc(handover = false)) }) { alice, _ ->
            val error = fails<NotPossibleException> { alice.send(capabilities + ("label" to "handover")) }
            assertEquals(Status.NO_HANDOVER, error.status)
        }
    }

    /** A data channel between two peers: what one sends, the other receives, one after the other. */
    private class Wire(private val to: Peer) : SignallingTransport {
        val messages = Channel<ByteArray>(Channel.UNLIMITED)
        val closed = CompletableDeferred<Unit>()

        @Volatile
        var works = true

        override fun send(data: ByteArray) {
            check(works) { "the data channel is gone" }
            messages.trySend(data)
        }

        override fun close() {
            messages.close()
        }

        suspend fun run() {
            for (message in messages) to.transportReceive(message)
            to.transportClosed()
            closed.complete(Unit)
        }
    }

    private suspend fun handedOver(
        server: org.saltyrtc.Server,
        task: org.saltyrtc.Task,
        test: suspend (org.saltyrtc.Initiator, org.saltyrtc.Responder, Wire, Wire) -> Unit,
    ) = pair(server, both = { tasks = listOf(task) }) { alice, bob ->
        assertEquals(alice.signallingChannel().toString(), bob.signallingChannel().toString())
        val wires = listOf(Wire(bob), Wire(alice))
        kotlinx.coroutines.coroutineScope {
            wires.forEach { launch { it.run() } }
            alice.handOver(16384, wires[0])
            bob.handOver(16384, wires[1])
            alice.awaitHandover()
            bob.awaitHandover()
            test(alice, bob, wires[0], wires[1])
            wires.forEach { it.close() }
        }
    }

    @Test
    fun `handover to a channel of the program`() = withServer { server ->
        for ((task, message) in listOf(OwnWebRTC(exclude = listOf(0, 1)) to offer, Ortc(exclude = listOf(0, 1)) to value(capabilities))) {
            handedOver(server, task) { alice, bob, toBob, _ ->
                alice.send(message)
                assertEquals(message.javaClass, bob.receive().javaClass)
                bob.application.send(ByteArray(100_000))
                assertEquals(100_000, alice.application.receive().asBytes().size)
                SecureChannel(alice, 5).use { one ->
                    val encrypted = one.encrypt("for channel 5".encodeToByteArray())
                    SecureChannel(bob, 6).use { fails<NotPossibleException> { it.decrypt(encrypted) } }
                    SecureChannel(bob, 5).use { assertContentEquals("for channel 5".encodeToByteArray(), it.decrypt(encrypted)) }
                }
                alice.close()
                assertEquals(Status.PEER_CLOSED, bob.awaitEnd().status)
                toBob.closed.await()
                assertEquals(Status.CLOSED, alice.awaitEnd().status)
            }
        }
    }

    @Test
    fun `a channel that breaks ends the signalling`() = withServer { server ->
        val reported = CompletableDeferred<Throwable>()
        val before = Thread.getDefaultUncaughtExceptionHandler()
        Thread.setDefaultUncaughtExceptionHandler { _, error -> reported.complete(error) }
        try {
            handedOver(server, OwnWebRTC()) { _, bob, _, toAlice ->
                toAlice.works = false
                bob.application.send("into the void")
                assertEquals(Status.SIGNALLING_CHANNEL_LOST, bob.awaitEnd().status)
                assertTrue("the data channel is gone" in reported.await().message.orEmpty())
            }
        } finally {
            Thread.setDefaultUncaughtExceptionHandler(before)
        }
    }
}
