package org.saltyrtc.tests

import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import org.saltyrtc.CandidateType
import org.saltyrtc.ChannelOptions
import org.saltyrtc.ConnectionState
import org.saltyrtc.Event
import org.saltyrtc.InvalidArgumentException
import org.saltyrtc.Message
import org.saltyrtc.NotPossibleException
import org.saltyrtc.RelayedData
import org.saltyrtc.RtcTasks
import org.saltyrtc.SaltyRTCException
import org.saltyrtc.Status
import org.saltyrtc.WebRTC
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** Channels of the built-in WebRTC. */
class WebRTCTest {
    @Test
    fun channels() = withServer { server ->
        val bob = pair(server, both = { tasks = WEBRTC }) { alice, bob ->
            val channel = alice.openChannel("files", ChannelOptions(protocol = "v1"))
            val other = bob.acceptChannel()
            for (it in listOf(channel, other)) assertEquals(listOf("files", "v1"), listOf(it.label, it.protocol))
            assertTrue(other.isOpenedByPeer && !channel.isOpenedByPeer && channel.isOpen)
            assertEquals("Channel(${channel.number}, open)", channel.toString())
            val opened = bob.awaitEvent<Event.ChannelOpened>()
            assertTrue(opened.label == "files" && "files" !in opened.toString(), "$opened")
            channel.send("text")
            channel.send(ByteArray(100_000))
            channel.send(ByteArray(0))
            assertEquals(
                listOf(bytes("text"), Message.Bytes(ByteArray(100_000)), Message.Bytes(ByteArray(0))), other.messages.take(3).toList(),
            )
            other.send(byteArrayOf(1))
            assertContentEquals(byteArrayOf(1), channel.receive().asBytes())
            alice.awaitHandover()
            bob.awaitHandover()
            assertEquals(ConnectionState.CONNECTED, alice.connectionState.value)
            val stats = alice.stats()
            assertTrue(stats.bytesSent > 100_000 && stats.channels == 1 && "127.0.0.1" in stats.localAddress, "$stats")
            assertEquals(listOf<Any>(CandidateType.HOST, ConnectionState.CONNECTED), listOf(stats.localType, stats.state))
            channel.close()
            channel.awaitEnd()
            assertEquals(emptyList(), other.messages.toList())
            assertEquals(Status.CHANNEL_NOT_OPEN, fails<NotPossibleException> { channel.send("late") }.status)
            // Independent of channels, and after the handover.
            alice.application.send("over the connection")
            assertEquals(text("over the connection"), bob.application.receive())
            assertTrue("openChannel" in fails<NotPossibleException> { alice.send("not with this task") }.text)
            fails<InvalidArgumentException> { alice.openChannel("x").send(Message.Value(1)) }
            bob
        }
        bob.awaitEnd()
        bob.channels.toList()
    }

    @Test
    fun `plain, unreliable and negotiated channels`() = withServer { server ->
        val webrtc = WebRTC(addresses = listOf("127.0.0.1"), plainLabels = listOf("plain"), negotiatedIds = listOf(7))
        pair(server, both = { tasks = listOf(webrtc) }) { alice, bob ->
            val plain = alice.openChannel("plain", ChannelOptions(plain = true))
            val plainOther = bob.acceptChannel()
            plain.send("text stays text")
            plain.send("bytes".encodeToByteArray())
            assertEquals(listOf(text("text stays text"), bytes("bytes")), plainOther.messages.take(2).toList())
            val negotiated = ChannelOptions(negotiatedId = 7)
            val (one, two) = listOf(alice, bob).map { async { it.openChannel("n", negotiated) } }.awaitAll()
            one.send("negotiated")
            assertEquals(bytes("negotiated"), two.receive())
            for (options in listOf(ChannelOptions(maxRetransmits = 3), ChannelOptions(maxLifetimeMillis = 1500, ordered = false))) {
                alice.openChannel("lossy", options).send("datagram")
                assertEquals(bytes("datagram"), bob.acceptChannel().receive())
            }
            fails<InvalidArgumentException> { alice.openChannel("both", ChannelOptions(maxRetransmits = 1, maxLifetimeMillis = 1)) }
        }
    }

