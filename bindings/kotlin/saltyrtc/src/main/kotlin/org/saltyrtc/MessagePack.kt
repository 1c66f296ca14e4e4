package org.saltyrtc

import java.io.ByteArrayOutputStream
import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException

/**
 * MessagePack, as far as messages need it: small enough to read, without a dependency.
 *
 * | MessagePack | Kotlin |
 * |---|---|
 * | nil, bool | `null`, [Boolean] |
 * | integer | [Long] (written from [Byte], [Short] and [Int] too), [ULong] above [Long.MAX_VALUE] |
 * | float | [Double] (written from [Float] too) |
 * | str | [String] |
 * | bin | [ByteArray] |
 * | array | [List] |
 * | map | [Map]; keys that are arrays, maps or bytes are refused, as they are equal to nothing |
 * | extension | [Extension] |
 */
public object MessagePack {
    // Deeper values are refused, so that a peer cannot make a program run out of stack.
    private const val MAX_DEPTH = 64

    /** A value of an extension type. */
    public class Extension(
        /** -128 to 127; those below 0 are the specification's. */
        public val type: Byte,
        /** The bytes. */
        public val data: ByteArray,
    ) {
        /** The same type and bytes. */
        override fun equals(other: Any?): Boolean =
            other is Extension && type == other.type && data.contentEquals(other.data)

        /** Fits [equals]. */
        override fun hashCode(): Int = 31 * type + data.contentHashCode()
    }

    /** A value that Kotlin has no form for, serialised: a map whose keys are arrays, for example. */
    public class Raw(
        /** The bytes of the value. */
        public val data: ByteArray,
    ) {
        /** The same bytes. */
        override fun equals(other: Any?): Boolean = other is Raw && data.contentEquals(other.data)

        /** Fits [equals]. */
        override fun hashCode(): Int = data.contentHashCode()
    }

    /** The value in MessagePack. Throws [InvalidArgumentException] for what it has no form for. */
    @JvmStatic
    public fun encode(value: Any?): ByteArray = Writer().apply { write(value, 0) }.bytes()

    /** The value of exactly one MessagePack value. Throws [InvalidArgumentException] for everything else. */
    @JvmStatic
    public fun decode(data: ByteArray): Any? {
        val reader = Reader(ByteBuffer.wrap(data))
        val value = reader.value(0)
        if (reader.left > 0) throw bad("${reader.left} bytes follow the MessagePack value")
        return value
    }

    /** As [decode], but what has no form in Kotlin becomes [Raw]. */
    internal fun decodeAny(data: ByteArray): Any? = try {
        decode(data)
    } catch (_: InvalidArgumentException) {
        Raw(data)
    }

    private fun bad(text: String) = InvalidArgumentException(Status.BAD_MSGPACK, text)

    private class Writer {
        private val out = ByteArrayOutputStream()

        fun bytes(): ByteArray = out.toByteArray()

        fun write(value: Any?, depth: Int) {
            if (depth > MAX_DEPTH) throw bad("the value is nested more than $MAX_DEPTH deep")
            when (value) {
                null -> out.write(0xc0)
                is Boolean -> out.write(if (value) 0xc3 else 0xc2)
                is Byte, is Short, is Int, is Long -> integer((value as Number).toLong())
                is ULong -> if (value <= Long.MAX_VALUE.toULong()) integer(value.toLong()) else number(0xcf, value.toLong(), 8)
                is Float -> write(value.toDouble(), depth)
                is Double -> number(0xcb, value.toRawBits(), 8)
                is String -> value.encodeToByteArray().let {
                    sized(it.size, 32, 0xa0, 0xd9, 0xda, 0xdb)
                    out.write(it)
                }
                is ByteArray -> {
                    sized(value.size, 0, 0, 0xc4, 0xc5, 0xc6)
                    out.write(value)
                }
                is Raw -> out.write(value.data)
                is Extension -> extension(value)
                is List<*> -> {
                    sized(value.size, 16, 0x90, NONE, 0xdc, 0xdd)
                    for (item in value) write(item, depth + 1)
                }
                is Map<*, *> -> {
                    sized(value.size, 16, 0x80, NONE, 0xde, 0xdf)
                    for ((key, item) in value) {
                        write(key, depth + 1)
                        write(item, depth + 1)
                    }
                }
                else -> throw bad("MessagePack has no form for ${value.javaClass.name}")
            }
        }

        private fun integer(value: Long) = when {
            value in -32..127 -> out.write(value.toInt())
            value >= 0 -> when {
                value < 1L shl 8 -> number(0xcc, value, 1)
                value < 1L shl 16 -> number(0xcd, value, 2)
                value < 1L shl 32 -> number(0xce, value, 4)
                else -> number(0xcf, value, 8)
            }
            value >= Byte.MIN_VALUE -> number(0xd0, value, 1)
            value >= Short.MIN_VALUE -> number(0xd1, value, 2)
            value >= Int.MIN_VALUE -> number(0xd2, value, 4)
            else -> number(0xd3, value, 8)
        }

