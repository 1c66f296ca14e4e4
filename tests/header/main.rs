//! What is generated from `src/ffi` is what is committed: the header (`include/saltyrtc.h`), its
//! description for machines (`include/saltyrtc.json`), and what the tests in C compare the library with
//! (`tests/c/generated.h`).
//!
//! After a change there, `SALTYRTC_BLESS=1 cargo test --test header` writes them anew.

mod c_checks;
mod c_header;
mod compatibility;
mod description;
mod not_built;
mod null_checks;
mod record;
mod released;
mod roles;
mod source;

use std::collections::BTreeSet;
use std::fs;

use source::{Declaration, Section};

/// Compares a file with what it has to be, or writes it.
fn check(path: &str, generate: fn(&[Section]) -> String) {
    let file = source::root().join(path);
    let generated = generate(&source::read());
    if std::env::var_os("SALTYRTC_BLESS").is_some() {
        fs::write(&file, &generated).expect("the file can be written");
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    if let Some((number, (old, new))) = (1..)
        .zip(committed.lines().chain([""]).zip(generated.lines().chain([""])))
        .find(|(_, (old, new))| old != new)
    {
        panic!(
            "{path} is out of date from line {number} on:\n  committed: {old}\n  generated: {new}\n\
             run: SALTYRTC_BLESS=1 cargo test --test header"
        );
    }
    assert_eq!(
        committed.len(),
        generated.len(),
        "{path} is out of date: run it with SALTYRTC_BLESS=1"
    );
}

#[test]
fn the_committed_header_is_what_the_sources_say() {
    check("include/saltyrtc.h", c_header::generate);
}

#[test]
fn the_committed_description_is_what_the_sources_say() {
    check("include/saltyrtc.json", description::generate);
}

#[test]
fn the_committed_functions_of_parts_not_built_are_what_the_sources_say() {
    check("src/ffi/not_built.rs", not_built::generate);
}

#[test]
fn the_committed_checks_in_c_are_what_the_sources_say() {
    check("tests/c/generated.h", c_checks::generate);
}

/// The library begins with a structure in which all bytes are 0, and older programs leave out fields:
/// so 0 has to be a value of every enumeration in it.
#[test]
fn structures_that_grow_can_be_all_0() {
    let sections = source::read();
    let items = || sections.iter().flat_map(|section| &section.items);
    let mut checked = 0;
    for layout in items().filter_map(|item| description::layout(item, &sections)) {
        if layout.fields[0].name != "struct_size" {
            continue;
        }
        for field in layout.fields {
            for item in items().filter(|item| item.name() == field.c_type) {
                let Declaration::Enum(item) = item else {
                    panic!("{} in {}", field.name, layout.name)
                };
                let has_0 = item.values.iter().any(|value| value.number == 0);
                assert!(has_0, "{} of {}: {} has no 0", field.name, layout.name, item.name);
                checked += 1;
            }
        }
    }
    assert!(checked > 0);
}

/// Descriptions refer to what there is.
#[test]
fn names_in_texts_are_declared() {
    let is_ours = |word: &&str| word.to_ascii_lowercase().starts_with("saltyrtc_");
    let words = |text: &str| {
        let words = text.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
        words.filter(is_ours).map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let header = c_header::generate(&source::read());
    let (mut code, mut texts) = (String::new(), String::new());
    for part in header.split("/*") {
        let (text, rest) = part.split_once("*/").unwrap_or(("", part));
        texts = texts + " " + text;
        code = code + " " + rest;
    }
    let (declared, named) = (words(&code), words(&texts));
    let unknown: Vec<_> = named.difference(&declared).collect();
    assert!(unknown.is_empty(), "texts of the header name what is not declared: {unknown:?}");
    assert!(named.len() > 100);
}
