package org.saltyrtc

import com.sun.jna.Pointer
import kotlinx.coroutines.CompletableDeferred
import org.saltyrtc.internal.CLibrary
import org.saltyrtc.internal.EventKind
import org.saltyrtc.internal.EventThread
import org.saltyrtc.internal.Functions
import org.saltyrtc.internal.Handle
import org.saltyrtc.internal.NO_LIMIT
import org.saltyrtc.internal.Record
import org.saltyrtc.internal.Target

/** What a [Server] can be told. All of it has a default. */
public class ServerOptions {
    /**
     * An IP address of this host; `0.0.0.0` and `::` are all of them. Or `unix:` and the path of a Unix socket, for a proxy
     * on the same host.
     */
    public var address: String = "127.0.0.1"

    /** The port; with 0, the operating system chooses one. */
    public var port: Int = 0

    /** Permanent keys of the server, the primary one first; a new one if null, none if empty. */
    public var keys: List<KeyPair>? = null

    /** The certificate chain in PEM, for `wss`. Needs [tlsKey]; without both, the server uses `ws`. */
    public var tlsCertificates: ByteArray? = null

    /** The private key in PEM. */
    public var tlsKey: ByteArray? = null

    /** Limits, which have the units; null switches an optional limit off. */
    public var limits: Map<ServerLimit, Long?> = emptyMap()

    /** Whether initiators may drop responders with 3006, as some older clients do. */
    public var acceptNoSharedTask: Boolean = false

    internal fun newConfig(keys: List<KeyPair>): Pointer {
        val config = Functions.serverConfigNew(address, port)
        try {
            for (pair in keys) Functions.serverConfigAddPermanentKey(config, pair.bytes)
            if (tlsCertificates != null || tlsKey != null) {
                Functions.serverConfigSetTls(config, tlsCertificates ?: ByteArray(0), tlsKey ?: ByteArray(0))
            }
            for ((limit, value) in limits) Functions.serverConfigSetLimit(config, limit.value, value ?: NO_LIMIT)
            Functions.serverConfigSetAcceptNoSharedTask(config, acceptNoSharedTask)
        } catch (error: Throwable) {
            Functions.serverConfigFree(config)
            throw error
        }
        return config
    }
}

/**
 * The signalling server, inside of a program: for demos, tests and local networks. It listens from when it is made until it
 * is closed, on threads of the library.
 *
 * @throws InvalidArgumentException if the library does not take one of the options.
 * @throws ServerFailedException if the address cannot be listened on, for example.
 */
public class Server @JvmOverloads constructor(options: ServerOptions = ServerOptions()) : AutoCloseable {
    private val keys = options.keys?.toList() ?: listOf(KeyPair.generate())
    private val handle: Handle

    init {
        val config = options.newConfig(keys)
        try {
            handle = Handle(Functions.serverStart(config)) { CLibrary.saltyrtc_server_free(it) }
        } finally {
            Functions.serverConfigFree(config)
        }
    }

    /** For clients on the same host, for example `ws://127.0.0.1:8765`. */
    public val url: String = running { Functions.serverUrl(it) }

    /** The port that it is listening on. */
    public val port: Int = running { Functions.serverPort(it) }

    /** Address and port that it is listening on, for example `127.0.0.1:8765` or `[::1]:8765`. */
    public val address: String = running { Functions.serverAddress(it) }

    /** The primary public key, for the [PeerOptions.serverKey] of clients; null if the server has none. */
    public val publicKey: PublicKey? = keys.firstOrNull()?.publicKey

    /**
     * Delivers what waits for clients, and closes their connections; what is not done in time is dropped. If it is
     * cancelled, connections are dropped.
     */
    public suspend fun stop(timeoutMillis: Long = 8000) {
        val stopped = Stopped()
        val token = EventThread.newToken(stopped)
        try {
            handle.use { Functions.serverStopOnQueue(it, timeoutMillis, EventThread.queue, token) } ?: return
            stopped.done.await()
        } finally {
            EventThread.forget(token)
            handle.close()
        }
    }

    /** Stops at once, and drops the connections: see [stop] for the polite way. */
    override fun close(): Unit = handle.close()

    private fun <R : Any> running(function: (Pointer) -> R): R =
        handle.use(function) ?: throw NotPossibleException(Status.CLOSED, "the server is not running")

    /** For logs: where it is. */
    override fun toString(): String = "Server($address)"

    /** Waits for the event that a server has stopped. */
    private class Stopped : Target {
        val done = CompletableDeferred<Unit>()

        override fun onMessage(kind: Int, channel: Int, payload: Int, data: ByteArray) = Unit

        override fun onEvent(record: Record) {
            if (record.kind == EventKind.SERVER_STOPPED) done.complete(Unit)
        }
    }
}

/** A [Server] with options: `Server { port = 8765 }`. */
@JvmSynthetic
public inline fun Server(configure: ServerOptions.() -> Unit): Server = Server(ServerOptions().apply(configure))
