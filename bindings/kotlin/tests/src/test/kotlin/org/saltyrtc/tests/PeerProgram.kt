package org.saltyrtc.tests

import kotlinx.coroutines.flow.first
import org.saltyrtc.KeyPair
import org.saltyrtc.LogLevel
import org.saltyrtc.Message
import org.saltyrtc.PublicKey
import org.saltyrtc.Responder
import org.saltyrtc.SaltyRTC
import org.saltyrtc.Server
import java.security.MessageDigest
import kotlin.system.exitProcess

// A program for ProcessesTest. The first argument says what to do.

suspend fun main(arguments: Array<String>) = when (arguments[0]) {
    "hash" -> hash(arguments[1])
    "stay" -> stay(arguments[1], arguments[2], arguments.getOrNull(3))
    "exit" -> exit(arguments[1])
    "everything" -> everything()
    else -> version()
}

/** Takes what comes on the first channel, and says what it was. */
private suspend fun hash(invitation: String) = Responder(invitation) { tasks = WEBRTC }.use { peer ->
    val digest = MessageDigest.getInstance("SHA-256")
    var size = 0L
    peer.acceptChannel().messages.collect {
        digest.update(it.asBytes())
        size += it.asBytes().size
    }
    println("$size " + digest.digest().joinToString("") { "%02x".format(it) })
}

/** Says hello, and stays until the end. */
private suspend fun stay(invitation: String, secret: String, trusted: String?) {
    Responder(invitation) {
        keys = KeyPair(secret)
        trustedPeer = trusted?.let(::PublicKey)
    }.use { peer ->
        peer.awaitPeer()
        peer.trust()
        peer.send("hello")
        println("ready")
        println(peer.awaitEnd().status)
    }
}

/** Ends without waiting for anything. */
private suspend fun exit(invitation: String) {
    val peer = Responder(invitation)
    peer.awaitPeer()
    for (number in 0 until 500) peer.send(numbered(number, 64))
    peer.close()
    exitProcess(0)
}

/** Something of all that there is. */
private suspend fun everything() {
    SaltyRTC.setLog(LogLevel.TRACE) { _, _, text -> check(text.isNotEmpty()) }
    Server().use { server ->
        pair(server) { alice, bob ->
            for (number in 0 until 2000) alice.send(numbered(number, 64))
            for (number in 0 until 2000) check(numberOf(bob.receive()) == number)
            alice.send(ByteArray(500_000))
            check(bob.receive().asBytes().size == 500_000)
            bob.send(Message.Value(listOf(1, "two")))
            alice.receive()
            check(bob.decrypt(alice.encrypt(ByteArray(5))).size == 5)
        }
        pair(server, both = { tasks = WEBRTC }) { alice, bob ->
            val channel = alice.openChannel("one")
            channel.send("text")
            bob.acceptChannel().receive()
            alice.stats()
            alice.awaitHandover()
            bob.connectionState.first { it.name == "CONNECTED" }
        }
        check(runCatching { org.saltyrtc.Initiator("nonsense") }.isFailure)
        server.stop()
    }
    println("done")
}

/** Tries to use the library, twice. */
private fun version() {
    var failed = false
    repeat(2) {
        try {
            println(SaltyRTC.version)
        } catch (error: UnsatisfiedLinkError) {
            println("UnsatisfiedLinkError ${error.message}")
            failed = true
        }
    }
    exitProcess(if (failed) 1 else 0)
}
