package org.saltyrtc.java

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.future.future
import org.saltyrtc.Channel
import org.saltyrtc.ChannelOptions
import org.saltyrtc.ConnectionState
import org.saltyrtc.End
import org.saltyrtc.Event
import org.saltyrtc.Message
import org.saltyrtc.Peer
import org.saltyrtc.Server
import org.saltyrtc.Session
import java.util.concurrent.CompletableFuture
import java.util.function.Consumer

// What is the same for all: no future keeps another from going on, and a cancelled one cancels what it waits for.
private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)

private fun <T> Flow<T>.each(consumer: Consumer<in T>): CompletableFuture<Void?> = scope.future {
    collect { consumer.accept(it) }
    null
}

private fun done(block: suspend () -> Unit): CompletableFuture<Void?> = scope.future {
    block()
    null
}

/**
 * The functions of a [Peer] that wait, for Java: each gives a future in place of suspending. Cancelling the future cancels
 * the waiting.
 */
public class PeerFutures private constructor(private val peer: Peer) {
    /** [Peer.awaitPeer]. */
    public fun awaitPeer(): CompletableFuture<Session> = scope.future { peer.awaitPeer() }

    /** [Peer.send]. Messages of one thread go in its order only if each future is waited for, or not yet needed. */
    public fun send(message: Message): CompletableFuture<Void?> = done { peer.send(message) }

    /** [Peer.send] of bytes. */
    public fun send(data: ByteArray): CompletableFuture<Void?> = send(Message.Bytes(data))

    /** [Peer.send] of a text. */
    public fun send(text: String): CompletableFuture<Void?> = send(Message.Text(text))

    /** [Peer.send] of a map. */
    public fun send(fields: Map<String, Any?>): CompletableFuture<Void?> = send(Message.Value(fields))

    /** [Peer.drain]. */
    @JvmOverloads
    public fun drain(amount: Long = 0): CompletableFuture<Void?> = done { peer.drain(amount) }

    /** [Peer.receive]. */
    public fun receive(): CompletableFuture<Message> = scope.future { peer.receive() }

    /** Calls a function with each message, one after the other: [Peer.messages]. The future ends with the messages. */
    public fun onMessage(consumer: Consumer<in Message>): CompletableFuture<Void?> = peer.messages.each(consumer)

    /** Calls a function with each event, one after the other: [Peer.events]. The future ends after [Event.Closed]. */
    public fun onEvent(consumer: Consumer<in Event>): CompletableFuture<Void?> = peer.events.each(consumer)

    /** [Application.send][org.saltyrtc.Application.send]. */
    public fun sendApplication(message: Message): CompletableFuture<Void?> = done { peer.application.send(message) }

    /** [Application.receive][org.saltyrtc.Application.receive]. */
    public fun receiveApplication(): CompletableFuture<Message> = scope.future { peer.application.receive() }

    /** [Peer.openChannel]. */
    @JvmOverloads
    public fun openChannel(label: String, options: ChannelOptions = ChannelOptions()): CompletableFuture<Channel> =
        scope.future { peer.openChannel(label, options) }

    /** [Peer.acceptChannel]. */
    public fun acceptChannel(): CompletableFuture<Channel> = scope.future { peer.acceptChannel() }

    /** [Peer.awaitConnectionState]. */
    public fun awaitConnectionState(vararg states: ConnectionState): CompletableFuture<ConnectionState> =
        scope.future { peer.awaitConnectionState(*states) }

    /** [Peer.awaitHandover]. */
    public fun awaitHandover(): CompletableFuture<Void?> = done { peer.awaitHandover() }

    /** [Peer.awaitEnd]. */
    public fun awaitEnd(): CompletableFuture<End> = scope.future { peer.awaitEnd() }

    /** Makes them. */
    public companion object {
        /** Those of a peer. */
        @JvmStatic
        public fun of(peer: Peer): PeerFutures = PeerFutures(peer)
    }
}

/** The functions of a [Channel] that wait, for Java. */
public class ChannelFutures private constructor(private val channel: Channel) {
    /** [Channel.send]. */
    public fun send(message: Message): CompletableFuture<Void?> = done { channel.send(message) }

    /** [Channel.send] of bytes. */
    public fun send(data: ByteArray): CompletableFuture<Void?> = send(Message.Bytes(data))

    /** [Channel.send] of a text. */
    public fun send(text: String): CompletableFuture<Void?> = send(Message.Text(text))

    /** [Channel.receive]. */
    public fun receive(): CompletableFuture<Message> = scope.future { channel.receive() }

    /** Calls a function with each message, one after the other: [Channel.messages]. The future ends with the messages. */
    public fun onMessage(consumer: Consumer<in Message>): CompletableFuture<Void?> = channel.messages.each(consumer)

    /** [Channel.drain]. */
    @JvmOverloads
    public fun drain(amount: Long = 0): CompletableFuture<Void?> = done { channel.drain(amount) }

    /** [Channel.awaitEnd]. */
    public fun awaitEnd(): CompletableFuture<Void?> = done { channel.awaitEnd() }

    /** Makes them. */
    public companion object {
        /** Those of a channel. */
        @JvmStatic
        public fun of(channel: Channel): ChannelFutures = ChannelFutures(channel)
    }
}

/** The functions of a [Server] that wait, for Java. */
public object ServerFutures {
    /** [Server.stop]. */
    @JvmStatic
    @JvmOverloads
    public fun stop(server: Server, timeoutMillis: Long = 8000): CompletableFuture<Void?> =
        done { server.stop(timeoutMillis) }
}
