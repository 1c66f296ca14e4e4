package org.saltyrtc.tests

import com.goterl.lazysodium.LazySodiumJava
import com.goterl.lazysodium.SodiumJava
import com.goterl.lazysodium.utils.LibraryLoader
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import org.saltyrtc.Initiator
import org.saltyrtc.Invitation
import org.saltyrtc.Message
import org.saltyrtc.OwnWebRTC
import org.saltyrtc.PeerOptions
import org.saltyrtc.Responder
import org.saltyrtc.Server
import org.saltyrtc.Status
import org.saltyrtc.Token
import org.saltyrtc.client.SaltyRTC
import org.saltyrtc.client.SaltyRTCBuilder
import org.saltyrtc.client.crypto.CryptoException
import org.saltyrtc.client.crypto.CryptoInstance
import org.saltyrtc.client.crypto.CryptoProvider
import org.saltyrtc.client.keystore.KeyStore
import org.saltyrtc.client.messages.c2c.TaskMessage
import org.saltyrtc.client.signaling.SignalingInterface
import org.saltyrtc.client.tasks.Task
import org.saltyrtc.tasks.webrtc.WebRTCTaskBuilder
import org.saltyrtc.tasks.webrtc.events.MessageHandler
import org.saltyrtc.tasks.webrtc.messages.Answer
import org.saltyrtc.tasks.webrtc.messages.Candidate
import org.saltyrtc.tasks.webrtc.messages.Offer
import java.security.cert.CertificateFactory
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import javax.net.ssl.SSLContext
import javax.net.ssl.TrustManagerFactory
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNotNull

/** The Java client that this one is to replace, at the other end, over our server. */
class JavaClientTest {
    private object Sodium : CryptoProvider {
        private val sodium = LazySodiumJava(SodiumJava(LibraryLoader.Mode.BUNDLED_ONLY))

        private fun must(done: Boolean) {
            if (!done) throw CryptoException("libsodium refuses", IllegalArgumentException())
        }

        override fun generateKeypair(publicKey: ByteArray, privateKey: ByteArray) = must(sodium.cryptoBoxKeypair(publicKey, privateKey))

        override fun derivePublicKey(privateKey: ByteArray) =
            ByteArray(32).also { must(sodium.cryptoScalarMultBase(it, privateKey)) }

        override fun symmetricEncrypt(data: ByteArray, key: ByteArray, nonce: ByteArray) =
            ByteArray(data.size + 16).also { must(sodium.cryptoSecretBoxEasy(it, data, data.size.toLong(), nonce, key)) }

        override fun symmetricDecrypt(data: ByteArray, key: ByteArray, nonce: ByteArray) =
            ByteArray(data.size - 16).also { must(sodium.cryptoSecretBoxOpenEasy(it, data, data.size.toLong(), nonce, key)) }

        override fun getInstance(ownPrivateKey: ByteArray, otherPublicKey: ByteArray) = object : CryptoInstance {
            private val key = ByteArray(32).also { must(sodium.cryptoBoxBeforeNm(it, otherPublicKey, ownPrivateKey)) }

            override fun encrypt(data: ByteArray, nonce: ByteArray) =
                ByteArray(data.size + 16).also { must(sodium.cryptoBoxEasyAfterNm(it, data, data.size.toLong(), nonce, key)) }

            override fun decrypt(data: ByteArray, nonce: ByteArray) =
                ByteArray(data.size - 16).also { must(sodium.cryptoBoxOpenEasyAfterNm(it, data, data.size.toLong(), nonce, key)) }
        }
    }

    /** The Relayed Data task, which has no artefact for the Java client. */
    private class RelayedData : Task {
        val received = LinkedBlockingQueue<Any>()
        lateinit var signaling: SignalingInterface

        override fun init(signaling: SignalingInterface, data: Map<Any, Any>?) {
            this.signaling = signaling
        }

        override fun onPeerHandshakeDone() = Unit

        override fun onTaskMessage(message: TaskMessage) {
            received.put(message.data["p"] ?: "nothing")
        }

        fun send(payload: Any) = signaling.sendTaskMessage(TaskMessage("data", mapOf("p" to payload)))

        override fun sendSignalingMessage(payload: ByteArray) = Unit

        override fun getName() = "v0.relayed-data.tasks.saltyrtc.org"

        override fun getSupportedMessageTypes() = listOf("data")

        override fun getData(): Map<Any, Any>? = null

        val closed = LinkedBlockingQueue<Int>()

        override fun close(reason: Int) {
            // Not put(), as the thread that calls may be interrupted.
            closed.offer(reason)
        }
    }

    private suspend fun <R> io(block: () -> R): R = withContext(Dispatchers.IO) { block() }

    private fun <T : Any> LinkedBlockingQueue<T>.next(): T = assertNotNull(poll(LIMIT, TimeUnit.MILLISECONDS), "nothing comes")

