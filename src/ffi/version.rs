//! Versions.

use std::ffi::c_char;

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
