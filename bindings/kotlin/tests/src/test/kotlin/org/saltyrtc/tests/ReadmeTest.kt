package org.saltyrtc.tests

import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.MethodSource
import java.io.File
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** The programs of README.md, as they stand there. */
class ReadmeTest {
    companion object {
        @JvmStatic
        fun programs(): List<String> = Regex("^```kotlin\\n(.*?)^```$", setOf(RegexOption.MULTILINE, RegexOption.DOT_MATCHES_ALL))
            .findAll(File(PACKAGE, "README.md").readText())
            .map { it.groupValues[1] }
            .filter { "suspend fun main()" in it }
            .toList()
    }

    @Test
    fun `there are programs`() = assertTrue(programs().size >= 6)

    @ParameterizedTest
    @MethodSource("programs")
    fun program(text: String) {
        val number = programs().indexOf(text) + 1
        val compiled = File(PACKAGE, "tests/target/readme/Program$number.kt").readText()
        assertEquals("package readme.program$number\n\n$text", compiled, "run scripts/test-kotlin.sh")
        // What it prints is in comments, behind the line or at the end.
        val expected = Regex("(?:println\\(.*\\)|^   ) // (.*)$", RegexOption.MULTILINE).findAll(text)
            .map { it.groupValues[1] }.filter { !it.endsWith(".") }.toList()
        assertTrue(expected.isNotEmpty())
        javaProgram("readme.program$number.Program${number}Kt").use { program ->
            program.ends()
            assertEquals(expected.map { "stdout: $it" }, program.seen.toList())
        }
    }
}