    /** The Java client speaks TLS only. */
    private fun withTls(test: suspend (Server, SaltyRTCBuilder, PeerOptions.() -> Unit) -> Unit) = limited {
        val certificate = Certificate("localhost")
        val store = java.security.KeyStore.getInstance("PKCS12").apply { load(null, null) }
        store.setCertificateEntry("own", CertificateFactory.getInstance("X.509").generateCertificate(certificate.pem.inputStream()))
        val trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm()).apply { init(store) }
        val context = SSLContext.getInstance("TLS").apply { init(null, trust.trustManagers, null) }
        Server { tlsCertificates = certificate.pem; tlsKey = certificate.key }.use { server ->
            val java = SaltyRTCBuilder(Sodium).connectTo("127.0.0.1", server.port, context)
                .withServerKey(server.publicKey!!.bytes).withKeyStore(KeyStore(Sodium))
            test(server, java) { systemRoots = false; tlsCertificates = listOf(certificate.pem) }
        }
    }

    /** Each says something to the other, and Kotlin closes. */
    private suspend fun talk(peer: org.saltyrtc.Peer, java: SaltyRTC, task: RelayedData) {
        val application = LinkedBlockingQueue<Any>()
        java.events.applicationData.register { event ->
            application.put(event.data)
            false
        }
        io { java.connect() }
        assertEquals(java.publicPermanentKey.toList(), peer.awaitPeer().peerKey.bytes.toList())
        peer.send("from Kotlin")
        assertEquals("from Kotlin", io { task.received.next() })
        peer.send(mapOf("numbers" to listOf(1, 2, 3)))
        assertEquals("{numbers=[1, 2, 3]}", io { task.received.next() }.toString())
        io { task.send("from Java") }
        assertEquals(text("from Java"), peer.receive())
        io { task.send(byteArrayOf(1, 2)) }
        assertEquals(Message.Bytes(byteArrayOf(1, 2)), peer.receive())
        peer.application.send("for the application")
        assertEquals("for the application", io { application.next() })
        io { java.sendApplicationMessage(listOf("from", "Java")) }
        assertEquals(value(listOf("from", "Java")), peer.application.receive())
        peer.close()
        assertEquals(1001, io { task.closed.next() })
        assertEquals(Status.CLOSED, peer.awaitEnd().status)
    }

    @Test
    fun `Java joins`() = withTls { server, java, options ->
        Initiator(server.url) { options(); serverKey = server.publicKey }.use { alice ->
            val task = RelayedData()
            val invitation = alice.invitation
            val bob = java.usingTasks(arrayOf(task)).initiatorInfo(invitation.initiatorKey.bytes, invitation.token!!.copyBytes()).asResponder()
            talk(alice, bob, task)
        }
    }

    @Test
    fun `Java invites`() = withTls { server, java, options ->
        val task = RelayedData()
        val alice = java.usingTasks(arrayOf(task)).asInitiator()
        val key = org.saltyrtc.PublicKey(alice.publicPermanentKey)
        Responder(Invitation.of(server.url, key, server.publicKey, Token(alice.authToken))) { options() }.use { bob ->
            talk(bob, alice, task)
        }
    }

    @Test
    fun `offers, answers and candidates of its WebRTC task`() = withTls { server, java, options ->
        Initiator(server.url) { options(); tasks = listOf(OwnWebRTC(handover = false)) }.use { alice ->
            val heard = LinkedBlockingQueue<String>()
            val task = WebRTCTaskBuilder().withHandover(false).build()
            task.setMessageHandler(object : MessageHandler {
                override fun onOffer(offer: Offer) = heard.put("offer ${offer.sdp}")

                override fun onAnswer(answer: Answer) = heard.put("answer ${answer.sdp}")

                override fun onCandidates(candidates: Array<Candidate?>) =
                    candidates.forEach { heard.put("candidate ${it?.sdp} ${it?.sdpMid} ${it?.sdpMLineIndex}") }
            })
            val invitation = alice.invitation
            val bob = java.usingTasks(arrayOf<Task>(task)).initiatorInfo(invitation.initiatorKey.bytes, invitation.token!!.copyBytes()).asResponder()
            io { bob.connect() }
            assertEquals("v1.webrtc.tasks.saltyrtc.org", alice.awaitPeer().task)
            alice.send(Message.Description("offer", "v=0 offer"))
            alice.send(Message.Candidate("candidate:1", "0", 0))
            assertEquals(listOf("offer v=0 offer", "candidate candidate:1 0 0"), io { List(2) { heard.next() } })
            io { task.sendAnswer(Answer("v=0 answer")) }
            io { task.sendCandidates(arrayOf(Candidate("candidate:2", "0", 0))) }
            val answer = alice.receive() as Message.Description
            assertEquals(listOf("answer", "v=0 answer"), listOf(answer.type, answer.sdp))
            assertEquals("candidate:2", (alice.receive() as Message.Candidate).candidate)
            // It goes without a word to its peer, but the server tells.
            io { bob.disconnect() }
            assertEquals(Status.PEER_LEFT, alice.awaitEnd().status)
        }
    }
}
