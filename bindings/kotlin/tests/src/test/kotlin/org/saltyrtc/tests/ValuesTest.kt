package org.saltyrtc.tests

import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.MethodSource
import org.saltyrtc.Chunker
import org.saltyrtc.ChunkingMode
import org.saltyrtc.ConnectionFailedException
import org.saltyrtc.ConnectionState
import org.saltyrtc.CustomTask
import org.saltyrtc.End
import org.saltyrtc.IceServer
import org.saltyrtc.Initiator
import org.saltyrtc.InternalErrorException
import org.saltyrtc.InvalidArgumentException
import org.saltyrtc.Invitation
import org.saltyrtc.KeyPair
import org.saltyrtc.Message
import org.saltyrtc.MessagePack
import org.saltyrtc.NotPossibleException
import org.saltyrtc.OwnWebRTC
import org.saltyrtc.PeerFailedException
import org.saltyrtc.PeerOptions
import org.saltyrtc.PublicKey
import org.saltyrtc.QueueFullException
import org.saltyrtc.Responder
import org.saltyrtc.SaltyRTC
import org.saltyrtc.SaltyRTCException
import org.saltyrtc.Server
import org.saltyrtc.ServerFailedException
import org.saltyrtc.ServerLimit
import org.saltyrtc.Status
import org.saltyrtc.Token
import org.saltyrtc.Unchunker
import org.saltyrtc.WebRTC
import kotlin.test.Test
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNotEquals
import kotlin.test.assertNull
import kotlin.test.assertTrue

/** Keys, invitations, MessagePack, exceptions: what needs no connection. */
class ValuesTest {
    @Test
    fun keys() {
        val pair = KeyPair.generate()
        assertEquals(32, pair.copyBytes().size)
        assertEquals(pair, KeyPair(pair.copyBytes()))
        assertEquals(PublicKey(pair.publicKey.hex), pair.publicKey)
        assertEquals(pair.publicKey.hex, PublicKey(pair.publicKey.bytes).toString())
        assertNotEquals(KeyPair.generate(), pair)
        assertEquals(1, setOf(pair, KeyPair(pair.copyBytes())).size)
        for (wrong in listOf("", "ab", "g".repeat(64), "\u0000".repeat(64))) assertFailsWith<InvalidArgumentException> { KeyPair(wrong) }
        for (wrong in listOf(0, 31, 33)) assertFailsWith<InvalidArgumentException> { KeyPair(ByteArray(wrong)) }
    }

    @Test
    fun `secrets are not shown`() {
        val pair = KeyPair.generate()
        val token = Token.generate()
        val invitation = Invitation.of("wss://example.org", pair.publicKey, token = token)
        val options = PeerOptions().apply { keys = pair; this.token = token }
        val ice = IceServer("turn:example.org", "user", "password-of-turn")
        val initiator = Initiator("ws://127.0.0.1:1", options)
        val shown = listOf(
            pair, token, invitation, options, ice, initiator, WebRTC(listOf(ice)),
            Message.Text("said"), Message.Value("said"), Message.Description("offer", "said"), Message.Candidate("said"),
        ).joinToString()
        initiator.close()
        for (secret in listOf(PublicKey(pair.copyBytes()).hex, PublicKey(token.copyBytes()).hex, "password-of-turn", "said")) {
            assertTrue(secret !in shown, shown)
        }
    }

    @Test
    fun `the memory of a secret is overwritten`() {
        for (secret in listOf(KeyPair.generate(), Token.generate())) {
            assertTrue(secret.bytes.any { it != 0.toByte() })
            secret.close()
            assertContentEquals(ByteArray(32), secret.bytes)
        }
    }

    @Test
    fun invitations() {
        val pair = KeyPair.generate()
        val server = KeyPair.generate().publicKey
        val token = Token.generate()
        val full = Invitation.of("wss://example.org:1234", pair.publicKey, server, token)
        assertEquals("wss://example.org:1234/${pair.publicKey}?$server#${PublicKey(token.copyBytes()).hex}", full.uri)
        assertEquals("wss://example.org:1234", full.serverUrl)
        assertEquals(listOf<Any?>(pair.publicKey, server, token), listOf(full.initiatorKey, full.serverKey, full.token))
        assertEquals(full, Invitation(full.uri))
        val bare = Invitation.of("ws://example.org", pair.publicKey)
        assertNull(bare.serverKey)
        assertNull(bare.token)
        for (wrong in listOf("", "http://example.org", full.uri.dropLast(1), full.uri + "\u0000")) {
            assertFailsWith<InvalidArgumentException> { Invitation(wrong) }
        }
    }

