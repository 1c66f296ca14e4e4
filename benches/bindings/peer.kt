/*
 * One side of the measurement of the bindings, in Kotlin: `send COUNT`, `receive INVITATION`. See peer.c for what is printed.
 */
package org.saltyrtc.bench

import com.sun.management.OperatingSystemMXBean
import kotlinx.coroutines.runBlocking
import org.saltyrtc.Initiator
import org.saltyrtc.Responder
import org.saltyrtc.Server
import java.lang.management.ManagementFactory

private const val SIZE = 64

private val system = ManagementFactory.getOperatingSystemMXBean() as OperatingSystemMXBean
private val threads = ManagementFactory.getThreadMXBean()

/** The thread that takes the events: the work of the program's own coroutines is in that of the process. */
private val eventThread by lazy {
    threads.dumpAllThreads(false, false).single { it.threadName == "saltyrtc-events" }.threadId
}

private var count = 0L
private var begin = 0L
private var thread = 0L
private var process = 0L

private fun onData(ofThread: () -> Long) {
    if (count == 0L) {
        begin = System.nanoTime()
        thread = ofThread()
        process = system.processCpuTime
    }
    count++
}

private fun printResult(ofThread: () -> Long) {
    val times = listOf(System.nanoTime() - begin, ofThread() - thread, system.processCpuTime - process)
    println("$count " + times.joinToString(" ") { (it / 1e9).toString() })
}

private suspend fun send(messages: Int) {
    val server = Server()
    Initiator(server.url).use { peer ->
        println(peer.invitation.uri)
        peer.awaitPeer()
        val message = ByteArray(SIZE)
        repeat(messages) {
            peer.send(message)
            onData { threads.currentThreadCpuTime }
        }
        peer.close()
        peer.awaitEnd()
        printResult { threads.currentThreadCpuTime }
    }
    server.stop()
}

private suspend fun receive(invitation: String) {
    Responder(invitation).use { peer ->
        val ofThread = { threads.getThreadCpuTime(eventThread) }
        peer.messages.collect { onData(ofThread) }
        printResult(ofThread)
    }
}

fun main(arguments: Array<String>) = runBlocking {
    when (arguments[0]) {
        "send" -> send(arguments[1].toInt())
        else -> receive(arguments[1])
    }
}
