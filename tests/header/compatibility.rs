//! Whether a program, or a binding, that was made for an older version of the ABI works with this one:
//! compares descriptions (`include/saltyrtc.json`). What may change is in ABI.md.

use serde_json::Value;

/// Whether `new` may come after `old`, which was released; or else why not.
pub(crate) fn check(old: &Value, new: &Value) -> Result<(), String> {
    let version = |of: &Value| of["abi_version"].as_u64().expect("it is there");
    let release = &old["version"];
    if version(new) > version(old) {
        return Ok(());
    }
    if version(new) < version(old) {
        return Err(format!("{release} was released with a later version of the ABI"));
    }
    let breaks = breaks(old, new);
    if breaks.is_empty() {
        return Ok(());
    }
    Err(format!(
        "programs that were made for {release} break:\n  {}\n\
         Find another way, or raise the version of the ABI (ABI.md).",
        breaks.join("\n  "),
    ))
}

/// What programs that were made for `old` would trip over in `new`. Empty if there is nothing.
fn breaks(old: &Value, new: &Value) -> Vec<String> {
    let mut breaks = Vec::new();
    let mut found = |what: String| breaks.push(what);
    same(old, new, &["pointer_bytes"], "the description", &mut found);

    pairs(old, new, "functions", &mut found, |old, new, name, found| {
        same(old, new, &["returns"], name, found);
        if new["feature"] != old["feature"] && !new["feature"].is_null() {
            found(format!("{name} is not in every build any more"));
        }
        if new["unix_only"] == true && old["unix_only"] == false {
            found(format!("{name} is not on every system any more"));
        }
        parameters(old, new, name, found);
    });
    pairs(old, new, "callbacks", &mut found, |old, new, name, found| {
        same(old, new, &["returns"], name, found);
        parameters(old, new, name, found);
    });
    pairs(old, new, "handles", &mut found, |old, new, name, found| {
        same(old, new, &["free"], name, found);
    });
    pairs(old, new, "constants", &mut found, |old, new, name, found| {
        same(old, new, &["type", "value"], name, found);
    });
    pairs(old, new, "enums", &mut found, |old, new, name, found| {
        same(old, new, &["type"], name, found);
        pairs(old, new, "values", found, |old, new, name, found| {
            same(old, new, &["value", "text"], name, found);
        });
    });
    pairs(old, new, "structs", &mut found, structure);
    pairs(old, new, "event_kinds", &mut found, |old, new, kind, found| {
        same(old, new, &["value", "text"], kind, found);
        pairs(old, new, "fields", found, |old, new, field, found| {
            if old["always"] == true && new["always"] == false {
                found(format!("{kind}: {field} is not in every event any more"));
            }
        });
    });
    breaks
}

/// A structure: what was there stays where it is, and something new is only at the end, and only if both
/// sides say how large their structure is.
fn structure(old: &Value, new: &Value, name: &str, found: &mut dyn FnMut(String)) {
    let grows = ["struct_size", "record_size"].iter().any(|size| old["fields"][0]["name"] == *size);
    if !grows {
        same(old, new, &["size"], name, found);
    } else if new["size"].as_u64() < old["size"].as_u64() {
        found(format!("{name} is smaller"));
    }
    let (olds, news) = (list(old, "fields"), list(new, "fields"));
    for field in olds {
        let here = format!("{name}.{}", field["name"].as_str().unwrap_or_default());
        // What was always 0 can become something.
        if field["name"] == "reserved" {
            continue;
        }
        match news.iter().find(|it| it["name"] == field["name"]) {
            Some(new) => same(field, new, &["type", "offset", "size", "enum"], &here, found),
            None => found(format!("{here} is gone")),
        }
    }
    for field in news {
        let known = olds.iter().any(|it| it["name"] == field["name"]);
        let reserved = |it: &&Value| it["name"] == "reserved" && it["offset"] == field["offset"];
        if known || olds.iter().any(|it| reserved(&it)) {
            continue;
        }
        // In the padding, an older program has anything.
        if !grows || field["offset"].as_u64() < old["size"].as_u64() {
            let field = field["name"].as_str().unwrap_or_default();
            found(format!("{name}.{field} is new, and not behind the end of the older structure"));
        }
    }
}

/// The parameters of a function or a callback.
fn parameters(old: &Value, new: &Value, name: &str, found: &mut dyn FnMut(String)) {
    let (olds, news) = (list(old, "parameters"), list(new, "parameters"));
    if olds.len() != news.len() {
        found(format!("{name} has {} parameters instead of {}", news.len(), olds.len()));
        return;
    }
    for (old, new) in olds.iter().zip(news) {
        let here = format!("{name}, {}", old["name"].as_str().unwrap_or_default());
        same(old, new, &["type", "role", "length", "capacity", "enum", "free"], &here, found);
        if old["nullable"] == true && new["nullable"] == false {
            found(format!("{here} must not be NULL any more"));
        }
    }
}

