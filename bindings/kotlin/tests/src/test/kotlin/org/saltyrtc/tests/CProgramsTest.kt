package org.saltyrtc.tests

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import org.saltyrtc.ChannelOptions
import org.saltyrtc.Initiator
import org.saltyrtc.Invitation
import org.saltyrtc.KeyPair
import org.saltyrtc.Peer
import org.saltyrtc.PublicKey
import org.saltyrtc.Responder
import org.saltyrtc.Status
import org.saltyrtc.WebRTC
import java.io.File
import java.nio.ByteBuffer
import java.security.MessageDigest
import java.util.Random
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** The C programs of the examples with Kotlin at the other end. */
class CProgramsTest {
    private fun <R> withMemory(test: (File) -> R): R {
        val folder = kotlin.io.path.createTempDirectory("saltyrtc").toFile()
        try {
            return test(File(folder, "trusted.txt"))
        } finally {
            folder.deleteRecursively()
        }
    }

    private suspend fun <R> io(block: () -> R): R = withContext(Dispatchers.IO) { block() }

    @Test
    fun `chat, invited by C`() = limited {
        cProgram("chat", "initiate").use { program ->
            val invitation = io { program.line("ws://") }
            Responder(invitation).use { bob ->
                bob.awaitPeer()
                io { program.told("connected, end-to-end encrypted") }
                io { program.type("Grüße, Bob!\n") }
                assertEquals("Grüße, Bob!", bob.receive().asText())
                bob.send("Hello, Alice!")
                io { program.line("Hello, Alice!") }
                io { program.type((0 until 200).joinToString("") { "line $it\n" }) }
                for (number in 0 until 200) assertEquals("line $number", bob.receive().asText())
                io { program.endOfInput() }
                assertEquals(Status.PEER_CLOSED, bob.awaitEnd().status)
                io { program.ends() }
            }
        }
    }

    @Test
    fun `chat, joined by C`() = withServer { server ->
        initiator(server).use { alice ->
            cProgram("chat", "join", alice.invitation.uri).use { program ->
                alice.awaitPeer()
                alice.send("Hello, Bob!")
                io { program.line("Hello, Bob!") }
                io { program.type("and back\n") }
                assertEquals("and back", alice.receive().asText())
                alice.close()
                io { program.told("closed") }
                io { program.endOfInput() }
                io { program.ends() }
            }
        }
    }

    @Test
    fun `Kotlin joins C, which remembers it`() = withServer { server ->
        val keys = KeyPair.generate()
        withMemory { memory ->
            cProgram("trusted", memory.path, "initiate", server.url, "3").use { program ->
                limited {
                    val uri = io { program.line("invitation: ") }.split(" ")[1]
                    val key = Responder(uri) { this.keys = keys }.use { bob ->
                        bob.awaitPeer()
                        val key = bob.trust()
                        bob.send("hello")
                        assertEquals("hello yourself", bob.receive().asText())
                        key
                    }
                    // From now on: without a token. Both have the other's key.
                    repeat(2) {
                        Responder(Invitation.of(server.url, key)) { this.keys = keys; trustedPeer = key }.use { bob ->
                            io { program.line("connected without a token") }
                            assertEquals(key, bob.awaitPeer().peerKey)
                            bob.send("hello")
                            assertEquals("hello yourself", bob.receive().asText())
                        }
                    }
                    io { program.ends() }
                    val (_, secret, _, peer) = memory.readText().trim().split(Regex("\\s+"))
                    assertEquals(listOf(key, keys.publicKey), listOf(KeyPair(secret).publicKey, PublicKey(peer)))
                }
            }
        }
    }

    @Test
    fun `C joins Kotlin, also after it was killed`() = withServer { server ->
        val keys = KeyPair.generate()
        withMemory { memory ->
            limited {
                val key = initiator(server) { this.keys = keys }.use { alice ->
                    cProgram("trusted", memory.path, "join", alice.invitation.uri).use { program ->
                        alice.awaitPeer()
                        val key = alice.trust()
                        assertEquals("hello", alice.receive().asText())
                        alice.send("hello yourself")
                        io { program.line("received: hello yourself") }
                        io { program.ends() }
                        key
                    }
                }
                initiator(server) { this.keys = keys; trustedPeer = key; rejoin = true }.use { alice ->
                    assertNull(alice.invitation.token)
                    cProgram("trusted", memory.path, "join", "stay").use { program ->
                        io { program.line("connected without a token") }
                        assertEquals("hello", alice.receive().asText())
                        program.kill()
                    }
                    cProgram("trusted", memory.path, "join").use { program ->
                        io { program.line("connected without a token") }
                        assertEquals("hello", alice.receive().asText())
                        alice.send("hello yourself")
                        io { program.ends() }
                    }
                }
            }
        }
    }

