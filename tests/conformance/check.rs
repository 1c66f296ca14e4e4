//! Compares the requirements with the markers and with the list of what is not tested.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::scan::Scan;
use crate::table::{Requirement, reasons};

/// The outcome.
pub(crate) struct Report {
    /// The table, for people.
    pub(crate) text: String,
    /// What has to be fixed. Empty if all is well.
    pub(crate) errors: Vec<String>,
}

/// Checks `scan` against the requirements and the list of those that no test covers.
pub(crate) fn check(requirements: &[Requirement], not_tested: &str, scan: &Scan) -> Report {
    let mut errors = scan.errors.clone();
    let exists = |id: &str| requirements.iter().any(|known| known.id == id);
    for (id, places) in scan.covered.iter().filter(|(id, _)| !exists(id)) {
        errors.push(format!("{}: there is no requirement {id}", places.join(", ")));
    }
    let reasons = reasons(not_tested, "not_tested.csv", requirements, &mut errors);
    let reasons: BTreeMap<&str, &str> =
        reasons.iter().map(|(id, reason)| (id.as_str(), reason.as_str())).collect();
    let (mut table, mut rest) = (String::new(), String::new());
    let (mut covered, mut excused) = (0, 0);
    for requirement in requirements {
        let Requirement { id, text, .. } = requirement;
        let reason = reasons.get(id.as_str());
        let tests = scan.covered.get(id).map_or(0, Vec::len);
        let _ = writeln!(table, "{id} {tests:5}");
        match (tests, reason) {
            (0, Some(reason)) => {
                excused += 1;
                let _ = writeln!(rest, "{id}: {text}\n       {reason}");
            }
            (0, None) => errors.push(format!("{id} is covered by no test: {text}")),
            (_, Some(_)) => errors.push(format!(
                "{id} is covered by a test and listed in not_tested.csv: remove it there"
            )),
            (_, None) => covered += 1,
        }
    }
    let text = format!(
        "id    tests\n{table}\nNot tested, and why:\n{rest}\n{} requirements: {covered} covered, \
         {excused} with a reason, {} with neither or with problems\n",
        requirements.len(),
        requirements.len() - covered - excused,
    );
    Report { text, errors }
}

mod tests {
    use super::*;
    use crate::table::requirements;

    const REQUIREMENTS: &str = "id,document,section,role,level,requirement\n\
        P-001,d,s,r,MUST,\"One, \"\"two\"\".\"\nR-001,d,s,r,MAY,Three.\nO-001,d,s,r,MUST,Four.\n";

    fn report(not_tested: &str, scan: &Scan) -> Report {
        let mut errors = Vec::new();
        let requirements = requirements(REQUIREMENTS, &mut errors);
        assert_eq!(errors, [""; 0]);
        check(&requirements, &format!("id,reason\n{not_tested}"), scan)
    }

    fn errors(covered: &[&str], not_tested: &str) -> Vec<String> {
        let covered = covered.iter().map(|&id| (id.to_owned(), vec!["f:1".to_owned()])).collect();
        let scan = Scan { covered, errors: Vec::new() };
        report(not_tested, &scan).errors
    }

    #[test]
    fn covered_or_listed_is_well() {
        assert_eq!(errors(&["P-001", "R-001", "O-001"], ""), [""; 0]);
        assert_eq!(errors(&["P-001", "R-001"], "O-001,not ours\n"), [""; 0]);
        assert_eq!(errors(&["P-001"], "R-001,\"a, b\"\nO-001,because\n"), [""; 0]);
    }

    #[test]
    fn each_problem_is_found() {
        for (covered, not_tested, error) in [
            (&["P-001", "R-001"][..], "", "O-001 is covered by no test: Four."),
            (&["R-001", "O-001"], "", "P-001 is covered by no test: One, \"two\"."),
            (&["P-001", "R-001", "O-001"], "P-001,x\n", "P-001 is covered by a test and listed"),
            (&["P-001", "R-001", "O-001"], "O-*,x\n", "there is no requirement O-*"),
            (&["P-001", "R-001", "O-001", "P-009"], "", "f:1: there is no requirement P-009"),
            (&["P-001", "R-001", "O-001"], "P-009,x\n", "there is no requirement P-009"),
            (&["P-001", "R-001"], "O-001,\n", "O-001 has no reason"),
            (&["P-001", "R-001"], "O-001,x\nO-001,x\n", "O-001 is there twice"),
            (&["P-001", "R-001", "O-001"], "P-002,x,y\n", "not 2 columns"),
        ] {
            let errors = errors(covered, not_tested);
            assert!(errors.len() == 1 && errors[0].contains(error), "{error}: {errors:?}");
        }
    }

    #[test]
    fn the_report_counts_and_gives_the_reasons() {
        let covered = [("P-001".to_owned(), vec!["f:1".to_owned(), "f:7".to_owned()])].into();
        let scan = Scan { covered, errors: vec!["bad marker".to_owned()] };
        let report = report("R-001,because\nO-001,not ours\n", &scan);
        assert_eq!(report.errors, ["bad marker"]);
        for part in [
            "P-001     2\n",
            "R-001     0\n",
            "R-001: Three.\n       because\n",
            "O-001: Four.\n       not ours\n",
            "1 covered, 2 with a reason, 0 with",
        ] {
            assert!(report.text.contains(part), "{part}: {}", report.text);
        }
    }
}
