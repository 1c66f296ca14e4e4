//! Versions.

use std::ffi::{CStr, c_char};

const MAJOR: u32 = number(env!("CARGO_PKG_VERSION_MAJOR"));
const MINOR: u32 = number(env!("CARGO_PKG_VERSION_MINOR"));
const PATCH: u32 = number(env!("CARGO_PKG_VERSION_PATCH"));

const fn number(text: &str) -> u32 {
    match u32::from_str_radix(text, 10) {
        Ok(number) => number,
        Err(_) => panic!("Cargo versions are numbers"),
    }
}

/// The version of the library that the program runs with, for example "1.2.3". The text is static. The
/// version of the header is SALTYRTC_VERSION.
#[unsafe(no_mangle)]
pub extern "C" fn saltyrtc_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The version of the library that the program runs with, as a number: major * 65536 + minor * 256 +
/// patch. That of the header is SALTYRTC_VERSION_NUMBER.
#[unsafe(no_mangle)]
pub extern "C" fn saltyrtc_version_number() -> u32 {
    MAJOR << 16 | MINOR << 8 | PATCH
}

/// The version of the binary interface of the library that the program runs with; that of the header is
/// SALTYRTC_ABI_VERSION. Programs that load the library at run time, such as bindings, should refuse to
/// work if the two differ. It changes together with the SONAME of the shared library.
#[unsafe(no_mangle)]
pub extern "C" fn saltyrtc_abi_version() -> u32 {
    if MAJOR == 0 { MINOR } else { MAJOR << 16 }
}

/// The parts that can be left out of a build, and whether they are in this one.
const FEATURES: [(&CStr, bool); 3] = [
    (c"server", cfg!(feature = "server")),
    (c"webrtc", cfg!(feature = "webrtc")),
    (c"vectorised", cfg!(all(feature = "vectorised", not(feature = "audited-only")))),
];

/// Whether the library that the program runs with was built with a part that can be left out:
///
/// - "server": the embedded server.
/// - "webrtc": the built-in WebRTC.
/// - "vectorised": the faster encryption of bulk data, which was not audited.
///
/// All functions are there in every build. Those of a part that is not built in fail with
/// SALTYRTC_STATUS_NOT_BUILT. For a name that this version does not know it is false.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_has_feature(name: *const c_char) -> bool {
    if name.is_null() {
        return false;
    }
    let name = CStr::from_ptr(name);
    FEATURES.iter().any(|(known, built)| *known == name && *built)
}
