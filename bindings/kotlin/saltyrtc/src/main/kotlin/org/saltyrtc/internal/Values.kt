package org.saltyrtc.internal

import com.sun.jna.IntegerType
import com.sun.jna.Memory
import com.sun.jna.Native
import com.sun.jna.Pointer
import org.saltyrtc.InvalidArgumentException
import org.saltyrtc.MessagePack
import org.saltyrtc.SaltyRTCException
import org.saltyrtc.Status
import java.nio.Buffer
import java.nio.ByteBuffer

// How values get into the library, and out of it.

/** A size_t, which has 32 bits on some phones. */
internal class SizeT(value: Long) : IntegerType(Native.SIZE_T_SIZE, value, true) {
    constructor() : this(0)

    override fun toByte(): Byte = toInt().toByte()

    override fun toShort(): Short = toInt().toShort()
}

/** Where a function puts its error, and its results in slots of 8 bytes from 1 on. */
internal class Out(slots: Int) {
    private val memory = Memory(SLOT * (slots + 1)).apply { clear() }

    val error: Pointer get() = memory

    fun slot(number: Int): Pointer = memory.share(SLOT * number)

    /** The text of the error, which is freed. */
    fun takeText(): String? {
        val error = memory.getPointer(0) ?: return null
        val text = CLibrary.saltyrtc_error_message(error).text()
        CLibrary.saltyrtc_error_free(error)
        memory.setPointer(0, null)
        return text
    }

    private companion object {
        const val SLOT = 8L
    }
}

internal fun Pointer?.text(): String = this?.getString(0, "UTF-8").orEmpty()

internal fun Pointer.getSize(): Long = if (Native.SIZE_T_SIZE == 8) getLong(0) else getInt(0).toLong() and 0xffffffffL

internal fun Boolean.toC(): Byte = if (this) 1 else 0

/** Throws the exception for a status that is an error. */
internal fun check(status: Int, out: Out) {
    if (status != Status.OK.value) throw SaltyRTCException.of(Status.of(status), out.takeText())
}

/** The bytes that a function puts into a buffer: a larger one, if the first was too small. */
internal inline fun grow(sizeHint: Int, call: (ByteArray, Out) -> Int): ByteArray {
    var capacity = sizeHint
    while (true) {
        val buffer = ByteArray(capacity)
        val out = Out(1)
        val status = call(buffer, out)
        val size = out.slot(1).getSize().toInt()
        if (status == Status.OK.value) return if (size == capacity) buffer else buffer.copyOf(size)
        if (status != Status.BUFFER_TOO_SMALL.value) check(status, out)
        out.takeText()
        capacity = size
    }
}

/** The same for a text, which ends with a NUL. */
internal inline fun growText(sizeHint: Int, call: (ByteArray, Out) -> Int): String {
    val bytes = grow(sizeHint, call)
    return String(bytes, 0, bytes.size - 1, Charsets.UTF_8)
}

/** A name, URL or path: it ends with a NUL in C, so it cannot have one. */
internal fun cString(name: String, text: String?): ByteArray? {
    if (text == null) return null
    if ('\u0000' in text) throw badArgument("$name must not contain a NUL character")
    return (text + '\u0000').encodeToByteArray()
}

/** A key or token, after a look at its size: the library cannot see it. */
internal fun key(name: String, key: ByteArray?): ByteArray? {
    if (key != null && key.size != KEY_BYTES) throw badArgument("$name has ${key.size} bytes, and has to have $KEY_BYTES")
    return key
}

internal fun uint8(name: String, value: Int): Byte = within(name, value.toLong(), 0xff).toByte()

internal fun uint16(name: String, value: Int): Short = within(name, value.toLong(), 0xffff).toShort()

internal fun uint32(name: String, value: Long): Int = within(name, value, 0xffffffffL).toInt()

internal fun uint16s(name: String, values: List<Int>): ShortArray = ShortArray(values.size) { uint16(name, values[it]) }

internal fun size(name: String, value: Long): SizeT {
    val highest = if (Native.SIZE_T_SIZE == 8) Long.MAX_VALUE else 0xffffffffL
    return SizeT(within(name, value, highest))
}

private fun within(name: String, value: Long, highest: Long): Long {
    if (value !in 0..highest) throw badArgument("$name is $value, and has to be a number from 0 to $highest")
    return value
}

internal fun badArgument(text: String) = InvalidArgumentException(Status.BAD_ARGUMENT, text)

/** Something at a place of the buffer of saltyrtc_queue_read. */
internal abstract class PackedRecord(private val buffer: ByteBuffer, private val at: Int) {
    protected fun int(offset: Int): Int = buffer.getInt(at + offset)

    protected fun long(offset: Int): Long = buffer.getLong(at + offset)

    /** The text whose place and size are here; null if there is none. */
    protected fun text(offset: Int): String? = if (int(offset) == 0) null else String(bytes(offset), Charsets.UTF_8)

    protected fun bytes(offset: Int): ByteArray = buffer.copy(int(offset), if (int(offset) == 0) 0 else int(offset + 4))

    protected fun candidates(offset: Int): List<CandidateRecord> =
        List(int(offset + 4)) { CandidateRecord(buffer, int(offset) + it * CandidateRecord.SIZE) }
}

/** What comes with an event as MessagePack; null if there is nothing. */
internal fun Record.value(): Any? = if (payload == Payload.MSGPACK) MessagePack.decodeAny(data) else null

/** A copy of some bytes of the buffer, which one thread uses. */
internal fun ByteBuffer.copy(offset: Int, size: Int): ByteArray {
    val bytes = ByteArray(size)
    if (size > 0) {
        // As a Buffer, which is all that Android 8 knows of it.
        (this as Buffer).position(offset)
        get(bytes)
    }
    return bytes
}

/** A text in a field of fixed size, up to its NUL. */
internal fun ByteArray.text(): String = String(this, 0, indexOf(0).let { if (it < 0) size else it }, Charsets.UTF_8)
