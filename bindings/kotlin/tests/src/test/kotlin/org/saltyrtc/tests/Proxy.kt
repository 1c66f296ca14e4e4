package org.saltyrtc.tests

import org.saltyrtc.Server
import java.io.InputStream
import java.net.InetAddress
import java.net.ServerSocket
import java.net.Socket
import java.net.SocketException
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.CountDownLatch
import kotlin.concurrent.thread

/** Between clients and a server: it can cut connections, and stop passing on what comes from the server. */
class Proxy(private val server: Server, private val onlyHttp: Boolean = false) : AutoCloseable {
    private val listener = ServerSocket(0, 50, InetAddress.getLoopbackAddress())
    private val sockets = CopyOnWriteArrayList<Socket>()

    @Volatile
    private var held: CountDownLatch? = null

    val url = "ws://127.0.0.1:${listener.localPort}"

    init {
        thread(isDaemon = true) {
            ignoringTheEnd {
                while (true) {
                    val client = listener.accept()
                    val up = Socket(InetAddress.getLoopbackAddress(), server.port)
                    sockets.addAll(listOf(client, up))
                    thread(isDaemon = true) { ignoringTheEnd { copy(client, up) { it } } }
                    thread(isDaemon = true) { ignoringTheEnd { copyFromServer(up, client) } }
                }
            }
        }
    }

    /** Nothing from the server gets to clients from now on. */
    fun hold() {
        held = CountDownLatch(1)
    }

    fun cut() {
        // With a reset: nobody says goodbye.
        for (socket in sockets) ignoringTheEnd {
            socket.setSoLinger(true, 0)
            socket.close()
        }
        sockets.clear()
    }

    private fun copyFromServer(from: Socket, to: Socket) {
        var head = ""
        copy(from, to) { data ->
            held?.await()
            if (!onlyHttp) return@copy data
            head += String(data, Charsets.ISO_8859_1)
            val end = head.indexOf("\r\n\r\n")
            if (end >= 0) {
                hold()
                head.take(end + 4).toByteArray(Charsets.ISO_8859_1)
            } else {
                ByteArray(0)
            }
        }
    }

    private fun copy(from: Socket, to: Socket, passed: (ByteArray) -> ByteArray) {
        val buffer = ByteArray(1 shl 16)
        val input: InputStream = from.getInputStream()
        while (true) {
            val count = input.read(buffer)
            if (count < 0) break
            to.getOutputStream().write(passed(buffer.copyOf(count)))
        }
        to.shutdownOutput()
    }

    private inline fun ignoringTheEnd(block: () -> Unit) {
        try {
            block()
        } catch (_: SocketException) {
            // That is what cutting does.
        }
    }

    override fun close() {
        listener.close()
        cut()
    }
}
