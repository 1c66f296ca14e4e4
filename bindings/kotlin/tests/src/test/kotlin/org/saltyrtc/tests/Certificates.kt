package org.saltyrtc.tests

import java.io.File
import java.nio.file.Files

/** A certificate for this host that signs itself, with its key. */
class Certificate(name: String) {
    private val folder = Files.createTempDirectory("saltyrtc").toFile().apply { deleteOnExit() }
    private val file = File(folder, "$name.pem").apply { deleteOnExit() }
    private val keyFile = File(folder, "$name.key").apply { deleteOnExit() }

    val pem: ByteArray
    val key: ByteArray

    init {
        val command = listOf(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
            "-subj", "/CN=$name", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
            "-addext", "basicConstraints=critical,CA:FALSE", "-out", file.path, "-keyout", keyFile.path,
        )
        val process = ProcessBuilder(command).redirectErrorStream(true).start()
        val output = process.inputStream.bufferedReader().readText()
        check(process.waitFor() == 0) { output }
        pem = file.readBytes()
        key = keyFile.readBytes()
    }
}
