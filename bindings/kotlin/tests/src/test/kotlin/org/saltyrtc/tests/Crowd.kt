package org.saltyrtc.tests

import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import org.saltyrtc.Initiator
import org.saltyrtc.PublicKey
import java.io.File
import java.lang.management.ManagementFactory
import kotlin.test.assertEquals

// A thousand clients in one process: a program for ManyTest. Arguments: how many clients, how many rounds, and the server.

/** Those of Java itself, of the coroutines, which have one for each processor, and one for the events. */
val FEW_THREADS = 40 + Runtime.getRuntime().availableProcessors()

private fun descriptors() = File("/proc/self/fd").list()!!.size

/** What lives after a collection, in bytes. */
private fun heap(): Long {
    System.gc()
    return ManagementFactory.getMemoryMXBean().heapMemoryUsage.used
}

private fun memory() = File("/proc/self/statm").readText().split(" ")[1].toLong() * 4096

/** Connects them all, has each say something to its peer and hear the answer, and closes them. */
private suspend fun roundOf(count: Int, server: String, key: PublicKey) = coroutineScope {
    val peers = List(count) { Initiator(server) { serverKey = key } }
    println(peers.joinToString("\n") { it.invitation.uri })
    peers.map { async { it.awaitPeer() } }.awaitAll()
    val threads = ManagementFactory.getThreadMXBean().threadCount
    // Not a thread for each.
    check(threads < FEW_THREADS) { "$threads threads" }
    for ((number, peer) in peers.withIndex()) peer.send("$number")
    assertEquals(List(count) { "$it" }, peers.map { async { it.receive().asText() } }.awaitAll())
    peers.forEach { it.close() }
    peers.map { async { it.awaitEnd() } }.awaitAll()
}

suspend fun main(arguments: Array<String>) {
    val (clients, rounds) = arguments.take(2).map { it.toInt() }
    val threads = ArrayList<Int>()
    val descriptors = ArrayList<Int>()
    val heap = ArrayList<Long>()
    val memory = ArrayList<Long>()
    repeat(rounds) {
        roundOf(clients, arguments[2], PublicKey(arguments[3]))
        threads.add(ManagementFactory.getThreadMXBean().threadCount)
        descriptors.add(descriptors())
        heap.add(heap())
        memory.add(memory())
    }
    println("left " + (threads + descriptors + heap + memory).joinToString(" "))
}
