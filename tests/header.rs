//! `include/saltyrtc.h` is what cbindgen makes of `src/ffi` and of the version in Cargo.toml.
//!
//! After a change there, `SALTYRTC_BLESS=1 cargo test --test header` writes the header anew.

use std::fs;
use std::path::Path;

use cbindgen::{Builder, Config};

const HEADER: &str = "include/saltyrtc.h";

/// The macros of the version, which cbindgen cannot know.
fn version_macros() -> String {
    let number = |text: &str| text.parse::<u32>().expect("Cargo versions are numbers");
    let major = number(env!("CARGO_PKG_VERSION_MAJOR"));
    let minor = number(env!("CARGO_PKG_VERSION_MINOR"));
    let patch = number(env!("CARGO_PKG_VERSION_PATCH"));
    let abi = if major == 0 { minor } else { major << 16 };
    format!(
        r#"
/** The version of this header. Compare with saltyrtc_version(), the version of the library. */
#define SALTYRTC_VERSION "{version}"
#define SALTYRTC_VERSION_MAJOR {major}
#define SALTYRTC_VERSION_MINOR {minor}
#define SALTYRTC_VERSION_PATCH {patch}
/** The version as a number: major * 65536 + minor * 256 + patch. See saltyrtc_version_number(). */
#define SALTYRTC_VERSION_NUMBER {number}
/** The version of the binary interface. See saltyrtc_abi_version(). */
#define SALTYRTC_ABI_VERSION {abi}"#,
        version = env!("CARGO_PKG_VERSION"),
        number = major << 16 | minor << 8 | patch,
    )
}

fn generate() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut config = Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml is right");
    let after_includes = config.after_includes.take().unwrap_or_default();
    config.after_includes = Some(after_includes + &version_macros());
    // The files of the interface only: other parts of the crate are not for C.
    let bindings = Builder::new().with_config(config).with_src(root.join("src/ffi/mod.rs"));
    let mut header = Vec::new();
    bindings.generate().expect("src/ffi can be expressed in C").write(&mut header);
    String::from_utf8(header).expect("a header is text")
}

#[test]
fn the_committed_header_is_what_the_sources_say() {
    let header = Path::new(env!("CARGO_MANIFEST_DIR")).join(HEADER);
    let generated = generate();
    if std::env::var_os("SALTYRTC_BLESS").is_some() {
        fs::write(&header, &generated).expect("the header can be written");
    }
    let committed = fs::read_to_string(&header).unwrap_or_default();
    if let Some((number, (old, new))) = (1..)
        .zip(committed.lines().chain([""]).zip(generated.lines().chain([""])))
        .find(|(_, (old, new))| old != new)
    {
        panic!(
            "{HEADER} is out of date from line {number} on:\n  committed: {old}\n  generated: {new}\n\
             run: SALTYRTC_BLESS=1 cargo test --test header"
        );
    }
    assert_eq!(
        committed.len(),
        generated.len(),
        "{HEADER} is out of date: run it with SALTYRTC_BLESS=1"
    );
}
