package org.saltyrtc

import org.saltyrtc.internal.Functions
import org.saltyrtc.internal.key

/** A public permanent key: 32 bytes. It is no secret. Peers store it in order to trust its owner. */
public class PublicKey(bytes: ByteArray) {
    private val key = key("the key", bytes)!!.copyOf()

    /** From 64 hexadecimal digits. Throws [InvalidArgumentException]. */
    public constructor(hex: String) : this(Functions.keyFromHex(hex))

    /** A copy of the 32 bytes. */
    public val bytes: ByteArray get() = key.copyOf()

    /** As 64 hexadecimal digits. */
    public val hex: String get() = Functions.keyToHex(key)

    /** The same bytes. */
    override fun equals(other: Any?): Boolean = other is PublicKey && key.contentEquals(other.key)

    /** Fits [equals]. */
    override fun hashCode(): Int = key.contentHashCode()

    /** As 64 hexadecimal digits. */
    override fun toString(): String = hex
}

/** 32 bytes that are a secret: [toString] does not show them, and [close] overwrites them. */
public abstract class Secret internal constructor(bytes: ByteArray) : AutoCloseable {
    private val secret = key("the secret", bytes)!!.copyOf()

    /** A copy of the 32 bytes. Store it where nobody else can read it; overwrite the copy when it is not needed any more. */
    public fun copyBytes(): ByteArray = secret.copyOf()

    internal val bytes: ByteArray get() = secret

    /** Overwrites the secret. Clients that were made with it go on. */
    override fun close(): Unit = secret.fill(0)
}

/** A token: a secret of 32 bytes that admits one responder, once. */
public class Token(bytes: ByteArray) : Secret(bytes) {
    /** From 64 hexadecimal digits. Throws [InvalidArgumentException]. */
    public constructor(hex: String) : this(Functions.keyFromHex(hex))

    /** The same bytes. */
    override fun equals(other: Any?): Boolean = other is Token && bytes.contentEquals(other.bytes)

    /** Fits [equals]. */
    override fun hashCode(): Int = bytes.contentHashCode()

    /** Not the secret. */
    override fun toString(): String = "Token(secret)"

    /** Makes tokens. */
    public companion object {
        /** A random one. */
        @JvmStatic
        public fun generate(): Token {
            val secret = Functions.keyPairGenerate().second
            return Token(secret).also { secret.fill(0) }
        }
    }
}

/** The permanent key pair of a client or a server, from its secret key: 32 bytes. */
public class KeyPair(secretKey: ByteArray) : Secret(secretKey) {
    /** The public key. */
    public val publicKey: PublicKey = PublicKey(Functions.publicKeyFromSecret(bytes))

    /** From 64 hexadecimal digits. Throws [InvalidArgumentException]. */
    public constructor(hex: String) : this(Functions.keyFromHex(hex))

    /** The same pair. */
    override fun equals(other: Any?): Boolean = other is KeyPair && publicKey == other.publicKey

    /** Fits [equals]. */
    override fun hashCode(): Int = publicKey.hashCode()

    /** The public key only. */
    override fun toString(): String = "KeyPair($publicKey)"

    /** Makes key pairs. */
    public companion object {
        /** A new pair. */
        @JvmStatic
        public fun generate(): KeyPair {
            val secretKey = Functions.keyPairGenerate().second
            return KeyPair(secretKey).also { secretKey.fill(0) }
        }
    }
}