    @Test
    fun `described with ORTC`() = withServer { server ->
        val ortc = WebRTC(addresses = listOf("127.0.0.1"), tasks = RtcTasks.ORTC)
        pair(server, both = { tasks = listOf(ortc) }) { alice, bob ->
            assertEquals("v0.ortc.tasks.saltyrtc.org", alice.session.value?.task)
            alice.openChannel("one").send("hello")
            assertEquals(bytes("hello"), bob.acceptChannel().receive())
        }
    }

    @Test
    fun `the end of the connection ends channels`() = withServer { server ->
        pair(server, both = { tasks = WEBRTC }) { alice, bob ->
            val channel = alice.openChannel("one")
            val other = bob.acceptChannel()
            channel.send("last words")
            alice.close()
            assertEquals(listOf<Message>(bytes("last words")), other.messages.toList())
            fails<SaltyRTCException> { other.send("late") }
            bob.awaitEnd()
            fails<SaltyRTCException> { bob.openChannel("late") }
        }
    }

    @Test
    fun `opening can be cancelled`() = withServer { server ->
        pair(server, both = { tasks = WEBRTC }) { alice, bob ->
            repeat(5) { launch(start = CoroutineStart.UNDISPATCHED) { alice.openChannel("never") }.cancelAndJoin() }
            alice.openChannel("then").send("works")
            assertEquals(bytes("works"), bob.channels.first { it.label == "then" }.receive())
        }
    }

    @Test
    fun `the receiver of a channel is slow`() = withServer { server ->
        val webrtc = WebRTC(addresses = listOf("127.0.0.1"), maxBuffered = 1 shl 20)
        pair(server, both = { tasks = listOf(webrtc) }) { alice, bob ->
            val channel = alice.openChannel("bulk")
            val other = bob.acceptChannel()
            val sending = launch {
                for (number in 0 until 600) channel.send(numbered(number, 65_000))
                channel.drain()
                assertEquals(0, channel.bufferedAmount)
            }
            bob.core.paused.first { it }
            assertTrue(sending.isActive, "39 MB have nowhere to wait")
            for (number in 0 until 600) assertEquals(number, numberOf(other.receive()))
            sending.join()
        }
    }

    @Test
    fun `several drain a channel at once`() = withServer { server ->
        pair(server, both = { tasks = WEBRTC }) { alice, bob ->
            val channel = alice.openChannel()
            val other = bob.acceptChannel()
            var count = 0
            while (channel.trySend(Message.Bytes(ByteArray(20_000)))) count++
            val draining = listOf(0L, 50_000L, 200_000L).map { launch(start = CoroutineStart.UNDISPATCHED) { channel.drain(it) } }
            repeat(count) { other.receive() }
            draining.forEach { it.join() }
            assertEquals(0, channel.bufferedAmount)
            fails<InvalidArgumentException> { channel.drain(-1) }
        }
    }

    @Test
    fun `what a closed channel got does not stop the others`() = withServer { server ->
        pair(server, both = { tasks = WEBRTC }) { alice, bob ->
            val channel = alice.openChannel()
            val other = bob.acceptChannel()
            repeat(2000) { channel.send("nobody takes this") }
            bob.core.paused.first { it }
            other.close()
            bob.core.paused.first { !it }
            alice.application.send("can be heard")
            assertEquals(text("can be heard"), bob.application.receive())
        }
    }

    @Test
    fun `channels without WebRTC do not come`() = withServer { server ->
        initiator(server) { tasks = listOf(RelayedData()) + WEBRTC }.use { alice ->
            // While there is no peer, channels may still come.
            val waiting = listOf<suspend () -> Any>({ alice.acceptChannel() }, { alice.awaitConnectionState(ConnectionState.CONNECTED) })
                .map { async(start = CoroutineStart.UNDISPATCHED) { fails<NotPossibleException> { it() } } }
            org.saltyrtc.Responder(alice.invitation).use { bob ->
                for (error in waiting.awaitAll()) assertEquals(Status.NO_RTC, error.status)
                bob.awaitPeer()
                assertEquals(Status.NO_RTC, fails<NotPossibleException> { bob.acceptChannel() }.status)
                for (peer in listOf(alice, bob)) {
                    assertEquals(Status.NO_HANDOVER, fails<NotPossibleException> { peer.awaitHandover() }.status)
                }
            }
        }
    }
}
