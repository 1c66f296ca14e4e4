package org.saltyrtc.tests

import kotlinx.coroutines.launch
import org.saltyrtc.ClosedBy
import org.saltyrtc.ConnectionFailedException
import org.saltyrtc.CustomTask
import org.saltyrtc.Event
import org.saltyrtc.Initiator
import org.saltyrtc.InvalidArgumentException
import org.saltyrtc.Invitation
import org.saltyrtc.KeyPair
import org.saltyrtc.NotPossibleException
import org.saltyrtc.Peer
import org.saltyrtc.PeerFailedException
import org.saltyrtc.PeerOptions
import org.saltyrtc.Responder
import org.saltyrtc.Retry
import org.saltyrtc.SaltyRTCException
import org.saltyrtc.Server
import org.saltyrtc.ServerFailedException
import org.saltyrtc.ServerLimit
import org.saltyrtc.Status
import org.saltyrtc.SystemTrust
import org.saltyrtc.Token
import java.io.File
import java.net.InetAddress
import java.net.ServerSocket
import java.net.Socket
import java.security.KeyStore
import java.security.cert.CertificateFactory
import java.util.concurrent.CopyOnWriteArrayList
import kotlin.concurrent.thread
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** What goes wrong, and what the program is told: every kind of end as its exception. */
class ErrorsTest {
    private inline fun <reified E : SaltyRTCException> E.has(status: Status, text: String = "", closeCode: Int? = this.closeCode) {
        assertEquals(status, this.status)
        assertTrue(text in this.text, this.text)
        assertEquals(closeCode, this.closeCode)
    }

    @Test
    fun `wrong token`() = withServer { server ->
        initiator(server).use { alice ->
            Responder(alice.invitation) { token = Token.generate() }.use { wrong ->
                val error = fails<PeerFailedException> { wrong.awaitPeer() }
                error.has(Status.INITIATOR_COULD_NOT_DECRYPT, "ask for a new invitation", 3005)
            }
            val event = alice.awaitEvent<Event.ResponderFailed>()
            assertEquals(3005, event.closeCode)
            assertTrue(event.address >= 2 && event.text.isNotEmpty())
            // Alice goes on waiting for the right one.
            Responder(alice.invitation).use { alice.awaitPeer() }
        }
    }

    @Test
    fun `wrong trusted key`() = withServer { server ->
        initiator(server) { trustedPeer = KeyPair.generate().publicKey }.use { alice ->
            Responder(alice.invitation) { trustedPeer = alice.publicKey }.use { bob ->
                fails<PeerFailedException> { bob.awaitPeer() }.has(Status.INITIATOR_COULD_NOT_DECRYPT, "stored")
            }
        }
    }

    @Test
    fun `wrong key of the server`() = withServer { server ->
        Initiator(server.url) { serverKey = KeyPair.generate().publicKey }.use { alice ->
            fails<ConnectionFailedException> { alice.awaitPeer() }.has(Status.SERVER_KEY_MISMATCH, "check the server's address")
        }
        // Who does not know the key is told that nothing was verified.
        Initiator(server.url).use { alice ->
            assertTrue(!alice.awaitEvent<Event.ServerHandshakeDone>().serverVerified)
            assertTrue(!alice.isServerVerified)
        }
    }

    private suspend fun cannotConnect(
        url: String,
        text: String,
        status: Status = Status.CONNECT_FAILED,
        configure: PeerOptions.() -> Unit = {},
    ) {
        Initiator(url, configure).use { alice ->
            val error = fails<ConnectionFailedException> { alice.awaitPeer() }
            error.has(status, text, null)
            assertEquals(ClosedBy.NETWORK, error.closedBy)
            assertEquals(status == Status.CONNECT_FAILED, error.isRetryable)
            assertEquals(if (error.isRetryable) Retry.LATER else Retry.NEVER, error.retry)
        }
    }

    /** Somebody who listens, and says this to everybody. */
    private class Quiet(answer: String = "") : AutoCloseable {
        private val listener = ServerSocket(0, 50, InetAddress.getLoopbackAddress())
        private val sockets = CopyOnWriteArrayList<Socket>()
        val url = "ws://127.0.0.1:${listener.localPort}"

        init {
            thread(isDaemon = true) {
                runCatching {
                    while (true) {
                        val socket = listener.accept()
                        sockets.add(socket)
                        if (answer.isNotEmpty()) {
                            socket.getInputStream().read()
                            socket.getOutputStream().write(answer.toByteArray())
                        }
                    }
                }
            }
        }

