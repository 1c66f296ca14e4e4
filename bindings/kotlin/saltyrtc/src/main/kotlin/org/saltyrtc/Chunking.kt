package org.saltyrtc

import org.saltyrtc.internal.CLibrary
import org.saltyrtc.internal.Functions
import org.saltyrtc.internal.Handle
import org.saltyrtc.internal.useOrThrow

/** Splits messages into chunks, for data channels that limit the size of a message. Each channel needs its own. */
public class Chunker @JvmOverloads constructor(
    mode: ChunkingMode = ChunkingMode.UNRELIABLE_UNORDERED,
) : AutoCloseable {
    private val handle = Handle(Functions.chunkerNew(mode.value)) { CLibrary.saltyrtc_chunker_free(it) }

    /** The chunks of a message, which must not be empty, of at most [chunkSize] bytes each (at least 10). */
    public fun split(message: ByteArray, chunkSize: Int): List<ByteArray> = handle.useOrThrow { chunker ->
        // Of one message after the other, also if several threads split some.
        synchronized(handle) {
            Functions.chunkerAdd(chunker, message, chunkSize.toLong())
            generateSequence { Functions.chunkerNext(chunker).takeIf { it.isNotEmpty() } }.toList()
        }
    }

    /** Frees it. */
    override fun close(): Unit = handle.close()
}

/**
 * Puts messages together again. Each channel needs its own. The limits are for the memory that a peer can make it use.
 *
 * @param maxMessageSize of a message, in bytes.
 * @param maxTotalSize of all incomplete messages, in bytes.
 * @param maxAgeMillis a message that gets no new chunk for so long is thrown away.
 * @param remembered how many complete messages are remembered, if the transport duplicates.
 */
public class Unchunker @JvmOverloads constructor(
    mode: ChunkingMode = ChunkingMode.UNRELIABLE_UNORDERED,
    maxMessageSize: Long = 1 shl 24,
    maxTotalSize: Long = 1 shl 26,
    maxAgeMillis: Long = 60_000,
    remembered: Long = 0,
) : AutoCloseable {
    private val handle = Handle(
        Functions.unchunkerNew(mode.value, maxMessageSize, maxTotalSize, maxAgeMillis, remembered),
    ) { CLibrary.saltyrtc_unchunker_free(it) }

    /** Adds a chunk; returns the message if that completes one. Throws [InvalidArgumentException] if the chunk is none. */
    public fun add(chunk: ByteArray): ByteArray? {
        val message = handle.useOrThrow { unchunker ->
            synchronized(handle) {
                if (Functions.unchunkerAdd(unchunker, chunk) == 0L) NOTHING else Functions.unchunkerNext(unchunker)
            }
        }
        return message.takeIf { it !== NOTHING }
    }

    /** Throws away messages that are too old; returns how many were thrown away so far, for any reason. */
    public fun expire(): Long = handle.useOrThrow { Functions.unchunkerExpire(it) }

    /** Frees it. */
    override fun close(): Unit = handle.close()

    private companion object {
        val NOTHING = ByteArray(0)
    }
}
