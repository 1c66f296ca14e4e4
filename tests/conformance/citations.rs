//! Which code follows which requirement: finds the citations in `src`, and compares them with the
//! requirements.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use crate::scan::is_id;
use crate::table::{Requirement, reasons};

/// Begins a citation.
const MARK: &str = "// Spec:";

/// Where a requirement is cited.
struct Citation {
    file: String,
    line: usize,
    id: String,
    section: String,
}

/// What the source files say.
#[derive(Default)]
pub(crate) struct Citations {
    list: Vec<Citation>,
    /// Citations that do not count, with the reason.
    errors: Vec<String>,
}

/// The ids and the section of a citation, which is the text of `line` after the mark.
fn parse(text: &str) -> Option<(Vec<&str>, &str)> {
    let (ids, section) = text.strip_prefix(' ')?.strip_suffix(')')?.split_once(" (")?;
    let ids: Vec<&str> = ids.split(' ').collect();
    (ids.iter().all(|id| is_id(id)) && !section.is_empty()).then_some((ids, section))
}

impl Citations {
    /// Reads all source files under `folder`; places are given relative to `root`.
    pub(crate) fn folder(&mut self, folder: &Path, root: &Path) -> io::Result<()> {
        let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(fs::DirEntry::path);
        for path in entries.into_iter().map(|entry| entry.path()) {
            if path.is_dir() {
                self.folder(&path, root)?;
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let place = path.strip_prefix(root).unwrap_or(&path).display().to_string();
                self.text(&place, &fs::read_to_string(&path)?);
            }
        }
        Ok(())
    }

    fn text(&mut self, file: &str, text: &str) {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let tests = lines.iter().position(|line| *line == "mod tests {").unwrap_or(lines.len());
        for (index, line) in lines.iter().enumerate().filter(|(_, line)| line.contains(MARK)) {
            let mut refuse =
                |reason: &str| self.errors.push(format!("{file}:{}: {reason}", index + 1));
            let Some(text) = line.strip_prefix(MARK) else {
                refuse("a citation has a line of its own");
                continue;
            };
            let Some((ids, section)) = parse(text) else {
                refuse("not a citation: `// Spec: P-001 P-002 (Title of the section)`");
                continue;
            };
            let mut rest = lines[index + 1..].iter();
            let code = rest.find(|line| !line.starts_with("//") && !line.starts_with("#["));
            if index > tests || file.contains("tests") {
                refuse("a test is not what follows a requirement");
            } else if code.is_none_or(|code| code.is_empty() || code.starts_with(['}', ')', ']'])) {
                refuse("no code follows it");
            } else {
                let citation = |id: &str| Citation {
                    file: file.to_owned(),
                    line: index + 1,
                    id: id.to_owned(),
                    section: section.to_owned(),
                };
                self.list.extend(ids.into_iter().map(citation));
            }
        }
    }

    /// What has to be fixed. Empty if every requirement is cited once, or is in `not_cited` with a reason.
    pub(crate) fn check(&self, requirements: &[Requirement], not_cited: &str) -> Vec<String> {
        let mut errors = self.errors.clone();
        let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for Citation { file, line, id, section } in &self.list {
            let place = format!("{file}:{line}");
            match requirements.iter().find(|known| known.id == *id) {
                None => errors.push(format!("{place}: there is no requirement {id}")),
                Some(known) if known.section != *section => {
                    errors.push(format!("{place}: {id} is in the section {:?}", known.section));
                }
                Some(_) => places.entry(id).or_default().push(place),
            }
        }
        let reasons = reasons(not_cited, "not_cited.csv", requirements, &mut errors);
        let excused = |id: &str| reasons.iter().any(|(known, _)| known == id);
        for requirement in requirements {
            let Requirement { id, text, .. } = requirement;
            match (places.get(id.as_str()).map_or(&[][..], Vec::as_slice), excused(id)) {
                ([], false) => errors.push(format!("{id} is cited nowhere: {text}")),
                ([], _) => {}
                ([place], true) => errors
                    .push(format!("{place}: {id} is listed in not_cited.csv too: remove it there")),
                ([_], false) => {}
                (places, _) => {
                    errors.push(format!("{id} is cited more than once: {}", places.join(", ")))
                }
            }
        }
        errors
    }