/// Compares what has the same name in both, and finds what is gone.
fn pairs(
    old: &Value,
    new: &Value,
    what: &str,
    found: &mut dyn FnMut(String),
    compare: impl Fn(&Value, &Value, &str, &mut dyn FnMut(String)),
) {
    for old in list(old, what) {
        let name = old["name"].as_str().expect("everything has a name");
        match list(new, what).iter().find(|it| it["name"] == old["name"]) {
            Some(new) => compare(old, new, name, found),
            None => found(format!("{name} is gone")),
        }
    }
}

fn list<'a>(description: &'a Value, what: &str) -> &'a [Value] {
    description[what].as_array().map_or(&[], Vec::as_slice)
}

fn same(old: &Value, new: &Value, keys: &[&str], name: &str, found: &mut dyn FnMut(String)) {
    for key in keys {
        if old[key] != new[key] {
            found(format!("{name}: {key} was {} and is {}", old[key], new[key]));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn description() -> Value {
        let text = crate::description::generate(&crate::source::read());
        serde_json::from_str(&text).expect("it is JSON")
    }

    /// What is called `name` in a list.
    fn named<'a>(description: &'a mut Value, list: &str, name: &str) -> &'a mut Value {
        let list = description[list].as_array_mut().expect("a list");
        list.iter_mut().find(|it| it["name"] == name).unwrap_or_else(|| panic!("no {name}"))
    }

    fn remove(list: &mut Value, name: &str) {
        let list = list.as_array_mut().expect("a list");
        let before = list.len();
        list.retain(|it| it["name"] != name);
        assert_eq!(list.len(), before - 1, "{name}");
    }

    fn push(list: &mut Value, new: Value) {
        list.as_array_mut().expect("a list").push(new);
    }

    type Change = fn(&mut Value);

    /// Changes that break programs, and what is said about them.
    const BREAKING: &[(&str, Change)] = &[
        ("saltyrtc_key_to_hex is gone", |it| remove(&mut it["functions"], "saltyrtc_key_to_hex")),
        ("saltyrtc_key_bytes: returns was \"size_t\"", |it| {
            named(it, "functions", "saltyrtc_key_bytes")["returns"] = "uint32_t".into();
        }),
        ("saltyrtc_client_close has 3 parameters instead of 2", |it| {
            let function = named(it, "functions", "saltyrtc_client_close");
            push(&mut function["parameters"], json!({ "name": "x", "type": "int" }));
        }),
        ("saltyrtc_client_next_event, timeout_ms: type was \"int64_t\"", |it| {
            let function = named(it, "functions", "saltyrtc_client_next_event");
            named(function, "parameters", "timeout_ms")["type"] = "int32_t".into();
        }),
        ("saltyrtc_client_send_bytes, data: role was \"bytes\"", |it| {
            let function = named(it, "functions", "saltyrtc_client_send_bytes");
            named(function, "parameters", "data")["role"] = "key".into();
        }),
        ("saltyrtc_invitation_new, token must not be NULL any more", |it| {
            let function = named(it, "functions", "saltyrtc_invitation_new");
            named(function, "parameters", "token")["nullable"] = false.into();
        }),
        ("saltyrtc_chunker_new is not in every build any more", |it| {
            named(it, "functions", "saltyrtc_chunker_new")["feature"] = "chunking".into();
        }),
        ("saltyrtc_chunker_new is not on every system any more", |it| {
            named(it, "functions", "saltyrtc_chunker_new")["unix_only"] = true.into();
        }),
        ("saltyrtc_log_callback, level: type was \"int32_t\"", |it| {
            let callback = named(it, "callbacks", "saltyrtc_log_callback");
            named(callback, "parameters", "level")["type"] = "int64_t".into();
        }),
        ("saltyrtc_server: free was \"saltyrtc_server_free\"", |it| {
            named(it, "handles", "saltyrtc_server")["free"] = "saltyrtc_free".into();
        }),
        ("SALTYRTC_INVITATION_BYTES: value was 512", |it| {
            named(it, "constants", "SALTYRTC_INVITATION_BYTES")["value"] = 1024.into();
        }),
        ("SALTYRTC_STATUS_CLOSED is gone", |it| {
            remove(&mut named(it, "enums", "saltyrtc_status")["values"], "SALTYRTC_STATUS_CLOSED");
        }),
        ("SALTYRTC_STATUS_CLOSED: value was -100", |it| {
            let status = named(it, "enums", "saltyrtc_status");
            named(status, "values", "SALTYRTC_STATUS_CLOSED")["value"] = (-99).into();
        }),
        ("SALTYRTC_STATUS_CLOSED: text was \"closed\"", |it| {
            let status = named(it, "enums", "saltyrtc_status");
            named(status, "values", "SALTYRTC_STATUS_CLOSED")["text"] = "shut".into();
        }),
        ("saltyrtc_event.address is gone", |it| {
            remove(&mut named(it, "structs", "saltyrtc_event")["fields"], "address");
        }),
        ("saltyrtc_event.text: offset was", |it| {
            let event = named(it, "structs", "saltyrtc_event");
            named(event, "fields", "text")["offset"] = 128.into();
        }),
        ("saltyrtc_event is smaller", |it| {
            named(it, "structs", "saltyrtc_event")["size"] = 64.into();
        }),
        ("saltyrtc_event.new is new, and not behind the end", |it| {
            let event = named(it, "structs", "saltyrtc_event");
            let field = json!({ "name": "new", "offset": event["size"].as_u64().map(|it| it - 4) });
            push(&mut event["fields"], field);
        }),
        ("saltyrtc_candidate: size was", |it| {
            named(it, "structs", "saltyrtc_candidate")["size"] = 64.into();
        }),
        ("saltyrtc_candidate.new is new", |it| {
            let candidate = named(it, "structs", "saltyrtc_candidate");
            let field = json!({ "name": "new", "offset": candidate["size"] });
            push(&mut candidate["fields"], field);
        }),
        ("saltyrtc_record.token: type was \"uint64_t\"", |it| {
            let record = named(it, "structs", "saltyrtc_record");
            named(record, "fields", "token")["type"] = "uint32_t".into();
        }),
        ("SALTYRTC_EVENT_KIND_DATA is gone", |it| {
            remove(&mut it["event_kinds"], "SALTYRTC_EVENT_KIND_DATA");
        }),
        ("data_len is gone", |it| {
            let kind = named(it, "event_kinds", "SALTYRTC_EVENT_KIND_DATA");
            remove(&mut kind["fields"], "data_len");
        }),
        ("SALTYRTC_EVENT_KIND_CLOSED: text is not in every event any more", |it| {
            let kind = named(it, "event_kinds", "SALTYRTC_EVENT_KIND_CLOSED");
            named(kind, "fields", "text")["always"] = false.into();
        }),
    ];

    /// Changes that break nothing.
    const COMPATIBLE: &[(&str, Change)] = &[
        ("a new function", |it| {
            push(&mut it["functions"], json!({ "name": "saltyrtc_new", "feature": "new" }));
        }),
        ("a new status", |it| {
            let status = named(it, "enums", "saltyrtc_status");
            push(&mut status["values"], json!({ "name": "SALTYRTC_STATUS_NEW", "value": -1000 }));
        }),
        ("a new kind of event", |it| {
            push(&mut it["event_kinds"], json!({ "name": "NEW", "value": 1000, "fields": [] }));
        }),
        ("a new field of a kind", |it| {
            let kind = named(it, "event_kinds", "SALTYRTC_EVENT_KIND_DATA");
            push(&mut kind["fields"], json!({ "name": "channel", "always": false }));
        }),
        ("a field that is always there now", |it| {
            let kind = named(it, "event_kinds", "SALTYRTC_EVENT_KIND_CLOSED");
            named(kind, "fields", "status")["always"] = true.into();
        }),
        ("new fields at the end", |it| {
            for name in ["saltyrtc_event", "saltyrtc_record"] {
                let growing = named(it, "structs", name);
                let size = growing["size"].as_u64().expect("a number");
                push(&mut growing["fields"], json!({ "name": "new", "offset": size, "size": 8 }));
                growing["size"] = (size + 8).into();
            }
        }),
        ("what was reserved is something", |it| {
            let candidate = named(it, "structs", "saltyrtc_record_candidate");
            named(candidate, "fields", "reserved")["name"] = "new".into();
        }),
        ("a parameter that may be NULL now", |it| {
            let function = named(it, "functions", "saltyrtc_key_to_hex");
            named(function, "parameters", "key")["nullable"] = true.into();
        }),
        ("a function of a part is in every build", |it| {
            named(it, "functions", "saltyrtc_server_start")["feature"] = Value::Null;
        }),
        ("other words", |it| {
            named(it, "functions", "saltyrtc_key_to_hex")["doc"] = "Converts.".into();
        }),
    ];

    #[test]
    fn what_breaks_programs_is_noticed() {
        let old = description();
        for (said, change) in BREAKING {
            let mut new = old.clone();
            change(&mut new);
            let breaks = breaks(&old, &new);
            assert!(breaks.len() == 1 && breaks[0].contains(said), "{said}: {breaks:?}");
        }
    }

    #[test]
    fn only_a_later_version_of_the_abi_may_break_programs() {
        let old = description();
        let mut new = old.clone();
        remove(&mut new["functions"], "saltyrtc_key_to_hex");
        let said = check(&old, &new).unwrap_err();
        assert!(said.contains("saltyrtc_key_to_hex is gone") && said.contains("ABI.md"), "{said}");
        let version = old["abi_version"].as_u64().expect("a number");
        new["abi_version"] = (version + 1).into();
        assert_eq!(check(&old, &new), Ok(()));
        // And there is no way back.
        let mut later = old.clone();
        later["abi_version"] = (version + 1).into();
        assert!(check(&later, &old).unwrap_err().contains("later version"));
        assert_eq!(check(&old, &old), Ok(()));
    }

    #[test]
    fn what_breaks_nothing_is_allowed() {
        let old = description();
        for (what, change) in COMPATIBLE {
            let mut new = old.clone();
            change(&mut new);
            assert_ne!(old, new, "{what}");
            assert_eq!(breaks(&old, &new), <[String; 0]>::default(), "{what}");
        }
    }
}
