package org.saltyrtc

import com.sun.jna.Pointer
import org.saltyrtc.internal.Functions

/** What two clients can do with each other. They use the first of the initiator's tasks that the responder has too. */
public sealed class Task {
    internal abstract fun addTo(config: Pointer)
}

/** All data goes over the server, end-to-end encrypted: [Message.Bytes], [Message.Text] and [Message.Value]. */
public class RelayedData : Task() {
    override fun addTo(config: Pointer) = Functions.configAddRelayedDataTask(config)
}

/** A STUN server, which helps to find a path through NATs, or a TURN server, which relays if there is no other. */
public class IceServer @JvmOverloads constructor(
    /** `stun:host:port`, `turn:host:port`, `turn:host:port?transport=tcp` or `turns:host:port`; the port is optional. */
    public val url: String,
    /** For TURN. */
    public val username: String? = null,
    internal val password: String? = null,
) {
    /** Without the password. */
    override fun toString(): String = "IceServer($url)"
}

/** The built-in WebRTC: a direct connection to the peer, with data channels. No other library is needed. */
public class WebRTC @JvmOverloads constructor(
    /** STUN and TURN servers. */
    public val iceServers: List<IceServer> = emptyList(),
    /** Whether to use TURN servers only, which hides the addresses of this host from the peer. */
    public val relayOnly: Boolean = false,
    /** The largest message on a secure channel in either direction, in bytes; 16 MiB if null. */
    public val maxMessageSize: Long? = null,
    /** How many bytes may wait to be sent on a channel; 4 MiB if null. */
    public val maxBuffered: Long? = null,
    /** Ids (0 to 65534) of channels that both peers open themselves. */
    public val negotiatedIds: List<Int> = emptyList(),
    /** Whether to hand the signalling over to the connection, so that the server is not needed any more. */
    public val handover: Boolean = true,
    /** Channels of the peer with these labels are not encrypted a second time. */
    public val plainLabels: List<String> = emptyList(),
    /** Uses these addresses of the host only. */
    public val addresses: List<String> = emptyList(),
    /** Uses these UDP ports only. */
    public val ports: IntRange? = null,
    /** How the two describe the connection to each other: with the WebRTC task, the ORTC task, or the one they share. */
    public val tasks: RtcTasks = RtcTasks.WEBRTC,
    /** Without a sign of life of the peer for so long, what is sent waits. At least 1000; 7000 if null. */
    public val disconnectedTimeoutMillis: Long? = null,
    /**
     * Without a sign of life of the peer for so long, it is unreachable, which ends the client after the handover. From 1000
     * to 30000; 30000 if null. A shorter time notices the end of a peer sooner, and ends connections that would recover.
     */
    public val unreachableTimeoutMillis: Long? = null,
    /** How long it may take until channels can be used. At least 1000; 120000 if null. */
    public val setupTimeoutMillis: Long? = null,
) : Task() {
    override fun addTo(config: Pointer) {
        val rtc = Functions.rtcConfigNew()
        try {
            for (server in iceServers) Functions.rtcConfigAddIceServer(rtc, server.url, server.username, server.password)
            Functions.rtcConfigSetRelayOnly(rtc, relayOnly)
            maxMessageSize?.let { Functions.rtcConfigSetMaxMessageSize(rtc, it) }
            maxBuffered?.let { Functions.rtcConfigSetMaxBuffered(rtc, it) }
            Functions.rtcConfigSetNegotiatedIds(rtc, negotiatedIds)
            Functions.rtcConfigSetHandover(rtc, handover)
            for (label in plainLabels) Functions.rtcConfigAddPlainLabel(rtc, label)
            for (address in addresses) Functions.rtcConfigAddAddress(rtc, address)
            ports?.let { Functions.rtcConfigSetPorts(rtc, it.first, it.last) }
            Functions.rtcConfigSetTasks(rtc, tasks.value)
            disconnectedTimeoutMillis?.let { Functions.rtcConfigSetDisconnectedTimeout(rtc, it) }
            unreachableTimeoutMillis?.let { Functions.rtcConfigSetUnreachableTimeout(rtc, it) }
            setupTimeoutMillis?.let { Functions.rtcConfigSetSetupTimeout(rtc, it) }
            Functions.configAddRtcTask(config, rtc)
        } finally {
            Functions.rtcConfigFree(rtc)
        }
    }
}

/**
 * A task of your own: the library negotiates it by its name and carries its messages, each a [Message.Value] of a map with
 * a "type".
 */
public class CustomTask @JvmOverloads constructor(
    /** As specific as a domain name, for example `v1.chess.tasks.example.org`. */
    public val name: String,
    /** What the peer gets with the handshake ([Session.taskData]). */
    public val data: Map<String, Any?>? = null,
) : Task() {
    override fun addTo(config: Pointer) = Functions.configAddCustomTask(config, name, data?.let(MessagePack::encode))
}

/**
 * WebRTC with a stack of your own, such as that of an app which has one for calls: the library carries
 * [Message.Description] and [Message.Candidate], and hands the signalling over to a data channel of the stack
 * ([Peer.handOver]).
 */
public class OwnWebRTC @JvmOverloads constructor(
    /** Ids of data channels (0 to 65534) that the program uses itself. */
    public val exclude: List<Int> = emptyList(),
    /** Whether to hand the signalling over. */
    public val handover: Boolean = true,
    /** Whether to offer also the first version of the task, for old peers that know no other. */
    public val v0: Boolean = false,
    /** With [v0]: the largest message on a data channel in bytes; with 0, messages are not chunked. */
    public val v0MaxPacketSize: Long = 0,
) : Task() {
    override fun addTo(config: Pointer) {
        Functions.configAddWebrtcTask(config, exclude, handover)
        if (v0) Functions.configAddWebrtcV0Task(config, exclude, handover, v0MaxPacketSize)
    }
}

/**
 * ORTC with a stack of your own: the library carries the parameters, capabilities and candidates of its objects, and hands
 * the signalling over to a data channel of the stack ([Peer.handOver]).
 *
 * Messages are [Message.Value]s of maps in the form of the specification of the task, with a "type": "ice-parameters", for
 * example. They are checked on both sides. One with the label "handover" is about a transport that the program makes for
 * the signalling alone. Candidates that follow each other closely arrive in one message.
 */
public class Ortc @JvmOverloads constructor(
    /** Ids of data channels (0 to 65534) that the program uses itself. */
    public val exclude: List<Int> = emptyList(),
    /** Whether to hand the signalling over. */
    public val handover: Boolean = true,
) : Task() {
    override fun addTo(config: Pointer) = Functions.configAddOrtcTask(config, exclude, handover)
}