    @Test
    fun `QR codes for terminals and for views show the same`() {
        val invitation = Invitation.of("wss://example.org", KeyPair.generate().publicKey, token = Token.generate())
        assertTrue(invitation.qrCode().all { it in "█▀▄ \n" })
        val modules = invitation.qrModules()
        val size = modules.size
        assertEquals(0, (size - 8 - 17) % 4, "the size of a QR code, with its margin of four modules")
        assertTrue(modules.all { it.size == size })
        // The three finder patterns: a ring of 7 modules, and a dark square of 3 in it.
        for ((left, top) in listOf(4 to 4, size - 11 to 4, 4 to size - 11)) {
            for (y in 0 until 7) for (x in 0 until 7) {
                val ring = x == 0 || y == 0 || x == 6 || y == 6
                val square = x in 2..4 && y in 2..4
                assertEquals(ring || square, modules[top + y][left + x], "$left $top: $x $y")
            }
        }
        for (at in 0 until size) for (margin in listOf(0, 1, 2, 3, size - 4, size - 1)) {
            assertTrue(!modules[at][margin] && !modules[margin][at])
        }
    }

    companion object {
        @JvmStatic
        fun values(): List<Any?> = listOf(
            null, true, false, 0L, 1L, 127L, 128L, 255L, 256L, 65535L, 65536L, 0xffffffffL, 1L shl 32, Long.MAX_VALUE,
            ULong.MAX_VALUE, Long.MAX_VALUE.toULong() + 1u, -1L, -32L, -33L, -128L, -129L, -32768L, -32769L,
            Int.MIN_VALUE.toLong(), Int.MIN_VALUE - 1L, Long.MIN_VALUE, 0.0, 1.5, Double.POSITIVE_INFINITY,
            "", "a", "ü".repeat(20), "x".repeat(31), "x".repeat(32), "x".repeat(255), "x".repeat(256), "x".repeat(65536), "a\u0000b",
            ByteArray(0), ByteArray(1), ByteArray(255), ByteArray(256), ByteArray(65536),
            emptyList<Any>(), listOf(1L, listOf(2L, listOf(mapOf("a" to null)))), List(15) { it.toLong() }, List(16) { it.toLong() },
            List(65536) { it.toLong() }, emptyMap<Any, Any>(), mapOf("type" to "move", 1L to true, null to listOf(true)),
            (0 until 16L).associateBy { "$it" }, (0 until 65536L).associateBy { it },
            MessagePack.Extension(-1, ByteArray(4)), MessagePack.Extension(5, ByteArray(3)), MessagePack.Extension(127, ByteArray(300)),
        )
    }

    @ParameterizedTest
    @MethodSource("values")
    fun `MessagePack and back`(value: Any?) {
        val encoded = MessagePack.encode(value)
        val back = MessagePack.decode(encoded)
        if (value is ByteArray) assertContentEquals(value, back as ByteArray) else assertEquals(value, back)
        for (cut in listOf(0, 1, encoded.size / 2, encoded.size - 1) - encoded.size) {
            assertFailsWith<InvalidArgumentException> { MessagePack.decode(encoded.copyOf(cut)) }
        }
        assertFailsWith<InvalidArgumentException> { MessagePack.decode(encoded + 0) }
    }

    private fun hex(text: String) = text.replace(" ", "").chunked(2).map { it.toInt(16).toByte() }.toByteArray()

    @Test
    fun `MessagePack has the bytes of the specification`() {
        assertContentEquals(hex("82 a7 636f6d70616374 c3 a6 736368656d61 00"), MessagePack.encode(mapOf("compact" to true, "schema" to 0)))
        assertContentEquals(
            hex("94 c4 01 01 d0 df ce 00010000 cb 3ff8000000000000"), MessagePack.encode(listOf(byteArrayOf(1), -33, 1 shl 16, 1.5f)),
        )
        assertEquals(1.5, MessagePack.decode(hex("ca 3fc00000")))
    }

