package org.saltyrtc

import org.saltyrtc.internal.Functions

/**
 * The client that was invited. It begins to connect when it is made.
 *
 * @param invitation the URI of an invitation. The [PeerOptions.serverKey] replaces its key of the server.
 * @throws InvalidArgumentException if the library does not take the invitation, or one of the options.
 */
public class Responder @JvmOverloads constructor(
    invitation: String,
    options: PeerOptions = PeerOptions(),
) : Peer({ Functions.configNewResponder(invitation, options.keys?.bytes) }, invitation, options) {
    /** With an invitation that was parsed. */
    @JvmOverloads
    public constructor(invitation: Invitation, options: PeerOptions = PeerOptions()) : this(invitation.uri, options)
}

/** A [Responder] with options: `Responder(invitation) { keys = stored }`. */
@JvmSynthetic
public inline fun Responder(invitation: String, configure: PeerOptions.() -> Unit): Responder =
    Responder(invitation, PeerOptions().apply(configure))

/** A [Responder] with options: `Responder(invitation) { keys = stored }`. */
@JvmSynthetic
public inline fun Responder(invitation: Invitation, configure: PeerOptions.() -> Unit): Responder =
    Responder(invitation, PeerOptions().apply(configure))
