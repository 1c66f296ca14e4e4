//! Names the shared library, which rustc does not do: programs then depend on the version of the ABI
//! that they were linked with, not on whatever `libsaltyrtc.so` is.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let var = |name: &str| env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"));
    let major = var("CARGO_PKG_VERSION_MAJOR");
    // Before 1.0 every minor version can change the ABI. The Makefile installs the same names.
    let abi = if major == "0" { format!("0.{}", var("CARGO_PKG_VERSION_MINOR")) } else { major };
    let argument = match var("CARGO_CFG_TARGET_OS").as_str() {
        "linux" | "freebsd" | "netbsd" | "openbsd" | "dragonfly" => {
            format!("-Wl,-soname,libsaltyrtc.so.{abi}")
        }
        // An app bundles its libraries, under names without a version.
        "android" => {
            // Newer devices have pages of 16 KiB, and load nothing that is aligned to less.
            println!("cargo:rustc-cdylib-link-arg=-Wl,-z,max-page-size=16384");
            "-Wl,-soname,libsaltyrtc.so".to_owned()
        }
        "macos" | "ios" => format!("-Wl,-install_name,@rpath/libsaltyrtc.{abi}.dylib"),
        _ => return,
    };
    println!("cargo:rustc-cdylib-link-arg={argument}");
}