    @Test
    fun `MessagePack refuses`() {
        assertFailsWith<InvalidArgumentException> { MessagePack.encode(Any()) }
        var nested: Any = emptyList<Any>()
        repeat(1000) { nested = listOf(nested) }
        assertFailsWith<InvalidArgumentException> { MessagePack.encode(nested) }
        // Deep, a size that is a lie, not UTF-8, a byte that is never used, and keys that are equal to nothing.
        val deep = ByteArray(100_001) { 0x91.toByte() }.also { it[100_000] = 0 }
        for (wrong in listOf(deep, hex("dd ffffffff 00"), hex("df 7fffffff 00"), hex("a1 ff"), hex("c1"), hex("81 90 00"), hex("81 c400 00"))) {
            assertFailsWith<InvalidArgumentException> { MessagePack.decode(wrong) }
        }
        val raw = MessagePack.decodeAny(hex("81 90 00"))
        assertEquals(MessagePack.Raw(hex("81 90 00")), raw)
        assertContentEquals(hex("91 81 90 00"), MessagePack.encode(listOf(raw)))
    }

    @Test
    fun `every status has an exception with its text`() {
        val kinds = HashSet<Class<*>>()
        for (status in Status.entries - Status.OK) {
            val error = End(SaltyRTCException.of(status, null, closeCode = 3001)).toException()
            assertEquals(status, error.status)
            assertTrue(error.text.isNotEmpty() && status.name in error.message && "3001" in error.message)
            kinds.add(error.javaClass)
        }
        val all = setOf<kotlin.reflect.KClass<*>>(
            InvalidArgumentException::class, NotPossibleException::class, QueueFullException::class, ConnectionFailedException::class,
            PeerFailedException::class, ServerFailedException::class, InternalErrorException::class,
        )
        assertEquals(all.map { it.java }.toSet(), kinds)
        val unknown = SaltyRTCException.of(Status.of(-12345), null)
        assertEquals(-12345, unknown.status.value)
        assertEquals("UNKNOWN_-12345", unknown.status.name)
        assertEquals(Status.of(-12345), unknown.status)
        assertNotEquals<Any>(Status.of(1), ConnectionState.of(1))
        assertEquals("ClosedBy", org.saltyrtc.ClosedBy.of(99).javaClass.simpleName)
    }

    @Test
    fun `wrong options`() {
        val wrong = listOf<PeerOptions.() -> Unit>(
            { maxMessageSize = 1 }, { tlsCertificates = listOf("no certificate".toByteArray()) }, { tasks = listOf(CustomTask("")) },
            { tasks = listOf(WebRTC(ports = 5..4)) }, { tasks = listOf(WebRTC(ports = 5..70000)) }, { maxQueueSize = -1 },
            { tasks = listOf(WebRTC(unreachableTimeoutMillis = 30_001)) }, { tasks = listOf(WebRTC(setupTimeoutMillis = 0)) },
            { tasks = listOf(WebRTC(listOf(IceServer("http://example.org")))) }, { tasks = listOf(OwnWebRTC(listOf(65535))) },
            { tasks = listOf(OwnWebRTC(listOf(65536))) }, { connectTimeoutMillis = -1 },
        )
        for (configure in wrong) assertFailsWith<InvalidArgumentException> { Initiator("wss://example.org", configure) }
        for (server in listOf("", "example.org", "https://example.org", "wss://example.org\u0000")) {
            assertFailsWith<InvalidArgumentException> { Initiator(server) }
        }
        assertFailsWith<InvalidArgumentException> { Responder("wss://example.org") }
        assertFailsWith<InvalidArgumentException> { Server { address = "nowhere" } }
        assertFailsWith<InvalidArgumentException> { Server { limits = mapOf(ServerLimit.of(99) to 1) } }
        assertFailsWith<SaltyRTCException> { Server { tlsCertificates = ByteArray(0) } }
    }

    @Test
    fun chunks() {
        val message = ByteArray(2560) { it.toByte() }
        for (mode in ChunkingMode.entries) {
            Chunker(mode).use { chunker ->
                Unchunker(mode).use { unchunker ->
                    val chunks = chunker.split(message, 100)
                    assertEquals(100, chunks.maxOf { it.size })
                    val messages = chunks.map { unchunker.add(it) }
                    assertTrue(messages.dropLast(1).all { it == null })
                    assertContentEquals(message, messages.last())
                    assertEquals(0, unchunker.expire())
                }
            }
        }
        Unchunker().use { unchunker ->
            assertEquals(Status.BAD_CHUNK, assertFailsWith<InvalidArgumentException> { unchunker.add(ByteArray(0)) }.status)
            unchunker.close()
            assertFailsWith<NotPossibleException> { unchunker.expire() }
        }
    }

    @Test
    fun `the library tells what it is`() {
        assertEquals(System.getProperty("saltyrtc.version"), SaltyRTC.version)
        assertTrue(SaltyRTC.hasFeature("webrtc") && !SaltyRTC.hasFeature("time travel"))
        SaltyRTC.networkChanged()
    }
}
