package org.saltyrtc.tests

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.saltyrtc.Event
import org.saltyrtc.Initiator
import org.saltyrtc.Message
import org.saltyrtc.Peer
import org.saltyrtc.PeerOptions
import org.saltyrtc.Responder
import org.saltyrtc.SaltyRTCException
import org.saltyrtc.Server
import org.saltyrtc.WebRTC
import kotlin.test.assertFailsWith

// Helpers of the tests. Nothing here sleeps: everything waits for an event, and LIMIT ends what does not come.

/** In milliseconds; longer than anything takes. */
const val LIMIT = 120_000L

const val CUSTOM = "v1.chess.tasks.example.org"

val WEBRTC get() = listOf(WebRTC(addresses = listOf("127.0.0.1")))

/** A test that suspends, with a server. */
fun withServer(test: suspend CoroutineScope.(Server) -> Unit): Unit = limited {
    Server().use { test(it) }
}

/** A test that suspends. */
fun limited(test: suspend CoroutineScope.() -> Unit): Unit = runBlocking(Dispatchers.Default) {
    withTimeout(LIMIT) { test() }
}

fun initiator(server: Server, configure: PeerOptions.() -> Unit = {}) = Initiator(server.url) {
    serverKey = server.publicKey
    configure()
}

/** Two peers that are connected to each other. */
suspend fun <R> pair(
    server: Server,
    responder: PeerOptions.() -> Unit = {},
    both: PeerOptions.() -> Unit = {},
    initiator: PeerOptions.() -> Unit = {},
    use: suspend (Initiator, Responder) -> R,
): R = initiator(server) { both(); initiator() }.use { alice ->
    Responder(alice.invitation) { both(); responder() }.use { bob ->
        alice.awaitPeer()
        bob.awaitPeer()
        use(alice, bob)
    }
}

suspend inline fun <reified E : Event> Peer.awaitEvent(): E = events.first { it is E } as E

suspend inline fun <reified E : SaltyRTCException> fails(crossinline block: suspend () -> Unit): E = assertFailsWith<E> { block() }

fun bytes(text: String) = Message.Bytes(text.encodeToByteArray())

fun text(text: String) = Message.Text(text)

fun value(value: Any?) = Message.Value(value)

/** A message that can be told from others. */
fun numbered(number: Int, size: Int): ByteArray = java.nio.ByteBuffer.allocate(size).putInt(number).array()

fun numberOf(message: Message): Int = java.nio.ByteBuffer.wrap(message.asBytes()).getInt()
