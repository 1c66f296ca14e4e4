//! What `include/saltyrtc.json` says about events as records: which field of an event each field of
//! `saltyrtc_record` is, and where it is. That comes from the names: `text_offset` and `text_len` are the
//! field `text`, and what is true or false is a flag of the same name.

use serde_json::{Value, json};

use crate::description::{Field, Layout, layout};
use crate::roles;
use crate::source::{Declaration, Section, words};

const RECORD: &str = "saltyrtc_record";
/// What is an array: the name that elements have here, their structure in events, and how many are called.
const ARRAYS: &[(&str, &str, &str)] = &[
    ("candidate", "saltyrtc_candidate", "candidates"),
    ("ice_candidate", "saltyrtc_ice_candidate", "candidates of ORTC"),
    ("dtls_fingerprint", "saltyrtc_dtls_fingerprint", "fingerprints"),
];
const FLAG: &str = "saltyrtc_record_flag";

pub(crate) fn describe(sections: &[Section]) -> Value {
    let of = |name: &str| {
        let mut items = sections.iter().flat_map(|section| &section.items);
        items.find(|item| item.name() == name).unwrap_or_else(|| panic!("there is no {name}"))
    };
    let layout_of = |name: &str| layout(of(name), sections).expect("it is a structure");
    let (event, record) = (layout_of("saltyrtc_event"), layout_of(RECORD));
    let Declaration::Enum(flags) = of(FLAG) else { panic!("{FLAG} is not an enumeration") };
    let flags: Vec<Value> = (flags.values.iter())
        .map(|flag| json!({ "value": flag.number, "event_field": words(&flag.name).replace(' ', "_") }))
        .collect();

    let mut unmatched: Vec<&str> = event.fields.iter().map(|field| &*field.name).collect();
    let fields: Vec<Value> = (record.fields.iter())
        .map(|field| {
            let mut described = place(field);
            let meaning = match &*field.name {
                "reserved" => "0".to_owned(),
                "record_size" => "the size of a record".to_owned(),
                "flags" => "the fields that are true".to_owned(),
                _ => {
                    let meant = counterpart(field, &event);
                    unmatched.retain(|name| *name != meant.name);
                    described["event_field"] = meant.name.clone().into();
                    if of_enum(meant, sections) {
                        described["enum"] = meant.c_type.clone().into();
                    }
                    part(field, meant)
                }
            };
            described["meaning"] = meaning.into();
            described
        })
        .collect();
    for flag in &flags {
        let before = unmatched.len();
        unmatched.retain(|name| flag["event_field"] != *name);
        assert_eq!(unmatched.len() + 1, before, "no field of an event is the flag {flag}");
    }
    // Sizes are in the record beside what they are of.
    unmatched.retain(|name| !name.ends_with("_len"));
    assert_eq!(unmatched, ["struct_size"], "not in a record");

    let mut described = json!({
        "struct": RECORD,
        "size": record.size,
        "fields": fields,
        "flags": flags,
    });
    for (name, structure, _) in ARRAYS {
        let (element, packed) = (layout_of(structure), layout_of(&format!("{RECORD}_{name}")));
        described[*name] = describe_element(name, &element, &packed);
    }
    described
}

/// What an array is made of.
fn describe_element(name: &str, element: &Layout, packed: &Layout) -> Value {
    let fields: Vec<Value> = (packed.fields.iter())
        .map(|field| {
            let mut described = place(field);
            if field.name != "reserved" {
                let meant = counterpart(field, element);
                described[format!("{name}_field")] = meant.name.clone().into();
                described["meaning"] = part(field, meant).into();
                if let Some(name) = roles::one_of(&meant.doc) {
                    described["enum"] = name.into();
                }
            }
            described
        })
        .collect();
    json!({ "struct": packed.name, "size": packed.size, "fields": fields })
}

fn place(field: &Field) -> Value {
    let fixed = ["uint64_t", "int32_t", "uint32_t"];
    assert!(fixed.contains(&&*field.c_type), "{}: not a number of fixed width", field.name);
    json!({
        "name": field.name,
        "type": field.c_type,
        "offset": field.offset,
        "size": field.size,
    })
}

/// The field of the event (or candidate) that a field of the record stands for.
fn counterpart<'a>(field: &Field, event: &'a Layout) -> &'a Field {
    let name = field.name.strip_suffix("_offset").or(field.name.strip_suffix("_len"));
    let name = name.unwrap_or(&field.name);
    let found = event.fields.iter().find(|other| other.name == name);
    found.unwrap_or_else(|| panic!("{}: {} has no such field", field.name, event.name))
}

/// What a field of the record says about the field that it stands for.
fn part(field: &Field, meant: &Field) -> String {
    let offset = field.name.ends_with("_offset");
    let array = ARRAYS.iter().find(|(_, name, _)| meant.c_type == format!("const {name} *"));
    if let Some((_, _, elements)) = array {
        let of = if offset { "offset of the" } else { "number of" };
        return format!("{of} {elements}");
    }
    let part = match &*meant.c_type {
        "const char *" if offset => "offset of the text",
        "const char *" => "size of the text",
        "const uint8_t *" if offset => "offset of the bytes",
        "const uint8_t *" => "number of bytes",
        pointer if pointer.ends_with('*') => panic!("{}: what is behind it?", meant.name),
        _ => "value",
    };
    part.to_owned()
}

fn of_enum(field: &Field, sections: &[Section]) -> bool {
    let mut items = sections.iter().flat_map(|section| &section.items);
    items.any(|item| matches!(item, Declaration::Enum(_)) && item.name() == field.c_type)
}
