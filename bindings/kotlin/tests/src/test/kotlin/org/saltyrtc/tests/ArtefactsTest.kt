package org.saltyrtc.tests

import java.io.DataInputStream
import java.io.File
import java.io.InputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.zip.ZipFile
import javax.xml.parsers.DocumentBuilderFactory
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFalse
import kotlin.test.assertTrue

/** What would be published has what it needs: contents, pages of the native libraries, and the poms. */
class ArtefactsTest {
    private val version = System.getProperty("saltyrtc.version")

    private fun jar(module: String, suffix: String = "") = File(PACKAGE, "$module/target/$module-$version$suffix")

    private fun <R> zip(file: File, look: (ZipFile) -> R): R = ZipFile(file).use(look)

    private fun ZipFile.names() = entries().asSequence().map { it.name }.toSet()

    private fun ZipFile.text(name: String) = getInputStream(getEntry(name)).bufferedReader().readText()

    @Test
    fun `the jar has classes, rules for R8, and licences`() = zip(jar("saltyrtc", ".jar")) { jar ->
        val names = jar.names()
        for (name in listOf("org/saltyrtc/Peer.class", "META-INF/LICENSE-MIT", "META-INF/LICENSE-APACHE", "META-INF/proguard/saltyrtc.pro")) {
            assertTrue(name in names, name)
        }
        val rules = jar.text("META-INF/proguard/saltyrtc.pro")
        assertTrue("com.sun.jna" in rules)
        // What the rules name is there, under this name.
        for (kept in Regex("-keep class (org\\.saltyrtc[\\w.]*) ").findAll(rules)) {
            assertTrue(kept.groupValues[1].replace('.', '/') + ".class" in names, kept.value)
        }
        // Java 17.
        DataInputStream(jar.getInputStream(jar.getEntry("org/saltyrtc/Peer.class"))).use {
            assertEquals(0xcafebabe.toInt(), it.readInt())
            assertEquals(61, it.readInt())
        }
    }

    @Test
    fun `sources, documentation and list of contents`() {
        zip(jar("saltyrtc", "-sources.jar")) { jar ->
            for (name in listOf("Peer.kt", "Event.kt", "internal/CLibrary.kt")) assertTrue("org/saltyrtc/$name" in jar.names())
        }
        // -Ddokka.skip leaves it out, while one writes code.
        zip(jar("saltyrtc", "-javadoc.jar")) { jar -> assertTrue("org/saltyrtc/Peer.html" in jar.names(), "run without dokka.skip") }
        for (module in listOf("saltyrtc", "saltyrtc-native")) {
            val bom = File(PACKAGE, "$module/target/bom.json").readText()
            assertTrue("CycloneDX" in bom && "\"name\" : \"$module\"" in bom)
        }
        val contents = File(PACKAGE, "saltyrtc/target/bom.json").readText()
        val names = Regex("pkg:maven/([^@]+)@").findAll(contents).map { it.groupValues[1] }.toSet()
        assertEquals(
            setOf(
                "org.saltyrtc/saltyrtc", "org.saltyrtc/saltyrtc-native", "org.jetbrains.kotlin/kotlin-stdlib", "org.jetbrains/annotations",
                "org.jetbrains.kotlinx/kotlinx-coroutines-core", "org.jetbrains.kotlinx/kotlinx-coroutines-core-jvm",
                "net.java.dev.jna/jna",
            ),
            names,
        )
    }

    @Test
    fun `the poms have what the central repository asks for`() {
        val parent = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(File(PACKAGE, "pom.xml"))
        for (name in listOf("licenses", "developers", "scm")) assertEquals(1, parent.getElementsByTagName(name).length, name)
        for (module in listOf("saltyrtc", "saltyrtc-native")) {
            val pom = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(File(PACKAGE, "$module/pom.xml"))
            for (name in listOf("name", "description", "url")) assertTrue(pom.getElementsByTagName(name).length >= 1, name)
        }
        assertFalse(jar("saltyrtc-tests", ".pom").exists())
    }

    /** With stand-ins for the libraries, as what builds those for Android is not at hand: see scripts/test-kotlin.sh. */
    private val aar = File(System.getenv("SALTYRTC_TEST_AAR") ?: "../../../build/kotlin/saltyrtc-native.aar")

    @Test
    fun `the AAR has what Android's tools look for`() = zip(aar) { aar ->
        for (name in listOf("AndroidManifest.xml", "R.txt", "jni/arm64-v8a/libsaltyrtc.so", "META-INF/LICENSE-MIT")) {
            assertTrue(name in aar.names(), name)
        }
        assertTrue("android:minSdkVersion=\"26\"" in aar.text("AndroidManifest.xml"))
        val classes = java.util.jar.JarInputStream(aar.getInputStream(aar.getEntry("classes.jar")))
        assertEquals(null, classes.use { it.nextJarEntry }, "it has no classes, but has to be there")
    }

    @Test
    fun `native libraries fit the pages of their platform`() {
        val found = libraries(jar("saltyrtc-native", ".jar")) + libraries(aar)
        assertEquals(setOf("libsaltyrtc.so"), found.keys.map { it.substringAfterLast('/') }.toSet())
        assertTrue(found.keys.any { it.startsWith("linux-") } && found.keys.any { it.startsWith("jni/") }, "${found.keys}")
        for ((name, alignment) in found) {
            // Devices with pages of 16 KiB have 64 bits.
            val needed = if (name.startsWith("jni/arm64") || name.startsWith("jni/x86_64")) 16 shl 10 else 4 shl 10
            assertTrue(alignment >= needed, "$name is aligned to $alignment bytes, and has to be to $needed")
        }
    }

    @Test
    fun `the look at pages sees the difference`() {
        for (size in listOf(4 shl 10, 16 shl 10)) {
            val library = File.createTempFile("pages", ".so").apply { deleteOnExit() }
            val command = listOf(
                System.getenv("CC") ?: "cc", "-shared", "-Wl,-z,max-page-size=$size", "-x", "c", "-o", library.path, "-",
            )
            Program(command).use { compiler ->
                compiler.type("int x;\n")
                compiler.endOfInput()
                compiler.ends()
            }
            assertEquals(size.toLong(), alignment(library.inputStream()))
        }
    }

    private fun libraries(file: File): Map<String, Long> = if (!file.exists()) emptyMap() else zip(file) { zip ->
        zip.names().filter { it.endsWith(".so") }.associateWith { alignment(zip.getInputStream(zip.getEntry(it))) }
    }

    /** To what the segments of an ELF file that are loaded are aligned. */
    private fun alignment(stream: InputStream): Long {
        val elf = ByteBuffer.wrap(stream.use { it.readBytes() }).order(ByteOrder.LITTLE_ENDIAN)
        assertEquals(0x464c457f, elf.getInt(0), "ELF")
        val wide = elf.get(4).toInt() == 2
        val table = if (wide) elf.getLong(32).toInt() else elf.getInt(28)
        val size = elf.getShort(if (wide) 54 else 42).toInt()
        val count = elf.getShort(if (wide) 56 else 44).toInt()
        return (0 until count).map { table + it * size }
            .filter { elf.getInt(it) == PT_LOAD }
            .minOf { if (wide) elf.getLong(it + 48) else elf.getInt(it + 28).toLong() }
    }

    private companion object {
        const val PT_LOAD = 1
    }
}
