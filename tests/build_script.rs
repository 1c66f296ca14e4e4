//! What the build script tells the linker. There is no linker for some of these systems where tests run.

use std::path::PathBuf;
use std::process::Command;

/// The arguments for the shared library on a system, as the build script says.
fn arguments(system: &str) -> Vec<String> {
    let base = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let script = base.join(format!("build_script_{system}"));
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/build.rs");
    let compiled =
        Command::new(compiler).args(["--edition=2024", source, "-o"]).arg(&script).status();
    assert!(compiled.unwrap().success());
    let output = Command::new(script)
        .env("CARGO_CFG_TARGET_OS", system)
        .env("CARGO_PKG_VERSION_MAJOR", "0")
        .env("CARGO_PKG_VERSION_MINOR", "7")
        .output()
        .unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let argument =
        |line: &str| line.strip_prefix("cargo:rustc-cdylib-link-arg=").map(str::to_owned);
    text.lines().filter_map(argument).collect()
}

#[test]
fn each_system_gets_its_name_of_the_library() {
    assert_eq!(arguments("linux"), ["-Wl,-soname,libsaltyrtc.so.0.7"]);
    assert_eq!(arguments("ios"), ["-Wl,-install_name,@rpath/libsaltyrtc.0.7.dylib"]);
    assert_eq!(arguments("windows"), [""; 0]);
}

/// Devices with pages of 16 KiB load nothing else.
#[test]
fn android_gets_large_pages() {
    let android = arguments("android");
    assert_eq!(android, ["-Wl,-z,max-page-size=16384", "-Wl,-soname,libsaltyrtc.so"]);
}
