package org.saltyrtc.tests

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import org.saltyrtc.Initiator
import org.saltyrtc.Invitation
import org.saltyrtc.KeyPair
import org.saltyrtc.Peer
import org.saltyrtc.PublicKey
import org.saltyrtc.Responder
import org.saltyrtc.Status
import java.io.File
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
                    val (secret, peer) = memory.readText().trim().split(Regex("\\s+"))
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
