package org.saltyrtc

import org.saltyrtc.internal.CLibrary
import org.saltyrtc.internal.Functions
import org.saltyrtc.internal.Handle
import org.saltyrtc.internal.useOrThrow

/**
 * Encrypts and decrypts the messages of one data channel of the program with the keys of the session, for [OwnWebRTC].
 *
 * Both peers make one for each data channel, and a new one for a new channel that reuses an id. It can be used after the
 * session has ended.
 *
 * @param id that of the data channel, 0 to 65534.
 * @throws NotPossibleException without an authenticated peer.
 */
public class SecureChannel(peer: Peer, id: Int) : AutoCloseable {
    private val handle =
        Handle(peer.core.use { Functions.secureChannelNew(it, id) }) { CLibrary.saltyrtc_secure_channel_free(it) }

    /** A message for the data channel. Each call uses up a sequence number, even if the result is never sent. */
    public fun encrypt(data: ByteArray): ByteArray = handle.useOrThrow { Functions.secureChannelEncrypt(it, data) }

    /**
     * A message from the data channel; messages may be lost and come in any order. Throws [NotPossibleException] with
     * [Status.DECRYPTION_FAILED], which does not affect other messages.
     */
    public fun decrypt(data: ByteArray): ByteArray = handle.useOrThrow { Functions.secureChannelDecrypt(it, data) }

    /** Frees it. */
    override fun close(): Unit = handle.close()
}
