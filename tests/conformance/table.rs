//! The tables in this folder: CSV, with a line of titles.

/// The fields of one line of CSV.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let field = fields.last_mut().expect("there is always a field");
        match c {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => field.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => field.push(c),
        }
    }
    fields
}

/// The rows, in the order of the file. The first field of each is an id, and none is there twice.
pub(crate) fn rows<const N: usize>(
    csv: &str,
    name: &str,
    errors: &mut Vec<String>,
) -> Vec<[String; N]> {
    let mut rows: Vec<[String; N]> = Vec::new();
    for line in csv.lines().skip(1).filter(|line| !line.is_empty()) {
        let Ok(row) = <[String; N]>::try_from(fields(line)) else {
            errors.push(format!("{name}: not {N} columns: {line}"));
            continue;
        };
        if rows.iter().any(|known| known[0] == row[0]) {
            errors.push(format!("{name}: {} is there twice", row[0]));
        }
        rows.push(row);
    }
    rows
}

/// A requirement of the specification.
pub(crate) struct Requirement {
    pub(crate) id: String,
    /// The file of the specification.
    pub(crate) document: String,
    /// The title of the section.
    pub(crate) section: String,
    pub(crate) text: String,
}

/// The requirements in `requirements.csv`.
pub(crate) fn requirements(csv: &str, errors: &mut Vec<String>) -> Vec<Requirement> {
    let requirement = |[id, document, section, _role, _level, text]: [String; 6]| Requirement {
        id,
        document,
        section,
        text,
    };
    rows::<6>(csv, "requirements.csv", errors).into_iter().map(requirement).collect()
}

/// The ids in a list of exceptions, each with its reason.
pub(crate) fn reasons(
    csv: &str,
    name: &str,
    requirements: &[Requirement],
    errors: &mut Vec<String>,
) -> Vec<(String, String)> {
    let reasons = rows::<2>(csv, name, errors).into_iter().map(|[id, reason]| (id, reason));
    let reasons: Vec<(String, String)> = reasons.collect();
    for (id, reason) in &reasons {
        if !requirements.iter().any(|known| known.id == *id) {
            errors.push(format!("{name}: there is no requirement {id}"));
        }
        if reason.trim().is_empty() {
            errors.push(format!("{name}: {id} has no reason"));
        }
    }
    reasons
}
