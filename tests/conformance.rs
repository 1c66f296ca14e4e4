//! Every requirement of the specification is covered by a test, or there is a reason why not.
//!
//! `tests/conformance/requirements.csv` numbers the requirements. A test names those that it shows in
//! a comment line that starts with "Covers", followed by the ids. `tests/conformance/not_tested.csv`
//! lists the rest, each with the reason; `O-*` stands for all ids that start so, and is allowed only
//! for parts that are not built at all. See the table with
//! `cargo test --test conformance -- --nocapture`.

#[path = "conformance/check.rs"]
mod check;
#[path = "conformance/scan.rs"]
mod scan;

use std::fs;
use std::path::Path;

#[test]
fn every_requirement_is_covered_or_has_a_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| {
        fs::read_to_string(root.join("tests/conformance").join(name))
            .unwrap_or_else(|error| panic!("tests/conformance/{name}: {error}"))
    };
    let mut scan = scan::Scan::default();
    for folder in ["src", "tests"] {
        scan.folder(&root.join(folder), root).unwrap_or_else(|error| panic!("{folder}: {error}"));
    }
    let report = check::check(&read("requirements.csv"), &read("not_tested.csv"), &scan);
    println!("{}", report.text);
    assert!(
        report.errors.is_empty(),
        "{} problems:\n{}",
        report.errors.len(),
        report.errors.join("\n")
    );
}
