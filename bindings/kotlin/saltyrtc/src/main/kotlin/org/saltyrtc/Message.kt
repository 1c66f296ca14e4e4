package org.saltyrtc

/**
 * A message of the peer, or for it.
 *
 * With [RelayedData], and as application messages: [Bytes], [Text] and [Value]. With [CustomTask] and [Ortc]: [Value], a
 * map with a "type". With [OwnWebRTC]: [Description] and [Candidate]. On a [Channel]: [Bytes] and [Text].
 */
public sealed class Message {
    /** Bytes, which are not copied: do not change them before they are sent. */
    public class Bytes(
        /** The bytes. */
        public val data: ByteArray,
    ) : Message() {
        /** The same bytes. */
        override fun equals(other: Any?): Boolean = other is Bytes && data.contentEquals(other.data)

        /** Fits [equals]. */
        override fun hashCode(): Int = data.contentHashCode()

        /** For logs: only how many. */
        override fun toString(): String = "Bytes(${data.size} bytes)"
    }

    /** A text. */
    public class Text(
        /** The text. */
        public val text: String,
    ) : Message() {
        /** The same text. */
        override fun equals(other: Any?): Boolean = other is Text && text == other.text

        /** Fits [equals]. */
        override fun hashCode(): Int = text.hashCode()

        /** For logs: only how long it is. */
        override fun toString(): String = "Text(${text.length} characters)"
    }

    /** Another value of MessagePack: see [MessagePack] for what can be in it. */
    public class Value(
        /** The value. */
        public val value: Any?,
    ) : Message() {
        /** What a map has for a key; null if the value is no map, or has no such key. */
        public operator fun get(key: String): Any? = (value as? Map<*, *>)?.get(key)

        /** The same value, byte by byte. */
        override fun equals(other: Any?): Boolean =
            other is Value && MessagePack.encode(value).contentEquals(MessagePack.encode(other.value))

        /** Fits [equals]. */
        override fun hashCode(): Int = MessagePack.encode(value).contentHashCode()

        /** For logs: not what it is. */
        override fun toString(): String = "Value"
    }

    /** A session description, for [OwnWebRTC]. Only initiators send offers, only responders send answers. */
    public class Description(
        /** `offer`, `answer`, `pranswer` or `rollback`. */
        public val type: String,
        /** Null with a `rollback` only. */
        public val sdp: String?,
    ) : Message() {
        /** For logs: without the SDP, which has passwords. */
        override fun toString(): String = "Description($type)"
    }

    /** An ICE candidate, for [OwnWebRTC]. */
    public class Candidate @JvmOverloads constructor(
        /** The candidate-attribute. Empty: no more of this generation; null: no more at all. */
        public val candidate: String?,
        /** The media description that it belongs to, by its name. */
        public val sdpMid: String? = null,
        /** The media description that it belongs to, by its place. */
        public val sdpMLineIndex: Int? = null,
        /** The generation that it belongs to. */
        public val usernameFragment: String? = null,
    ) : Message() {
        /** For logs: without the addresses. */
        override fun toString(): String = "Candidate(sdpMid=$sdpMid)"
    }

    /** The text of a [Text]. Throws [InvalidArgumentException] if it is another message. */
    public fun asText(): String = (this as? Text)?.text ?: wrong("text")

    /** The data of [Bytes]. Throws [InvalidArgumentException] if it is another message. */
    public fun asBytes(): ByteArray = (this as? Bytes)?.data ?: wrong("bytes")

    private fun wrong(wanted: String): Nothing =
        throw InvalidArgumentException(Status.BAD_ARGUMENT, "the message is no $wanted, but ${javaClass.simpleName}")
}
