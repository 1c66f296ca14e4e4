//! Makes a table of the functions of the C ABI from its description, include/saltyrtc.json.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "capi")]
    capi::write_table();
}

#[cfg(feature = "capi")]
mod capi {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;

    use serde_json::Value;

    const DESCRIPTION: &str = "../include/saltyrtc.json";

    fn text<'a>(value: &'a Value, name: &str) -> &'a str {
        value[name].as_str().unwrap_or_default()
    }

    fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
        value[name].as_array().map_or(&[], Vec::as_slice)
    }

    /// The type behind a pointer.
    fn pointee(kind: &str) -> &str {
        kind.trim_start_matches("const ").trim_end_matches(['*', ' '])
    }

    pub(super) fn write_table() {
        let directory = std::env::var("OUT_DIR").expect("cargo sets it");
        let file = std::path::Path::new(&directory).join("functions.rs");
        std::fs::write(file, table()).expect("the directory for such files");
    }

    fn table() -> String {
        println!("cargo::rerun-if-changed={DESCRIPTION}");
        let description = std::fs::read_to_string(DESCRIPTION).expect("the description");
        let description: Value = serde_json::from_str(&description).expect("JSON");
        let functions = list(&description, "functions");

        let mut table = String::from("unsafe extern \"C\" {\n");
        for function in functions {
            writeln!(table, "    fn {}();", text(function, "name")).expect("a string");
        }
        table.push_str("}\n\nstatic FUNCTIONS: &[Function] = &[\n");
        for function in functions {
            let name = text(function, "name");
            let parameters = list(function, "parameters");
            writeln!(
                table,
                "    Function {{ name: {name:?}, code: {name}, returns: {:?}, parameters: &[",
                text(function, "returns")
            )
            .expect("a string");
            for parameter in parameters {
                let place = |which: &str| {
                    let wanted = text(parameter, which);
                    parameters.iter().position(|other| text(other, "name") == wanted)
                };
                writeln!(
                    table,
                    "        Parameter {{ name: {:?}, role: {:?}, kind: {:?}, length: {:?}, capacity: {:?} }},",
                    text(parameter, "name"),
                    text(parameter, "role"),
                    pointee(text(parameter, "type")),
                    place("length"),
                    place("capacity"),
                )
                .expect("a string");
            }
            table.push_str("    ] },\n");
        }
        table.push_str("];\n\n/// Each kind of handle, and what frees it.\n");
        table.push_str("static HANDLES: &[(&str, &str)] = &[\n");
        let described = list(&description, "handles").iter();
        let handles = described.map(|handle| (text(handle, "name"), text(handle, "free")));
        let given = functions.iter().flat_map(|function| list(function, "parameters"));
        let given = given.map(|given| (pointee(text(given, "type")), text(given, "free")));
        let all: BTreeSet<_> = handles.chain(given).filter(|(_, free)| !free.is_empty()).collect();
        for (kind, free) in all {
            writeln!(table, "    ({kind:?}, {free:?}),").expect("a string");
        }
        table.push_str("];\n\n/// The structures that begin with their size, and that size.\n");
        table.push_str("static STRUCTS: &[(&str, u64)] = &[\n");
        for structure in list(&description, "structs") {
            let first = &structure["fields"][0];
            if text(first, "name") == "struct_size" {
                writeln!(table, "    ({:?}, {}),", text(structure, "name"), structure["size"])
                    .expect("a string");
            }
        }
        table.push_str("];\n\n/// The statuses that there are.\nstatic STATUSES: &[i32] = &[");
        let statuses = list(&description, "enums").iter();
        for statuses in statuses.filter(|one| text(one, "name") == "saltyrtc_status") {
            for status in list(statuses, "values") {
                write!(table, "{}, ", status["value"]).expect("a string");
            }
        }
        table.push_str("];\n");
        table
    }
}