        override fun close() {
            listener.close()
            sockets.forEach { it.close() }
        }
    }

    @Test
    fun `nobody there`() = limited {
        val port = ServerSocket(0).use { it.localPort }
        cannotConnect("ws://127.0.0.1:$port", "refused")
        // RFC 6761: no name in .invalid exists.
        cannotConnect("ws://nobody.invalid", "nobody.invalid")
        Quiet().use { cannotConnect(it.url, "did not answer") { connectTimeoutMillis = 100 } }
        Quiet("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").use { cannotConnect(it.url, "404", Status.NOT_A_SALTYRTC_SERVER) }
    }

    @Test
    fun certificates() = limited {
        val own = Certificate("own")
        val other = Certificate("other")
        Server { tlsCertificates = own.pem; tlsKey = own.key }.use { server ->
            assertTrue(server.url.startsWith("wss://"))
            cannotConnect(server.url, "certificate", Status.SERVER_CERTIFICATE)
            cannotConnect(server.url, "certificate", Status.SERVER_CERTIFICATE) { systemRoots = false; tlsCertificates = listOf(other.pem) }
            pair(server, both = { systemRoots = false; tlsCertificates = listOf(other.pem, own.pem) }) { alice, bob ->
                alice.send("over TLS")
                assertEquals(text("over TLS"), bob.receive())
            }
            cannotConnect(server.url.replace("wss", "ws"), "TLS", Status.NOT_A_SALTYRTC_SERVER)
        }
        Server().use { server -> cannotConnect(server.url.replace("ws", "wss"), "TLS", Status.TLS_FAILED) }
        val error = assertFailsWith<SaltyRTCException> { Server { tlsCertificates = other.pem; tlsKey = own.key } }
        assertEquals(Status.BAD_CERTIFICATE, error.status)
    }

    @Test
    fun `roots of the trust store of the platform`() = limited {
        val own = Certificate("own")
        val store = File.createTempFile("roots", ".p12").apply { deleteOnExit() }
        val keys = KeyStore.getInstance("PKCS12").apply { load(null, null) }
        keys.setCertificateEntry("own", CertificateFactory.getInstance("X.509").generateCertificate(own.pem.inputStream()))
        store.outputStream().use { keys.store(it, "password".toCharArray()) }
        val properties = mapOf("javax.net.ssl.trustStore" to store.path, "javax.net.ssl.trustStorePassword" to "password")
        val before = properties.keys.associateWith { System.getProperty(it) }
        val roots = try {
            properties.forEach { (name, value) -> System.setProperty(name, value) }
            SystemTrust.certificates()
        } finally {
            before.forEach { (name, value) -> if (value == null) System.clearProperty(name) else System.setProperty(name, value) }
        }
        assertEquals(1, roots.size)
        Server { tlsCertificates = own.pem; tlsKey = own.key }.use { server ->
            pair(server, both = { systemRoots = false; tlsCertificates = roots }) { alice, bob ->
                alice.send("by the platform's roots")
                assertEquals(text("by the platform's roots"), bob.receive())
            }
        }
    }

    @Test
    fun `a server that is stopped`() = limited {
        val server = Server()
        pair(server) { alice, bob ->
            server.stop()
            server.stop()
            for (peer in listOf<Peer>(alice, bob)) {
                val error = fails<ConnectionFailedException> { peer.receive() }
                error.has(Status.SERVER_GOING_AWAY, "connect again", 1001)
                assertEquals(ClosedBy.SERVER, error.closedBy)
                assertTrue(error.isRetryable)
            }
        }
    }

    @Test
    fun `a connection that is cut`() = withServer { server ->
        Proxy(server).use { proxy ->
            Initiator(proxy.url).use { alice ->
                alice.awaitEvent<Event.ServerHandshakeDone>()
                proxy.cut()
                val end = alice.awaitEnd()
                assertEquals(listOf(Status.CONNECTION_LOST, ClosedBy.NETWORK, true), listOf(end.status, end.closedBy, end.isRetryable))
                assertTrue("broke" in end.text)
            }
        }
    }

