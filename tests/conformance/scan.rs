//! Finds the markers in the source files: which requirement is named by which test.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

/// What the source files say.
#[derive(Default)]
pub(crate) struct Scan {
    /// For each id, the places (`file:line`) of the markers that name it.
    pub(crate) covered: BTreeMap<String, Vec<String>>,
    /// Markers that do not count, with the reason.
    pub(crate) errors: Vec<String>,
}

/// The comment styles of a file, which decide what a marker is.
#[derive(Clone, Copy, PartialEq)]
enum Language {
    Rust,
    C,
    Python,
}

/// Whether `word` looks like `P-001`.
pub(crate) fn is_id(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() == 5
        && bytes[0].is_ascii_uppercase()
        && bytes[1] == b'-'
        && bytes[2..].iter().all(u8::is_ascii_digit)
}

/// The words after the marker word if `comment` is a marker and not prose.
fn marker(comment: &str) -> Option<impl Iterator<Item = &str>> {
    let words = comment.strip_prefix("Covers ")?.trim_end_matches("*/").trim();
    let looks_like_id = |word: &str| {
        let mut chars = word.chars();
        chars.next().is_some_and(|c| c.is_ascii_uppercase()) && chars.next() == Some('-')
    };
    looks_like_id(words)
        .then(|| words.trim_end_matches('.').split([' ', ',']).filter(|w| !w.is_empty()))
}

/// The text of a comment line, if `line` is one that a marker can be in.
fn comment(language: Language, line: &str) -> Option<&str> {
    let starts: &[&str] = match language {
        Language::Rust | Language::C => &["///", "//!", "//", "/**", "/*", "*"],
        Language::Python => &["#"],
    };
    starts.iter().find_map(|start| line.strip_prefix(start)).map(str::trim)
}

/// Whether a marker above `rest` is on a Rust test that runs: only comments and attributes come
/// before the test attribute, and none of the attributes around it is `ignore`.
fn is_on_rust_test<'a>(rest: impl Iterator<Item = &'a str>) -> Result<(), &'static str> {
    let block =
        rest.map(str::trim).take_while(|line| line.starts_with("//") || line.starts_with("#["));
    let attributes: Vec<&str> = block.filter(|line| line.starts_with("#[")).collect();
    let is_test = |line: &&str| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
    if attributes.iter().any(|line| line.starts_with("#[ignore")) {
        Err("the test is ignored")
    } else if attributes.iter().any(is_test) {
        Ok(())
    } else {
        Err("no test attribute follows it")
    }
}

impl Scan {
    /// Reads all source files under `folder`; places are given relative to `root`.
    pub(crate) fn folder(&mut self, folder: &Path, root: &Path) -> io::Result<()> {
        let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(fs::DirEntry::path);
        for entry in entries {
            let path = entry.path();
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let kind = entry.file_type()?;
            if kind.is_dir() {
                // Packages of foreign peers have markers of their own, if any.
                if !name.starts_with('.') && !matches!(&*name, "node_modules" | "target" | "build")
                {
                    self.folder(&path, root)?;
                }
                continue;
            }
            let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
            let language = match extension {
                "rs" => Language::Rust,
                "c" | "cpp" | "js" | "mjs" => Language::C,
                "py" => Language::Python,
                _ => continue,
            };
            let place = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            self.text(language, &place, &fs::read_to_string(&path)?);
        }
        Ok(())
    }

    fn text(&mut self, language: Language, file: &str, text: &str) {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (index, line) in lines.iter().enumerate() {
            let Some(ids) = comment(language, line).and_then(marker) else { continue };
            let place = format!("{file}:{}", index + 1);
            if language == Language::Rust {
                let on_test = if line.starts_with("/// ") {
                    is_on_rust_test(lines[index + 1..].iter().copied())
                } else {
                    Err("it is not a doc comment (///)")
                };
                if let Err(reason) = on_test {
                    self.errors.push(format!("{place}: this marker does not count: {reason}"));
                    continue;
                }
            }
            for id in ids {
                if is_id(id) {
                    self.covered.entry(id.to_owned()).or_default().push(place.clone());
                } else {
                    self.errors.push(format!("{place}: {id:?} is not an id"));
                }
            }
        }
    }
}

