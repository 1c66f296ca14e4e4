package org.saltyrtc.tests

import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import org.junit.jupiter.api.Assumptions.assumeTrue
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource
import org.saltyrtc.Invitation
import org.saltyrtc.KeyPair
import org.saltyrtc.Status
import java.io.File
import java.security.MessageDigest
import java.util.Random
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** Virtual machines of their own: as peers, killed, with checks, of another version, and with libraries that are wrong. */
class ProcessesTest {
    private suspend fun <R> io(block: () -> R): R = withContext(Dispatchers.IO) { block() }

    private val main = "org.saltyrtc.tests.PeerProgramKt"

    private fun hex(bytes: ByteArray) = bytes.joinToString("") { "%02x".format(it) }

    @Test
    fun `a hundred mebibytes over a channel arrive as they were sent`() = withServer { server ->
        val piece = 256 shl 10
        initiator(server) { tasks = WEBRTC }.use { alice ->
            javaProgram(main, "hash", alice.invitation.uri).use { program ->
                alice.awaitPeer()
                val digest = MessageDigest.getInstance("SHA-256")
                val random = Random(1)
                val channel = alice.openChannel("bulk")
                repeat((100 shl 20) / piece) {
                    val data = ByteArray(piece).also(random::nextBytes)
                    digest.update(data)
                    channel.send(data)
                }
                channel.close()
                assertEquals("${100 shl 20} ${hex(digest.digest())}", io { program.line() })
                io { program.ends() }
            }
        }
    }

    @Test
    fun `a process that was killed comes back`() = withServer { server ->
        val keys = KeyPair.generate()
        val secret = hex(keys.copyBytes())
        initiator(server) { rejoin = true }.use { alice ->
            javaProgram(main, "stay", alice.invitation.uri, secret).use { program ->
                assertEquals(keys.publicKey, alice.awaitPeer().peerKey)
                alice.trust()
                io { program.line("ready") }
                assertEquals("hello", alice.receive().asText())
                program.kill()
            }
            javaProgram(main, "stay", Invitation.of(server.url, alice.publicKey).uri, secret, alice.publicKey.hex).use { program ->
                io { program.line("ready") }
                assertEquals("hello", alice.receive().asText())
                alice.close()
                io { program.line("PEER_CLOSED") }
                io { program.ends() }
            }
        }
    }

    @Test
    fun `what was sent just before the end of the program arrives`() = withServer { server ->
        initiator(server).use { alice ->
            javaProgram(main, "exit", alice.invitation.uri).use { program ->
                for (number in 0 until 500) assertEquals(number, numberOf(alice.receive()))
                assertEquals(Status.PEER_CLOSED, alice.awaitEnd().status)
                io { program.ends() }
            }
        }
    }

    @Test
    fun `the checks of JNI have nothing to say`() {
        javaProgram(main, "everything", options = listOf("-Xcheck:jni")).use { program ->
            program.ends()
            // A warning, and the stack behind it. JNA causes some while it is loaded.
            val warnings = program.seen.joinToString("\n") { it.substringAfter(": ") }.split(Regex("(?m)^(?=WARNING|FATAL)"))
            val ours = warnings.filter { "WARNING" in it || "FATAL" in it }.filterNot { "com.sun.jna.Native.loadNativeDispatchLibrary" in it }
            assertEquals(emptyList(), ours)
            assertTrue("stdout: done" in program.seen)
        }
    }

    @Test
    fun `a new Java warns of nothing that the README does not explain`() {
        val java = File("/usr/lib/jvm").listFiles().orEmpty().filter { File(it, "bin/java").canExecute() }.maxByOrNull { versionOf(it) }
        assumeTrue(java != null && versionOf(java) >= 24, "there is no Java 24 or later in /usr/lib/jvm, whose warnings are looked for")
        javaProgram(main, "everything", options = listOf("--enable-native-access=ALL-UNNAMED"), java = java!!).use { program ->
            program.ends()
            assertEquals(listOf("stdout: done"), program.seen.toList())
        }
        // Without it there is a warning, and the README says what to do.
        javaProgram(main, "everything", java = java).use { program ->
            program.ends()
            assertTrue(program.seen.any { "--enable-native-access=ALL-UNNAMED" in it }, "${program.seen}")
            assertTrue("--enable-native-access=ALL-UNNAMED" in File(PACKAGE, "README.md").readText())
        }
    }

    private fun versionOf(java: File): Int {
        val release = File(java, "release").takeIf { it.exists() }?.readText().orEmpty()
        return Regex("JAVA_VERSION=\"(\\d+)").find(release)?.groupValues?.get(1)?.toInt() ?: 0
    }

    private fun refused(vararg texts: String, options: List<String> = emptyList(), classPath: List<String> = CLASS_PATH) {
        javaProgram(main, "version", options = options, classPath = classPath).use { program ->
            program.ends(1)
            // Each use says so, not only the first.
            val lines = program.seen.filter { it.startsWith("stdout: UnsatisfiedLinkError ") }
            assertEquals(2, lines.size, "${program.seen}")
            assertEquals(lines[0], lines[1])
            for (text in texts) assertTrue(text in lines[0], lines[0])
        }
    }

    @Test
    fun `a library of another ABI is refused`() {
        val library = compile("uint32_t saltyrtc_abi_version(void) { return 77; }")
        refused(
            library.path, "version 77 of the binary interface", "use saltyrtc and saltyrtc-native of the same version",
            options = listOf("-Dsaltyrtc.library=$library"),
        )
    }

    @Test
    fun `a library that is too old is refused`() {
        val abi = org.saltyrtc.internal.ABI_VERSION
        val library = compile("uint32_t saltyrtc_abi_version(void) { return $abi; }")
        refused("is older than this package", "saltyrtc_", options = listOf("-Dsaltyrtc.library=$library"))
    }

    @ParameterizedTest
    @ValueSource(strings = ["another library", "no library", "nothing"])
    fun `a file that is not the library is refused`(what: String) {
        val file = when (what) {
            "another library" -> compile("int something_else;")
            "no library" -> File.createTempFile("libsaltyrtc", ".so").apply { writeText("this is no library") }
            else -> File("/nowhere/libsaltyrtc.so")
        }
        refused(file.path, options = listOf("-Dsaltyrtc.library=$file"))
    }

    @Test
    fun `where a missing library was looked for`() {
        val without = CLASS_PATH.filterNot { "saltyrtc-native" in it }
        assertEquals(CLASS_PATH.size - 1, without.size)
        refused(
            "as linux-", "/libsaltyrtc.so on the class path", "org.saltyrtc:saltyrtc-native", "jna.library.path (/nowhere)",
            "java.library.path", "saltyrtc.library", "SALTYRTC_LIBRARY",
            options = listOf("-Djna.library.path=/nowhere"), classPath = without,
        )
    }

    private fun compile(code: String): File {
        val library = File.createTempFile("libsaltyrtc", ".so").apply { deleteOnExit() }
        val command = listOf(System.getenv("CC") ?: "cc", "-shared", "-fPIC", "-x", "c", "-o", library.path, "-")
        Program(command).use { compiler ->
            compiler.type("#include <stdint.h>\n$code\n")
            compiler.endOfInput()
            compiler.ends()
        }
        return library
    }
}
