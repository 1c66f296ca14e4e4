package org.saltyrtc

import com.sun.jna.Pointer
import org.saltyrtc.internal.Functions

/**
 * What a responder has to know to reach an initiator: the server, the initiator's public key, and usually the server's
 * public key and a token. From its URI: `wss://host:port/<initiator's key>?<server's key>#<token>`.
 *
 * With a token in it, an invitation is a secret between two people: [uri] has all of it, [toString] does not show the token.
 */
public class Invitation(uri: String) {
    /** All of it, as text. */
    public val uri: String

    /** The server: `wss://host:port` or `ws://host:port`, without the port if it is the default one. */
    public val serverUrl: String

    /** The initiator's public permanent key. It is also the signalling path. */
    public val initiatorKey: PublicKey

    /** The server's public permanent key, or null if it is not known. */
    public val serverKey: PublicKey?

    /** The token; null if the initiator trusts the responder's key instead. */
    public val token: Token?

    init {
        val handle = Functions.invitationParse(uri)
        try {
            val (hasServerKey, hasToken) = Functions.invitationFlags(handle)
            this.uri = Functions.invitationUri(handle)
            serverUrl = Functions.invitationServerUrl(handle)
            initiatorKey = PublicKey(Functions.invitationInitiatorKey(handle))
            serverKey = if (hasServerKey) PublicKey(Functions.invitationServerKey(handle)) else null
            token = if (hasToken) Token(Functions.invitationToken(handle)) else null
        } finally {
            Functions.invitationFree(handle)
        }
    }

    /**
     * A QR code for a terminal with light text on a dark background: lines made of half blocks.
     */
    public fun qrCode(): String = withHandle(Functions.invitationParse(uri)) { Functions.invitationQrCode(it) }

    /**
     * The modules of a QR code, row by row, with its margin: true where it is dark. For a view that draws it.
     */
    public fun qrModules(): List<BooleanArray> {
        val lines = qrCode().trimEnd('\n').lines()
        val width = lines.maxOf { it.length }
        val rows = lines.flatMap { line ->
            val blocks = line.padEnd(width)
            listOf(BooleanArray(width) { blocks[it] !in "█▀" }, BooleanArray(width) { blocks[it] !in "█▄" })
        }
        // An odd number of modules leaves half a line at the end.
        return rows.take(width)
    }

    /** The same invitation. */
    override fun equals(other: Any?): Boolean = other is Invitation && uri == other.uri

    /** Fits [equals]. */
    override fun hashCode(): Int = uri.hashCode()

    /** For logs: without the token. */
    override fun toString(): String =
        "Invitation($serverUrl/$initiatorKey, ${if (token == null) "without a token" else "with a token"})"

    /** Makes invitations. */
    public companion object {
        /** From the server's URL and keys. */
        @JvmStatic
        @JvmOverloads
        public fun of(
            serverUrl: String,
            initiatorKey: PublicKey,
            serverKey: PublicKey? = null,
            token: Token? = null,
        ): Invitation {
            val handle = Functions.invitationNew(serverUrl, initiatorKey.bytes, serverKey?.bytes, token?.bytes)
            return Invitation(withHandle(handle) { Functions.invitationUri(it) })
        }

        private inline fun <R> withHandle(handle: Pointer, use: (Pointer) -> R): R = try {
            use(handle)
        } finally {
            Functions.invitationFree(handle)
        }
    }
}