        private fun number(first: Int, value: Long, size: Int) {
            out.write(first)
            for (shift in 8 * (size - 1) downTo 0 step 8) out.write((value ushr shift).toInt())
        }

        /** The head of something with a size: within the first byte if it is below a limit, or behind it. */
        private fun sized(size: Int, limit: Int, within: Int, one: Int, two: Int, four: Int) = when {
            size < limit -> out.write(within or size)
            size < 1 shl 8 && one != NONE -> number(one, size.toLong(), 1)
            size < 1 shl 16 -> number(two, size.toLong(), 2)
            else -> number(four, size.toLong(), 4)
        }

        private fun extension(value: Extension) {
            when (val size = value.data.size) {
                1, 2, 4, 8, 16 -> out.write(0xd4 + Integer.numberOfTrailingZeros(size))
                else -> sized(size, 0, 0, 0xc7, 0xc8, 0xc9)
            }
            out.write(value.type.toInt())
            out.write(value.data)
        }

        // Of OutputStream, the function for all bytes can throw; this one cannot.
        private fun ByteArrayOutputStream.write(bytes: ByteArray) = write(bytes, 0, bytes.size)

        private companion object {
            /** There is no form whose size has one byte. */
            const val NONE = -1
        }
    }

    private class Reader(private val data: ByteBuffer) {
        val left: Int get() = data.remaining()

        fun value(depth: Int): Any? {
            if (depth > MAX_DEPTH) throw bad("the MessagePack value is nested more than $MAX_DEPTH deep")
            return when (val first = unsigned(1).toInt()) {
                in 0x00..0x7f -> first.toLong()
                in 0x80..0x8f -> map((first and 0x0f).toLong(), depth)
                in 0x90..0x9f -> list((first and 0x0f).toLong(), depth)
                in 0xa0..0xbf -> text((first and 0x1f).toLong())
                0xc0 -> null
                0xc2 -> false
                0xc3 -> true
                in 0xc4..0xc6 -> bytes(unsigned(1 shl (first - 0xc4)))
                in 0xc7..0xc9 -> unsigned(1 shl (first - 0xc7)).let { extension(it) }
                0xca -> Float.fromBits(unsigned(4).toInt()).toDouble()
                0xcb -> Double.fromBits(unsigned(8))
                in 0xcc..0xce -> unsigned(1 shl (first - 0xcc))
                0xcf -> unsigned(8).let { if (it < 0) it.toULong() else it }
                0xd0 -> unsigned(1).toByte().toLong()
                0xd1 -> unsigned(2).toShort().toLong()
                0xd2 -> unsigned(4).toInt().toLong()
                0xd3 -> unsigned(8)
                in 0xd4..0xd8 -> extension(1L shl (first - 0xd4))
                in 0xd9..0xdb -> text(unsigned(1 shl (first - 0xd9)))
                0xdc, 0xdd -> list(unsigned(2 shl (first - 0xdc)), depth)
                0xde, 0xdf -> map(unsigned(2 shl (first - 0xde)), depth)
                in 0xe0..0xff -> first.toByte().toLong()
                else -> throw bad("0x${first.toString(16)} is no MessagePack")
            }
        }

        /** A size is a claim, for which nothing may be reserved before it is seen to be possible. */
        private fun claim(size: Long): Int {
            if (size > left) throw bad("the MessagePack value is cut off")
            return size.toInt()
        }

        private fun unsigned(size: Int): Long {
            claim(size.toLong())
            var value = 0L
            repeat(size) { value = value shl 8 or (data.get().toLong() and 0xff) }
            return value
        }

        private fun bytes(size: Long) = ByteArray(claim(size)).also { data.get(it) }

        private fun text(size: Long): String = try {
            bytes(size).decodeToString(throwOnInvalidSequence = true)
        } catch (_: CharacterCodingException) {
            throw bad("a text is not UTF-8")
        }

        private fun extension(size: Long) = Extension(unsigned(1).toByte(), bytes(size))

        private fun list(size: Long, depth: Int): List<Any?> = List(claim(size)) { value(depth + 1) }

        private fun map(size: Long, depth: Int): Map<Any?, Any?> {
            claim(2 * size)
            val map = LinkedHashMap<Any?, Any?>()
            repeat(size.toInt()) {
                val key = value(depth + 1)
                if (key is List<*> || key is Map<*, *> || key is ByteArray) {
                    throw bad("the MessagePack map has a key that is an array, a map or bytes")
                }
                map[key] = value(depth + 1)
            }
            return map
        }
    }
}
