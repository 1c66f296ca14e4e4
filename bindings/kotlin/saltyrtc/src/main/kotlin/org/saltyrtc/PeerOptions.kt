package org.saltyrtc

import com.sun.jna.Platform
import com.sun.jna.Pointer
import org.saltyrtc.internal.Functions
import org.saltyrtc.internal.WhenPeerLeaves

/** What clients can be told. All of it has a default. */
public class PeerOptions {
    /** What the two can do with each other, in the order of preference. */
    public var tasks: List<Task> = listOf(RelayedData())

    /** The permanent keys of this client; new ones if null. Two clients must not use the same keys at the same time. */
    public var keys: KeyPair? = null

    /** The public key of a peer, stored when this client trusted it ([Peer.trust]), in place of a token. */
    public var trustedPeer: PublicKey? = null

    /** A token in place of the initiator's new one, or that of the invitation. */
    public var token: Token? = null

    /** The public key that the server has to prove to have. A responder has it from the invitation. */
    public var serverKey: PublicKey? = null

    /** Whether the client stays when its peer leaves, so that the peer can come back. If not, it closes. */
    public var rejoin: Boolean = false

    /** Root certificates to trust for `wss`, in PEM or DER. */
    public var tlsCertificates: List<ByteArray> = emptyList()

    /**
     * Whether the root certificates of the operating system are trusted too. On Android, those are the ones of its trust
     * store ([SystemTrust]), as the network security configuration of the app has it.
     */
    public var systemRoots: Boolean = true

    /** How long connecting to the server may take, in milliseconds; 10 s if null. */
    public var connectTimeoutMillis: Long? = null

    /** How long the handshake with the server may take, in milliseconds; 30 s if null. */
    public var serverHandshakeTimeoutMillis: Long? = null

    /** How long the handshake with a peer may take, in milliseconds from its first message; 60 s if null. */
    public var peerHandshakeTimeoutMillis: Long? = null

    /**
     * The most time, in milliseconds, that the server may show no sign of life when one is due; 30 s if null. Then the client
     * ends with [Status.CONNECTION_LOST]. With [pingIntervalSeconds], a dead network is noticed within both times together,
     * and without it only if something was sent.
     */
    public var responseTimeoutMillis: Long? = null

    /** The interval, in seconds, at which the server is asked to send pings; 0 for none. */
    public var pingIntervalSeconds: Long = 0

    /** The largest message on the wire in either direction, in bytes, at least 4096; 1 MiB if null. */
    public var maxMessageSize: Long? = null

    /** How many bytes may wait in each direction; 4 MiB if null. */
    public var maxQueueSize: Long? = null

    internal fun applyTo(config: Pointer, url: String) {
        serverKey?.let { Functions.configSetServerKey(config, it.bytes) }
        trustedPeer?.let { Functions.configSetTrustedPeer(config, it.bytes) }
        token?.let { Functions.configSetToken(config, it.bytes) }
        for (task in tasks) task.addTo(config)
        for (certificates in tlsCertificates) Functions.configAddTlsCertificates(config, certificates)
        applySystemRoots(config, url)
        connectTimeoutMillis?.let { Functions.configSetConnectTimeout(config, it) }
        serverHandshakeTimeoutMillis?.let { Functions.configSetServerHandshakeTimeout(config, it) }
        peerHandshakeTimeoutMillis?.let { Functions.configSetPeerHandshakeTimeout(config, it) }
        responseTimeoutMillis?.let { Functions.configSetResponseTimeout(config, it) }
        Functions.configSetPingInterval(config, pingIntervalSeconds)
        maxMessageSize?.let { Functions.configSetMaxMessageSize(config, it) }
        maxQueueSize?.let { Functions.configSetMaxQueueSize(config, it) }
        Functions.configSetWhenPeerLeaves(config, if (rejoin) WhenPeerLeaves.WAIT else WhenPeerLeaves.CLOSE)
    }

    private fun applySystemRoots(config: Pointer, url: String) {
        // What the owner of an Android device added or switched off is known to Java only.
        val ofPlatform = systemRoots && Platform.isAndroid() && !url.startsWith("ws:")
        val roots = if (ofPlatform) SystemTrust.certificates() else emptyList()
        for (root in roots) Functions.configAddTlsCertificates(config, root)
        Functions.configSetSystemRoots(config, systemRoots && roots.isEmpty())
    }

    /** For logs: nothing that is secret. */
    override fun toString(): String = "PeerOptions"
}
