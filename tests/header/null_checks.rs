//! What the description says about NULL is what the library does: `tests/c` passes NULL for each pointer that
//! must not be NULL, and expects an error that names it.

use std::fs;

use crate::roles;
use crate::source::{Declaration, read, root};

/// The macros that do so, and the arguments of functions that they name or know by themselves.
const MACROS: &[(&str, &[&str])] = &[
    ("IS_NULL(", &[]),
    ("FAILS(SALTYRTC_STATUS_NULL_ARGUMENT,", &[]),
    ("FILLS_TEXT(", &[]),
    ("FILLS_KEY(", &[]),
    ("SENDS_BYTES(", &["client"]),
];

/// Each use of one of the macros, up to the end of its line of code.
fn uses() -> Vec<(String, &'static [&'static str])> {
    let mut uses = Vec::new();
    for entry in fs::read_dir(root().join("tests/c")).expect("it is there") {
        let path = entry.expect("it can be read").path();
        if path.extension().is_some_and(|extension| extension == "c") {
            let text = fs::read_to_string(&path).expect("it is text");
            for statement in text.split(';') {
                let used = MACROS.iter().filter_map(|(name, arguments)| {
                    let (_, used) = statement.split_once(name)?;
                    Some((used.to_owned(), *arguments))
                });
                uses.extend(used);
            }
        }
    }
    uses
}

#[test]
fn each_pointer_that_must_not_be_null_is_tried() {
    let (sections, uses) = (read(), uses());
    let (mut missing, mut tried) = (Vec::new(), 0);
    for item in sections.iter().flat_map(|section| &section.items) {
        let Declaration::Function(item) = item else { continue };
        let function = item.sig.ident.to_string();
        let called = |text: &str| {
            let mut after = text.match_indices(&function).map(|(at, it)| &text[at + it.len()..]);
            after.any(|rest| rest.starts_with(['(', ',']))
        };
        for parameter in roles::parameters(item, &sections) {
            let fails = matches!(item.sig.output, syn::ReturnType::Type(_, ref ty)
                if crate::description::c_type(ty) == "saltyrtc_status");
            if !fails || parameter.nullable || !parameter.c_type.ends_with('*') {
                continue;
            }
            let name = format!("\"{}\"", parameter.name);
            let found = uses.iter().any(|(text, known)| {
                let named = text.contains(&name) || known.contains(&&*parameter.name);
                named && called(text)
            });
            if found {
                tried += 1;
            } else {
                missing.push(format!("{function}, {}", parameter.name));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "tests/c does not try what NULL does in:\n  {}",
        missing.join("\n  ")
    );
    assert!(tried > 100);
}