    /// `docs/specification.md`: which files follow which section.
    pub(crate) fn page(&self, requirements: &[Requirement], not_cited: &str) -> String {
        let reasons = reasons(not_cited, "not_cited.csv", requirements, &mut Vec::new());
        let mut sections: Vec<[&str; 2]> = Vec::new();
        for requirement in requirements {
            let section = [requirement.document.as_str(), requirement.section.as_str()];
            if !sections.contains(&section) {
                sections.push(section);
            }
        }
        let mut page = INTRODUCTION.to_owned();
        let mut document = "";
        for section in sections {
            if document != section[0] {
                document = section[0];
                let link = "https://github.com/saltyrtc/saltyrtc-meta/blob/master";
                let _ = write!(page, "\n## [{document}]({link}/{document})\n\n");
                page.push_str("| section | requirements | files |\n|---|---|---|\n");
            }
            let here = |known: &&Requirement| [&*known.document, &*known.section] == section;
            let ids: Vec<&str> =
                requirements.iter().filter(here).map(|known| known.id.as_str()).collect();
            let mut files: Vec<&str> = Vec::new();
            for citation in self.list.iter().filter(|citation| ids.contains(&&*citation.id)) {
                if !files.contains(&citation.file.as_str()) {
                    files.push(&citation.file);
                }
            }
            files.sort_unstable();
            let link = |file: &&str| format!("[`{file}`](../{file})");
            let files = match files[..] {
                [] => reasons
                    .iter()
                    .find(|(id, _)| ids.contains(&id.as_str()))
                    .map_or("", |(_, reason)| reason)
                    .to_owned(),
                _ => files.iter().map(link).collect::<Vec<_>>().join(", "),
            };
            let _ = writeln!(page, "| {} | {} | {files} |", section[1], ranges(&ids));
        }
        page
    }
}

const INTRODUCTION: &str = "# Where the specification is followed

