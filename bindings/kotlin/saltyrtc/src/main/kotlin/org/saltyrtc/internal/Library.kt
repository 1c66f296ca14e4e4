package org.saltyrtc.internal

import com.sun.jna.Native
import com.sun.jna.NativeLibrary
import com.sun.jna.Platform
import java.io.IOException

/** The native methods, once the library is loaded. Throws [UnsatisfiedLinkError] if it could not be. */
internal fun library(): CLibrary = Library.methods()

/** The shared library: where it is, and whether it is the right one. It is loaded once, on first use. */
internal object Library {
    /** The path of the library, in place of the one that comes with saltyrtc-native. */
    private const val PROPERTY = "saltyrtc.library"
    private const val VARIABLE = "SALTYRTC_LIBRARY"

    // Within saltyrtc-native.
    private val resource = "${Platform.RESOURCE_PREFIX}/${System.mapLibraryName("saltyrtc")}"

    // Each use has to say why, not only the first one.
    private val failure: String? = try {
        load()
        null
    } catch (error: UnsatisfiedLinkError) {
        error.message
    }

    fun methods(): CLibrary {
        if (failure != null) throw UnsatisfiedLinkError(failure)
        return CLibrary
    }

    private fun load() {
        val chosen = System.getProperty(PROPERTY) ?: System.getenv(VARIABLE)
        val (place, library) = when {
            !chosen.isNullOrEmpty() -> chosen to open(chosen) {
                "saltyrtc cannot load the library $chosen, which $PROPERTY or $VARIABLE names: $it"
            }
            else -> bundled() ?: installed()
        }
        val version = try {
            library.getFunction("saltyrtc_abi_version").invokeInt(emptyArray())
        } catch (_: UnsatisfiedLinkError) {
            throw UnsatisfiedLinkError("$place is not the library of saltyrtc: it has no saltyrtc_abi_version")
        }
        if (version != ABI_VERSION) {
            throw UnsatisfiedLinkError(
                "$place has version $version of the binary interface, and this package is for version $ABI_VERSION: " +
                    "use saltyrtc and saltyrtc-native of the same version",
            )
        }
        try {
            Native.register(CLibrary::class.java, library)
        } catch (error: UnsatisfiedLinkError) {
            throw UnsatisfiedLinkError(
                "$place is older than this package (${error.message}): use saltyrtc and saltyrtc-native of the same version",
            )
        }
    }

    private fun open(name: String, explain: (String) -> String): NativeLibrary = try {
        NativeLibrary.getInstance(name, Library::class.java.classLoader)
    } catch (error: UnsatisfiedLinkError) {
        throw UnsatisfiedLinkError(explain(error.message.orEmpty().lines().distinct().take(2).joinToString(" ")))
    }

    /** The one that saltyrtc-native brings. On Android, the system finds it in the app. */
    private fun bundled(): Pair<String, NativeLibrary>? {
        if (Platform.isAndroid()) return null
        val file = try {
            Native.extractFromResourcePath("/$resource", Library::class.java.classLoader)
        } catch (_: IOException) {
            return null
        }
        return file.path to open(file.path) { "saltyrtc cannot load $resource of saltyrtc-native: $it" }
    }

    private fun installed(): Pair<String, NativeLibrary> {
        val name = System.mapLibraryName("saltyrtc")
        return name to open("saltyrtc") {
            val native = if (Platform.isAndroid()) {
                "in the app (add org.saltyrtc:saltyrtc-native as an AAR)"
            } else {
                "as $resource on the class path (add org.saltyrtc:saltyrtc-native, if it has this platform)"
            }
            "saltyrtc cannot find its library. It was looked for $native, and as $name in jna.library.path " +
                "(${System.getProperty("jna.library.path") ?: "not set"}), in java.library.path " +
                "(${System.getProperty("java.library.path")}) and where the system looks. Or name the file with the " +
                "property $PROPERTY or the environment variable $VARIABLE"
        }
    }
}
