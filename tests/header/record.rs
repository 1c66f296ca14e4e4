//! What `include/saltyrtc.json` says about events as records: which field of an event each field of
//! `saltyrtc_record` is, and where it is. That comes from the names: `text_offset` and `text_len` are the
//! field `text`, and what is true or false is a flag of the same name.

use serde_json::{Value, json};

use crate::description::{Field, Layout, layout};
use crate::source::{Declaration, Section, words};

const RECORD: &str = "saltyrtc_record";
const CANDIDATE: &str = "saltyrtc_record_candidate";
const FLAG: &str = "saltyrtc_record_flag";

pub(crate) fn describe(sections: &[Section]) -> Value {
    let of = |name: &str| {
        let mut items = sections.iter().flat_map(|section| &section.items);
        items.find(|item| item.name() == name).unwrap_or_else(|| panic!("there is no {name}"))
    };
    let layout_of = |name: &str| layout(of(name), sections).expect("it is a structure");
    let (event, record) = (layout_of("saltyrtc_event"), layout_of(RECORD));
    let (candidate, packed) = (layout_of("saltyrtc_candidate"), layout_of(CANDIDATE));
    let Declaration::Enum(flags) = of(FLAG) else { panic!("{FLAG} is not an enumeration") };
    let flags: Vec<Value> = (flags.values.iter())
        .map(|flag| json!({ "value": flag.number, "event_field": words(&flag.name).replace(' ', "_") }))
        .collect();

    let mut unmatched: Vec<&str> = event.fields.iter().map(|field| &*field.name).collect();
    let fields: Vec<Value> = (record.fields.iter())
        .map(|field| {
            let mut described = place(field);
            let meaning = match &*field.name {
                "reserved" => "0",
                "record_size" => "the size of a record",
                "flags" => "the fields that are true",
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

    let candidate_fields: Vec<Value> = (packed.fields.iter())
        .map(|field| {
            let mut described = place(field);
            if field.name != "reserved" {
                let meant = counterpart(field, &candidate);
                described["candidate_field"] = meant.name.clone().into();
                described["meaning"] = part(field, meant).into();
            }
            described
        })
        .collect();
    json!({
        "struct": RECORD,
        "size": record.size,
        "fields": fields,
        "flags": flags,
        "candidate": { "struct": CANDIDATE, "size": packed.size, "fields": candidate_fields },
    })
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
fn part(field: &Field, meant: &Field) -> &'static str {
    let offset = field.name.ends_with("_offset");
    match &*meant.c_type {
        "const char *" if offset => "offset of the text",
        "const char *" => "size of the text",
        "const uint8_t *" if offset => "offset of the bytes",
        "const uint8_t *" => "number of bytes",
        "const saltyrtc_candidate *" if offset => "offset of the candidates",
        "const saltyrtc_candidate *" => "number of candidates",
        pointer if pointer.ends_with('*') => panic!("{}: what is behind it?", meant.name),
        _ => "value",
    }
}

fn of_enum(field: &Field, sections: &[Section]) -> bool {
    let mut items = sections.iter().flat_map(|section| &section.items);
    items.any(|item| matches!(item, Declaration::Enum(_)) && item.name() == field.c_type)
}