    @Test
    fun `a network that is dead`() = withServer { server ->
        Proxy(server).use { proxy ->
            Initiator(proxy.url) { pingIntervalSeconds = 1; responseTimeoutMillis = 1500 }.use { alice ->
                alice.awaitEvent<Event.ServerHandshakeDone>()
                proxy.hold()
                val end = alice.awaitEnd()
                assertEquals(listOf(Status.CONNECTION_LOST, Retry.AT_ONCE), listOf(end.status, end.retry))
            }
        }
    }

    @Test
    fun `a peer that vanishes`() = withServer { server ->
        Proxy(server).use { proxy ->
            initiator(server).use { alice ->
                Responder(Invitation.of(proxy.url, alice.publicKey, server.publicKey, alice.invitation.token)).use {
                    alice.awaitPeer()
                    proxy.cut()
                    fails<PeerFailedException> { alice.receive() }.has(Status.PEER_LEFT, "left")
                }
            }
        }
    }

    @Test
    fun `those who are too slow`() = withServer { server ->
        Proxy(server, onlyHttp = true).use { proxy ->
            Initiator(proxy.url) { serverHandshakeTimeoutMillis = 100 }.use { alice ->
                fails<ConnectionFailedException> { alice.awaitPeer() }.has(Status.SERVER_HANDSHAKE_TIMEOUT, "try again")
            }
        }
        Proxy(server).use { proxy ->
            Initiator(proxy.url).use { alice ->
                alice.awaitEvent<Event.ServerHandshakeDone>()
                proxy.hold()
                val direct = Invitation.of(server.url, alice.publicKey, token = alice.invitation.token)
                Responder(direct) { peerHandshakeTimeoutMillis = 100 }.use { bob ->
                    fails<PeerFailedException> { bob.awaitPeer() }.has(Status.PEER_HANDSHAKE_TIMEOUT, "try again")
                }
            }
        }
    }

    @Test
    fun `no shared task`() = withServer { server ->
        initiator(server).use { alice ->
            Responder(alice.invitation) { tasks = listOf(CustomTask("v1.go.tasks.example.org")) }.use { bob ->
                for (peer in listOf<Peer>(alice, bob)) {
                    fails<PeerFailedException> { peer.awaitPeer() }.has(Status.NO_SHARED_TASK, "add a task")
                }
            }
        }
    }

    @Test
    fun `two initiators with the same keys`() = withServer { server ->
        val keys = KeyPair.generate()
        initiator(server) { this.keys = keys }.use { first ->
            first.awaitEvent<Event.ServerHandshakeDone>()
            initiator(server) { this.keys = keys }.use {
                fails<PeerFailedException> { first.awaitPeer() }.has(Status.REPLACED_BY_INITIATOR, "one place at a time")
            }
        }
    }

    @Test
    fun `too large`() = withServer { server ->
        pair(server, both = { maxMessageSize = 4096 }) { alice, _ ->
            fails<NotPossibleException> { alice.send(ByteArray(8000)) }.has(Status.TOO_LARGE)
        }
        pair(server, responder = { maxMessageSize = 4096 }) { alice, bob ->
            alice.send(ByteArray(8000))
            fails<PeerFailedException> { bob.receive() }.has(Status.RECEIVED_TOO_BIG, "send smaller messages")
        }
        Server { limits = mapOf(ServerLimit.MESSAGE_SIZE to 4096, ServerLimit.IDLE_TIME to null) }.use { narrow ->
            pair(narrow) { alice, _ ->
                alice.send(ByteArray(8000))
                fails<ConnectionFailedException> { alice.receive() }.has(Status.MESSAGE_TOO_BIG, "send smaller messages", 1009)
            }
        }
    }

    @Test
    fun servers() = limited {
        Server().use { server ->
            assertEquals("127.0.0.1:${server.port}", server.address)
            assertTrue(server.url.endsWith(":${server.port}"))
            val error = assertFailsWith<ServerFailedException> { Server { port = server.port } }
            assertEquals(Status.LISTEN_FAILED, error.status)
        }
        Server { keys = emptyList() }.use { assertNull(it.publicKey) }
        assertFailsWith<InvalidArgumentException> { Server { port = -1 } }
        // Stopping can be cancelled; then connections are dropped.
        val server = Server()
        pair(server) { alice, _ ->
            val stopping = launch(start = kotlinx.coroutines.CoroutineStart.UNDISPATCHED) { server.stop() }
            stopping.cancel()
            stopping.join()
            assertTrue(!alice.awaitEnd().isClean)
        }
    }
}