    // The protocol of the program send_file is in examples-web/PROTOCOL.md.

    private fun message(type: Int, size: Int, fill: ByteBuffer.() -> Unit): ByteArray =
        ByteBuffer.allocate(1 + size).put(type.toByte()).apply(fill).array()

    @Test
    fun `a hundred mebibytes to C`() = withServer { server ->
        val folder = kotlin.io.path.createTempDirectory("saltyrtc").toFile()
        try {
            val piece = ByteArray(65_000)
            val size = 100L shl 20
            fun content(random: Random, sent: Long) =
                piece.copyOf(minOf(size - sent, piece.size.toLong()).toInt()).also(random::nextBytes)

            val digest = MessageDigest.getInstance("SHA-256")
            var hashed = 0L
            val random = Random(7)
            while (hashed < size) hashed += content(random, hashed).also(digest::update).size
            val hash = digest.digest()
            initiator(server) { tasks = listOf(WebRTC()) }.use { alice ->
                cProgram("send_file", "receive", alice.invitation.uri, folder.path).use { program ->
                    alice.awaitPeer()
                    val channel = alice.openChannel("file", ChannelOptions(protocol = "v1.file.saltyrtc.org"))
                    channel.send(message(OFFER, 8 + 32 + 7) { putLong(size).put(hash).put("big.bin".toByteArray()) })
                    assertEquals(message(ACCEPT, 8) { putLong(0) }.toList(), channel.receive().asBytes().toList())
                    var sent = 0L
                    val again = Random(7)
                    while (sent < size) {
                        val data = content(again, sent)
                        channel.send(message(DATA, data.size) { put(data) })
                        sent += data.size
                    }
                    // It has compared the hashes.
                    assertEquals(listOf(RECEIVED.toByte()), channel.receive().asBytes().toList())
                    channel.close()
                    io { program.line("received: ") }
                    assertEquals(size, File(folder, "big.bin").length())
                }
            }
        } finally {
            folder.deleteRecursively()
        }
    }

    @Test
    fun `a file from C`() = limited {
        val file = File.createTempFile("from C", ".bin").apply { deleteOnExit() }
        val content = ByteArray(3_000_001).also(Random(8)::nextBytes)
        file.writeBytes(content)
        cProgram("send_file", "send", file.path).use { program ->
            Responder(io { program.line("ws://") }) { tasks = listOf(WebRTC()) }.use { bob ->
                val channel = bob.acceptChannel()
                assertEquals(listOf("file", "v1.file.saltyrtc.org"), listOf(channel.label, channel.protocol))
                val offer = ByteBuffer.wrap(channel.receive().asBytes())
                assertEquals(listOf(OFFER.toByte(), content.size.toLong()), listOf(offer.get(), offer.getLong()))
                val hash = ByteArray(32).also { offer.get(it) }
                channel.send(message(ACCEPT, 8) { putLong(0) })
                val digest = MessageDigest.getInstance("SHA-256")
                var received = 0
                while (received < content.size) {
                    val data = channel.receive().asBytes()
                    assertEquals(DATA.toByte(), data[0])
                    digest.update(data, 1, data.size - 1)
                    received += data.size - 1
                }
                assertEquals(hash.toList(), digest.digest().toList())
                channel.send(message(RECEIVED, 0) { })
                io { program.line("sent: ") }
                io { program.ends() }
                assertEquals(Status.PEER_CLOSED, bob.awaitEnd().status)
            }
        }
    }

    private companion object {
        const val OFFER = 1
        const val ACCEPT = 2
        const val DATA = 3
        const val RECEIVED = 4
    }

    @Test
    fun `on a server in C`() = limited {
        cProgram("server").use { program ->
            val url = io { program.line("ws://") }
            val key = PublicKey(io { program.line() })
            Initiator(url) { serverKey = key }.use { alice ->
                Responder(alice.invitation).use { bob ->
                    alice.awaitPeer()
                    bob.awaitPeer()
                    assertTrue(alice.isServerVerified && bob.isServerVerified)
                    alice.send("by way of C")
                    assertEquals("by way of C", bob.receive().asText())
                    // It goes away in good order, and says so.
                    io { program.endOfInput() }
                    io { program.ends() }
                    for (peer in listOf<Peer>(alice, bob)) {
                        val end = peer.awaitEnd()
                        assertEquals(listOf(Status.SERVER_GOING_AWAY, 1001, true), listOf(end.status, end.closeCode, end.isRetryable))
                    }
                }
            }
        }
    }
}
