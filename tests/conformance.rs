//! Every requirement of the specification is covered by a test and is cited by the code that follows it, or
//! there is a reason why not.
//!
//! `tests/conformance/requirements.csv` numbers the requirements. A test names those that it shows in
//! a comment line that starts with "Covers", followed by the ids. `tests/conformance/not_tested.csv`
//! lists the rest, each with the reason. See the table with `cargo test --test conformance -- --nocapture`.
//!
//! The code that follows a requirement has a comment line above it with the ids and the title of their
//! section, `// Spec: P-121 P-122 ('client-auth' Message)`. Each requirement has one such place: where it is
//! decided, not where it passes by. `tests/conformance/not_cited.csv` lists those that are not the library's
//! to follow. `docs/specification.md` is made of these comments; after a change to them,
//! `SALTYRTC_BLESS=1 cargo test --test conformance` writes it anew.

#[path = "conformance/check.rs"]
mod check;
#[path = "conformance/citations.rs"]
mod citations;
#[path = "conformance/scan.rs"]
mod scan;
#[path = "conformance/table.rs"]
mod table;

use std::fs;
use std::path::Path;

use table::Requirement;

const PAGE: &str = "docs/specification.md";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn requirements() -> Vec<Requirement> {
    let mut errors = Vec::new();
    let requirements =
        table::requirements(&read("tests/conformance/requirements.csv"), &mut errors);
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    requirements
}

fn assert_none(errors: &[String]) {
    assert!(errors.is_empty(), "{} problems:\n{}", errors.len(), errors.join("\n"));
}

#[test]
fn every_requirement_is_covered_or_has_a_reason() {
    let mut scan = scan::Scan::default();
    for folder in ["src", "tests"] {
        let result = scan.folder(&root().join(folder), root());
        result.unwrap_or_else(|error| panic!("{folder}: {error}"));
    }
    let not_tested = read("tests/conformance/not_tested.csv");
    let report = check::check(&requirements(), &not_tested, &scan);
    println!("{}", report.text);
    assert_none(&report.errors);
}

#[test]
fn every_requirement_is_cited_once_or_has_a_reason() {
    let mut citations = citations::Citations::default();
    citations.folder(&root().join("src"), root()).expect("src can be read");
    let (requirements, not_cited) = (requirements(), read("tests/conformance/not_cited.csv"));
    assert_none(&citations.check(&requirements, &not_cited));

    let page = citations.page(&requirements, &not_cited);
    if std::env::var_os("SALTYRTC_BLESS").is_some() {
        fs::write(root().join(PAGE), &page).expect("the page can be written");
    }
    let committed = fs::read_to_string(root().join(PAGE)).unwrap_or_default();
    let changed = page.lines().find(|line| !committed.lines().any(|other| other == *line));
    assert!(
        page == committed,
        "{PAGE} is out of date, see {}\nrun: SALTYRTC_BLESS=1 cargo test --test conformance",
        changed.unwrap_or("what is missing now")
    );
}
