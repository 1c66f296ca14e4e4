//! `abi/`: what was released. Programs that were made for a release have to work with all later ones that
//! have the same version of the ABI (ABI.md).
//!
//! `SALTYRTC_RELEASE=1 cargo test --test header` adds the version of Cargo.toml.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::compatibility::check;
use crate::{c_header, description, source};

fn directory() -> PathBuf {
    source::root().join("abi")
}

/// A description without prose.
fn without_prose(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for key in ["about", "doc", "remark", "roles"] {
                fields.remove(key);
            }
            fields.values_mut().for_each(without_prose);
        }
        Value::Array(items) => items.iter_mut().for_each(without_prose),
        _ => {}
    }
}

/// A header without comments, for `scripts/test-abi.py`.
fn without_comments(header: &str) -> String {
    let mut code = String::new();
    let mut rest = header;
    while let Some((before, comment)) = rest.split_once("/*") {
        code += before;
        (_, rest) = comment.split_once("*/").expect("comments end");
    }
    code += rest;
    let lines = code.lines().map(|line| line.split("//").next().unwrap_or_default().trim_end());
    lines.filter(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect()
}

/// With a line for each function, enumeration, structure…
fn in_lines(description: &Value) -> String {
    let parts = description.as_object().expect("it is one").iter().map(|(name, part)| {
        let part = match part.as_array() {
            Some(items) => {
                let items = items.iter().map(|item| format!("  {item}")).collect::<Vec<_>>();
                format!("[\n{}\n ]", items.join(",\n"))
            }
            None => part.to_string(),
        };
        format!(" {}: {part}", Value::from(name.as_str()))
    });
    format!("{{\n{}\n}}\n", parts.collect::<Vec<_>>().join(",\n"))
}

fn write(description: &mut Value, header: &str) {
    without_prose(description);
    let file = |kind| directory().join(format!("saltyrtc-{}.{kind}", env!("CARGO_PKG_VERSION")));
    fs::create_dir_all(directory()).expect("the directory can be made");
    fs::write(file("json"), in_lines(description)).expect("the file can be written");
    fs::write(file("h"), without_comments(header)).expect("the file can be written");
}

#[test]
fn what_was_released_works_with_this_version() {
    let sections = source::read();
    let text = description::generate(&sections);
    let new: Value = serde_json::from_str(&text).expect("it is JSON");
    if std::env::var_os("SALTYRTC_RELEASE").is_some() {
        write(&mut new.clone(), &c_header::generate(&sections));
    }
    let mut compared = 0;
    for entry in fs::read_dir(directory()).expect("abi is there") {
        let path = entry.expect("it can be read").path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("it can be read");
        let old: Value = serde_json::from_str(&text).expect("it is JSON");
        if let Err(why) = check(&old, &new) {
            panic!("{}: {why}", path.display());
        }
        compared += 1;
    }
    assert!(compared > 0, "nothing was released");
}
