package org.saltyrtc

import org.saltyrtc.internal.Functions

/**
 * The client that invites another. It begins to connect when it is made.
 *
 * @param server `wss://host:port` or `ws://host:port`.
 * @throws InvalidArgumentException if the library does not take one of the options.
 */
public class Initiator @JvmOverloads constructor(
    server: String,
    options: PeerOptions = PeerOptions(),
) : Peer({ Functions.configNewInitiator(server, options.keys?.bytes) }, server, options) {
    /** What the responder needs. With a token in it, it is a secret between the two. */
    public val invitation: Invitation get() = ownInvitation!!

    /** An invitation with a new token, which admits one more responder. An authenticated peer stays until then. */
    public fun inviteAgain(): Invitation = core.use { client ->
        Invitation(Functions.clientInvitation(client, Functions.clientIssueToken(client)))
    }

    /** Drops a responder from the path; it may be the authenticated peer. [address] is 2 to 255. */
    @JvmOverloads
    public fun dropResponder(address: Int, closeCode: Int = DROPPED_BY_INITIATOR): Unit =
        core.use { Functions.clientDropResponder(it, address, closeCode) }

    private companion object {
        const val DROPPED_BY_INITIATOR = 3004
    }
}

/** An [Initiator] with options: `Initiator(server) { tasks = listOf(WebRTC()) }`. */
@JvmSynthetic
public inline fun Initiator(server: String, configure: PeerOptions.() -> Unit): Initiator =
    Initiator(server, PeerOptions().apply(configure))