Which files follow which section of the [specification](https://github.com/saltyrtc/saltyrtc-meta). The
requirements are numbered in [`tests/conformance/requirements.csv`](../tests/conformance/requirements.csv). The
line of code that follows one of them has a comment with its id and the title of the section:
`git grep P-121 src` finds the code of a rule, `git grep \"('client-auth' Message)\" src` the code of a section, and
`git grep P-121 tests` what shows that it is right. What is not the library's to follow is in
[`tests/conformance/not_cited.csv`](../tests/conformance/not_cited.csv).

This page is made of those comments (`SALTYRTC_BLESS=1 cargo test --test conformance`).
";

/// `ids`, with what is consecutive taken together.
fn ranges(ids: &[&str]) -> String {
    let number = |id: &str| id[2..].parse::<u32>().unwrap_or_default();
    let mut ranges: Vec<(&str, &str)> = Vec::new();
    for id in ids {
        match ranges.last_mut() {
            Some((_, last)) if number(last) + 1 == number(id) => *last = id,
            _ => ranges.push((id, id)),
        }
    }
    let text = |(first, last): &(&str, &str)| match first == last {
        true => (*first).to_owned(),
        false => format!("{first} to {last}"),
    };
    ranges.iter().map(text).collect::<Vec<_>>().join(", ")
}

mod tests {
    use super::*;
    use crate::table::requirements;

    const REQUIREMENTS: &str = "id,document,section,role,level,requirement\n\
        P-001,Protocol.md,One,r,MUST,First.\nP-002,Protocol.md,One,r,MAY,Second.\n\
        P-003,Protocol.md,Two (Words),r,MAY,Third.\nO-001,Other.md,One,r,MUST,Fourth.\n";
    const ALL: &str = "// Spec: P-001 P-002 (One)\n\
        fn f() {\n    // Spec: P-003 (Two (Words))\n    // Why.\n    call();\n}\n";

    fn errors(source: &str, not_cited: &str) -> Vec<String> {
        let mut errors = Vec::new();
        let requirements = requirements(REQUIREMENTS, &mut errors);
        assert_eq!(errors, [""; 0]);
        let mut citations = Citations::default();
        citations.text("f", source);
        citations.check(&requirements, &format!("id,reason\n{not_cited}"))
    }

    #[test]
    fn cited_once_or_listed_is_well() {
        assert_eq!(errors(ALL, "O-001,not ours\n"), [""; 0]);
        let attribute = ALL.replace("fn f()", "#[inline]\n/// Text.\nfn f()");
        assert_eq!(errors(&attribute, "O-001,not built\n"), [""; 0]);
    }

    #[test]
    fn each_problem_is_found() {
        let twice = format!("{ALL}// Spec: P-001 (One)\nfn g() {{}}\n");
        let in_tests = format!("mod tests {{\n{ALL}}}\n");
        for (source, not_cited, expected) in [
            (ALL, "", "O-001 is cited nowhere: Fourth."),
            (ALL, "O-001,\n", "O-001 has no reason"),
            (ALL, "O-001,x\nP-001,x\n", "f:1: P-001 is listed in not_cited.csv too"),
            (ALL, "O-001,x\nP-009,x\n", "there is no requirement P-009"),
            (&twice, "O-001,x\n", "P-001 is cited more than once: f:1, f:7"),
            (
                &ALL.replace("P-003", "P-004"),
                "O-001,x\nP-003,x\n",
                "f:3: there is no requirement P-004",
            ),
            (
                &ALL.replace("(One)", "(Two)"),
                "O-001,x\nP-002,x\nP-001,x\n",
                "P-001 is in the section \"One\"",
            ),
            (&ALL.replace("(Words)", ""), "O-001,x\nP-003,x\n", "P-003 is in the section"),
            (&ALL.replace("P-003 ", ""), "O-001,x\nP-003,x\n", "f:3: not a citation"),
            (&ALL.replace("P-003", "P-3"), "O-001,x\nP-003,x\n", "f:3: not a citation"),
            (
                &ALL.replace("P-001 P-002", "P-001, P-002"),
                "O-001,x\nP-001,x\nP-002,x\n",
                "f:1: not a citation",
            ),
            (&ALL.replace("    call();\n", ""), "O-001,x\nP-003,x\n", "f:3: no code follows it"),
            (
                &ALL.replace("fn f", "\nfn f"),
                "O-001,x\nP-001,x\nP-002,x\n",
                "f:1: no code follows it",
            ),
            (
                &ALL.replace("    // Spec", "    x(); // Spec"),
                "O-001,x\nP-003,x\n",
                "f:3: a citation has a line",
            ),
            (&in_tests, "O-001,x\nP-001,x\nP-002,x\nP-003,x\n", "f:2: a test is not"),
        ] {
            let errors = errors(source, not_cited);
            assert!(errors.iter().any(|error| error.contains(expected)), "{expected}: {errors:?}");
        }
    }

    #[test]
    fn the_page_has_every_section_with_its_files() {
        let requirements = requirements(REQUIREMENTS, &mut Vec::new());
        let mut citations = Citations::default();
        citations.text("src/b.rs", "// Spec: P-001 (One)\nb\n");
        citations.text("src/a.rs", "// Spec: P-002 (One)\na\n// Spec: P-003 (Two (Words))\nb\n");
        let page = citations.page(&requirements, "id,reason\nO-001,Not built.\n");
        for line in [
            "## [Protocol.md](https",
            "| One | P-001 to P-002 | [`src/a.rs`](../src/a.rs), [`src/b.rs`](../src/b.rs) |\n",
            "| Two (Words) | P-003 | [`src/a.rs`](../src/a.rs) |\n",
            "| One | O-001 | Not built. |\n",
        ] {
            assert!(page.contains(line), "{line}: {page}");
        }
    }
}