mod tests {
    use super::*;

    fn scan(language: Language, text: &str) -> (String, String) {
        let mut scan = Scan::default();
        scan.text(language, "f", text);
        let covered = scan.covered.iter().map(|(id, places)| format!("{id}={}", places.join(",")));
        (covered.collect::<Vec<_>>().join(" "), scan.errors.join("|"))
    }

    fn covered(language: Language, text: &str) -> String {
        let (covered, errors) = scan(language, text);
        assert_eq!(errors, "", "{text}");
        covered
    }

    fn refused(text: &str, reason: &str) {
        let (covered, errors) = scan(Language::Rust, text);
        assert_eq!(covered, "", "{text}");
        assert!(errors.contains(reason), "{text}: {errors}");
    }

    #[test]
    fn markers_on_rust_tests_count() {
        use Language::Rust;
        for text in [
            "/// Covers P-001 P-002.\n#[test]\nfn f() {}",
            "  /// Covers P-001, P-002\n  #[test]\n",
            "/// Covers P-001 P-002.\n/// More.\n// Note.\n#[cfg(unix)]\n#[test]\nfn f() {}",
            "/// Covers P-001 P-002.\n#[tokio::test]\nasync fn f() {}",
            "/// Covers P-001 P-002.\n#[tokio::test(start_paused = true)]\nasync fn f() {}",
        ] {
            assert_eq!(covered(Rust, text), "P-001=f:1 P-002=f:1", "{text}");
        }
        let two_lines = "/// Covers P-001.\n/// Covers P-002.\n#[test]\nfn f() {}\n";
        assert_eq!(covered(Rust, two_lines), "P-001=f:1 P-002=f:2");
        let two_tests =
            "/// Covers R-001.\n#[test]\nfn f() {}\n/// Covers R-001.\n#[test]\nfn g() {}";
        assert_eq!(covered(Rust, two_tests), "R-001=f:1,f:4");
    }

    #[test]
    fn markers_elsewhere_in_rust_are_errors() {
        refused("/// Covers P-001.\nfn f() {}\n#[test]\nfn g() {}", "no test attribute");
        refused("/// Covers P-001.\n\n#[test]\nfn g() {}", "no test attribute");
        refused("#[test]\n/// Covers P-001.\nfn f() {}", "no test attribute");
        refused("/// Covers P-001.", "no test attribute");
        refused("// Covers P-001.\n#[test]\nfn f() {}", "not a doc comment");
        refused("//! Covers P-001.\n#[test]\nfn f() {}", "not a doc comment");
        refused("/// Covers P-001.\n#[test]\n#[ignore]\nfn f() {}", "ignored");
        refused("/// Covers P-001.\n#[ignore = \"slow\"]\n#[test]\nfn f() {}", "ignored");
    }

    #[test]
    fn what_is_not_an_id_in_a_marker_is_an_error() {
        for id in ["P-1", "P-0001", "P-01x", "P-001..P-009"] {
            refused(&format!("/// Covers {id}.\n#[test]\nfn f() {{}}"), "is not an id");
        }
        let (covered, errors) = scan(Language::C, "// Covers P-001 and P-002.");
        assert_eq!((&*covered, &*errors), ("P-001=f:1 P-002=f:1", "f:1: \"and\" is not an id"));
    }

    #[test]
    fn markers_of_other_languages() {
        for text in
            ["// Covers P-001.", "/// Covers P-001.", " * Covers P-001.", "/* Covers P-001. */"]
        {
            assert_eq!(covered(Language::C, text), "P-001=f:1", "{text}");
        }
        assert_eq!(covered(Language::Python, "def test():\n    # Covers P-001."), "P-001=f:2");
    }

    #[test]
    fn prose_and_code_are_no_markers() {
        for text in [
            "/// Covers the rest.\nfn f() {}",
            "/// It Covers P-001.",
            "let s = \"/// Covers P-001.\";",
        ] {
            assert_eq!(covered(Language::Rust, text), "", "{text}");
        }
    }
}
