package org.saltyrtc.tests

import java.io.File
import java.io.InputStream
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread

// Programs that talk to each other as people would use them. Every step waits for a line, or for the end.

/** The folder of the package. */
val PACKAGE = File(System.getProperty("saltyrtc.folder") ?: "..").canonicalFile

/** Where the C examples are. */
val PROGRAMS = File(System.getenv("SALTYRTC_TEST_PROGRAMS") ?: "../../../build/kotlin/programs")

/** What this virtual machine has loaded, for others. */
val CLASS_PATH: List<String> =
    (System.getProperty("surefire.test.class.path") ?: System.getProperty("java.class.path")).split(File.pathSeparator)

/** A running program, with its output line by line. It is killed when it is closed, if it still runs. */
class Program(private val command: List<String>, environment: Map<String, String> = emptyMap()) : AutoCloseable {
    private val process = ProcessBuilder(command).apply { environment().putAll(environment) }.start()
    private val lines = mapOf("stdout" to LinkedBlockingQueue<String>(), "stderr" to LinkedBlockingQueue<String>())
    val seen = CopyOnWriteArrayList<String>()
    private val readers = listOf("stdout" to process.inputStream, "stderr" to process.errorStream).map { (name, stream) ->
        thread(isDaemon = true) { read(name, stream) }
    }

    private fun read(name: String, stream: InputStream) {
        stream.bufferedReader().forEachLine {
            seen.add("$name: $it")
            lines.getValue(name).put(it)
        }
        lines.getValue(name).put(END)
    }

    /** Waits for a line that has this text in it. */
    fun line(text: String = "", stream: String = "stdout"): String {
        while (true) {
            val line = lines.getValue(stream).poll(LIMIT, TimeUnit.MILLISECONDS) ?: fail("no line with '$text'")
            if (line === END) fail("ended without a line with '$text'")
            if (text in line) return line
        }
    }

    fun told(text: String): String = line(text, "stderr")

    fun type(text: String) {
        process.outputStream.write(text.toByteArray())
        process.outputStream.flush()
    }

    fun endOfInput() = process.outputStream.close()

    /** Waits for the end. */
    fun ends(status: Int = 0) {
        if (!process.waitFor(LIMIT, TimeUnit.MILLISECONDS)) fail("does not end")
        readers.forEach { it.join() }
        if (process.exitValue() != status) fail("ended with ${process.exitValue()}, not $status")
    }

    /** As `kill -9` does it. */
    fun kill() {
        process.destroyForcibly().waitFor()
    }

    private fun fail(why: String): Nothing =
        throw AssertionError((listOf("${command.take(2)}: $why") + seen).joinToString("\n"))

    override fun close() {
        kill()
        readers.forEach { it.join() }
    }

    companion object {
        private val END = String(charArrayOf('e', 'n', 'd'))
    }
}

/** One of examples-c. */
fun cProgram(name: String, vararg arguments: String) = Program(listOf(File(PROGRAMS, name).path, *arguments))

/** A program in a virtual machine of its own. */
fun javaProgram(
    mainClass: String,
    vararg arguments: String,
    options: List<String> = emptyList(),
    java: File = File(System.getProperty("java.home")),
    classPath: List<String> = CLASS_PATH,
    environment: Map<String, String> = emptyMap(),
) = Program(
    listOf("$java/bin/java", "-cp", classPath.joinToString(File.pathSeparator)) + options + mainClass + arguments,
    environment,
)
