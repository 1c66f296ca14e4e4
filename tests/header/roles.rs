//! What each parameter of a function is for, which its type and its name say: `data` and `data_len` are
//! bytes and their length, `uri`, `uri_capacity` and `uri_len` a buffer for a text. What neither says is
//! in the description of the function, in words that are the same everywhere: "`key` may be NULL", and
//! "`level` is one of saltyrtc_log_level".

use serde_json::{Map, Value};
use syn::{Attribute, FnArg, Pat, PatType, Type};

use crate::description::{Field, c_type};
use crate::source::{Declaration, Section, doc};

/// A parameter as C has it.
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) c_type: String,
    /// What it is for. The names are explained in `saltyrtc.json`, under "roles".
    pub(crate) role: &'static str,
    /// Whether NULL may be passed. False for what is no pointer.
    pub(crate) nullable: bool,
    /// What belongs to it: `length` and `capacity` are other parameters, `enum` and `free` names.
    pub(crate) related: Vec<(&'static str, String)>,
}

/// All roles, for those who read the description.
const ROLES: &[(&str, &str)] = &[
    ("array", "numbers or structures; `length` is the parameter with how many"),
    (
        "buffer",
        "where bytes are put; `capacity` and `length` are the parameters with its size and theirs",
    ),
    ("bytes", "bytes; `length` is the parameter with how many"),
    ("callback", "a function of the program; `user_data` is the parameter that it is called with"),
    ("capacity", "the size of a buffer, in bytes or pointers"),
    ("error", "where the error is put; the caller frees it"),
    ("handle", "a pointer that the library gave out"),
    ("handles", "pointers that the library gave out; `length` is the parameter with how many"),
    ("in", "a number or a bool; `enum` is the enumeration that it is one of"),
    ("key", "the 32 bytes of a key or token"),
    ("length", "how many bytes, numbers or pointers there are"),
    ("out", "where a number or a bool is put; `enum` as above"),
    ("out_handle", "where a pointer is put, which the caller frees with the function `free`"),
    (
        "out_handles",
        "where pointers are put; `capacity` and `length` as for a buffer, `free` as above",
    ),
    ("out_key", "where the 32 bytes of a key or token are put"),
    ("out_length", "where the number of bytes needed, or of pointers, is put"),
    ("out_static_text", "where a pointer to a text is put that is never freed"),
    ("out_struct", "a structure that is filled in"),
    ("out_text", "where a text and a NUL are put; `capacity` and `length` as for a buffer"),
    ("struct", "a structure that is read"),
    ("text", "UTF-8 that ends with a NUL"),
    ("text_bytes", "UTF-8; `length` is the parameter with how many bytes. It may contain NULs"),
    ("user_data", "what a callback is called with"),
    ("user_data_free", "a function of the program that is called with the user data, once"),
];

pub(crate) fn explained() -> Value {
    ROLES
        .iter()
        .map(|(name, text)| ((*name).to_owned(), Value::from(*text)))
        .collect::<Map<_, _>>()
        .into()
}

impl Parameter {
    pub(crate) fn described(&self) -> Value {
        assert!(ROLES.iter().any(|(name, _)| *name == self.role), "{} is no role", self.role);
        let mut described = serde_json::json!({
            "name": self.name,
            "type": self.c_type,
            "role": self.role,
            "nullable": self.nullable,
        });
        for (key, value) in &self.related {
            described[*key] = value.clone().into();
        }
        described
    }
}

/// The parameters of a function of the library.
pub(crate) fn parameters(item: &syn::ItemFn, sections: &[Section]) -> Vec<Parameter> {
    let function = item.sig.ident.to_string();
    let inputs = item.sig.inputs.iter().map(|input| match input {
        FnArg::Typed(PatType { pat, ty, .. }) => match &**pat {
            Pat::Ident(name) => (name.ident.to_string(), &**ty),
            _ => panic!("{function}: a parameter has no name"),
        },
        FnArg::Receiver(_) => panic!("{function}: C has no methods"),
    });
    let inputs: Vec<_> = inputs.collect();
    let nullable = said_to_be_null(&item.attrs);
    for name in &nullable {
        let is_pointer = |(known, ty): &(String, &Type)| known == name && is_pointer(ty, sections);
        assert!(inputs.iter().any(is_pointer), "{function}: no pointer is called {name}");
    }
    let mut parameters = Vec::new();
    for (index, (name, ty)) in inputs.iter().enumerate() {
        let (role, related) = role(name, ty, &parameters, &inputs[index + 1..], sections);
        // These are described once, for all functions.
        let always = match role {
            "array" | "buffer" | "bytes" | "callback" | "error" | "out_text" | "text_bytes"
            | "user_data" | "user_data_free" => true,
            "out_length" => name.ends_with("_len"),
            "handle" | "handles" => function.ends_with("_free"),
            _ => false,
        };
        parameters.push(Parameter {
            nullable: always || nullable.contains(name),
            name: name.clone(),
            c_type: c_type(ty),
            role,
            related,
        });
    }
    for (parameter, value) in said_to_be_enums(&item.attrs) {
        let found = parameters.iter_mut().find(|it| it.name == parameter && it.role == "in");
        let found = found.unwrap_or_else(|| panic!("{function}: no number is called {parameter}"));
        assert!(is_enum(&value, sections), "{function}: {value} is no enumeration");
        found.related.push(("enum", value));
    }
    parameters
}

type Role = (&'static str, Vec<(&'static str, String)>);

fn role(
    name: &str,
    ty: &Type,
    before: &[Parameter],
    after: &[(String, &Type)],
    sections: &[Section],
) -> Role {
    let next = |place: usize| after.get(place).map(|(name, ty)| (name.as_str(), c_type(ty)));
    // `data_len` of `data`; or what is called so by itself, right behind what it is about.
    let belongs = |place, suffix, whole, of: &str| {
        let (next, ty) = next(place)?;
        let its = next.strip_suffix(suffix).is_some_and(|start| start == of) || next == whole;
        its.then(|| (next.to_owned(), ty))
    };
    let length = || belongs(0, "_len", "count", name).filter(|(_, ty)| ty == "size_t");
    let capacity = || belongs(0, "_capacity", "capacity", name).filter(|(_, ty)| ty == "size_t");
    let sized = |role, extra: Option<(&'static str, String)>| {
        let capacity = capacity().map(|(name, _)| ("capacity", name));
        // What is in a buffer of bytes can be counted in another way, too.
        let whole = if role == "out_handles" { "count" } else { "" };
        let length = belongs(1, "_len", whole, name).filter(|(_, ty)| ty == "size_t *");
        let length = length.map(|(name, _)| ("length", name));
        (role, capacity.into_iter().chain(length).chain(extra).collect())
    };
    let with_length = |role, otherwise| match length() {
        Some((length, _)) => (role, vec![("length", length)]),
        None => (otherwise, Vec::new()),
    };
    let spelled = c_type(ty);
    if let Some(callback) = function_type(&spelled, sections) {
        if callback == "saltyrtc_user_data_free" {
            return ("user_data_free", Vec::new());
        }
        let user_data = after.iter().find(|(_, ty)| c_type(ty) == "void *");
        let (user_data, _) = user_data.expect("callbacks have user data");
        return ("callback", vec![("user_data", user_data.clone())]);
    }
    let Type::Ptr(pointer) = ty else {
        let is_length = before.last().is_some_and(|before| {
            before.related.iter().any(|(key, value)| *key == "length" && value == name)
                && before.role != "buffer"
        });
        let is_capacity = before.last().is_some_and(|before| {
            before.related.iter().any(|(key, value)| *key == "capacity" && value == name)
        });
        return match () {
            () if is_length => ("length", Vec::new()),
            () if is_capacity => ("capacity", Vec::new()),
            () if is_enum(&spelled, sections) => ("in", vec![("enum", spelled)]),
            () => ("in", Vec::new()),
        };
    };
    let constant = pointer.const_token.is_some();
    let to = c_type(&pointer.elem);
    let free = |to: &str| ("free", format!("{}_free", to.trim_end_matches([' ', '*'])));
    match &*to {
        "saltyrtc_error *" => {
            assert!(name == "error" && after.is_empty(), "errors come last");
            ("error", Vec::new())
        }
        "const char *" => ("out_static_text", Vec::new()),
        handle if handle.ends_with('*') => match (capacity(), length()) {
            (Some(_), _) => sized("out_handles", Some(free(handle))),
            (None, Some((length, _))) => ("handles", vec![("length", length)]),
            (None, None) => ("out_handle", vec![free(handle)]),
        },
        "void" => ("user_data", Vec::new()),
        "char" if constant => with_length("text_bytes", "text"),
        "char" => sized("out_text", None),
        "uint8_t" if constant => with_length("bytes", "key"),
        "uint8_t" if capacity().is_some() => sized("buffer", None),
        "uint8_t" => ("out_key", Vec::new()),
        "size_t" if is_out_length(name, before) => ("out_length", Vec::new()),
        to if is_structure(to, sections) => {
            // A structure that is freed is as good as a handle.
            let freed = format!("{to}_free");
            let functions = sections.iter().flat_map(|section| &section.items);
            let is_freed = functions.into_iter().any(|item| item.name() == freed);
            (
                if is_freed {
                    "handle"
                } else if constant {
                    "struct"
                } else {
                    "out_struct"
                },
                Vec::new(),
            )
        }
        to if is_handle(to, sections) => ("handle", Vec::new()),
        to if is_enum(to, sections) => ("out", vec![("enum", to.to_owned())]),
        _ if constant => {
            let (length, _) = length().expect("arrays have lengths");
            ("array", vec![("length", length)])
        }
        _ => ("out", Vec::new()),
    }
}

/// What a field of a structure is for, in the same terms; and what belongs to it.
pub(crate) fn field(
    field: &Field,
    fields: &[Field],
    sections: &[Section],
) -> (&'static str, Option<(&'static str, String)>) {
    let length = format!("{}_len", field.name);
    let length = fields.iter().any(|it| it.name == length).then_some(("length", length));
    let of_another = field.name.strip_suffix("_len");
    let one_of = one_of(&field.doc);
    match &*field.c_type {
        "const char *" if length.is_some() => ("text_bytes", length),
        "const char *" => ("text", None),
        "const uint8_t *" if length.is_some() => ("bytes", length),
        "const uint8_t *" => ("key", None),
        pointer if pointer.ends_with('*') => ("array", Some(length.expect("arrays have lengths"))),
        text if text.starts_with("char[") => ("text", None),
        name if is_enum(name, sections) => ("in", Some(("enum", name.to_owned()))),
        _ if of_another.is_some_and(|of| fields.iter().any(|it| it.name == of)) => ("length", None),
        _ => match one_of {
            Some(name) if is_enum(&name, sections) => ("in", Some(("enum", name))),
            Some(name) => panic!("{}: {name} is no enumeration", field.name),
            None => ("in", None),
        },
    }
}

/// "One of saltyrtc_reliability": of which enumeration a field of a structure is, if it says so.
pub(crate) fn one_of(doc: &str) -> Option<String> {
    let (_, name) = doc.split_once("One of saltyrtc_")?;
    let end = name.find(|it: char| !it.is_ascii_lowercase() && it != '_');
    Some(format!("saltyrtc_{}", &name[..end.unwrap_or(name.len())]))
}

/// Whether a buffer says that this is how much was put there.
fn is_out_length(name: &str, before: &[Parameter]) -> bool {
    let mut buffers =
        before.iter().filter(|it| it.related.iter().any(|(key, _)| *key == "capacity"));
    buffers.any(|it| it.related.iter().any(|(key, value)| *key == "length" && value == name))
}

fn find<'a>(name: &str, sections: &'a [Section]) -> Option<&'a Declaration> {
    sections.iter().flat_map(|section| &section.items).find(|item| item.name() == name)
}

pub(crate) fn is_enum(name: &str, sections: &[Section]) -> bool {
    matches!(find(name, sections), Some(Declaration::Enum(_)))
}

fn is_structure(name: &str, sections: &[Section]) -> bool {
    matches!(find(name, sections), Some(Declaration::Struct(_)))
}

fn is_handle(name: &str, sections: &[Section]) -> bool {
    matches!(find(name, sections), Some(Declaration::Handle(_)))
}

fn function_type<'a>(name: &'a str, sections: &[Section]) -> Option<&'a str> {
    matches!(find(name, sections), Some(Declaration::Callback(_))).then_some(name)
}

fn is_pointer(ty: &Type, sections: &[Section]) -> bool {
    matches!(ty, Type::Ptr(_)) || function_type(&c_type(ty), sections).is_some()
}

/// "`a` and `b` may be NULL", "`a` (may be NULL) …".
fn said_to_be_null(attributes: &[Attribute]) -> Vec<String> {
    let text = doc(attributes);
    let mut names = Vec::new();
    for (place, _) in text.match_indices("may be NULL") {
        let mut before = text[..place].trim_end_matches(['(', ' ']);
        let first = names.len();
        while let Some((rest, name)) =
            before.strip_suffix('`').and_then(|quoted| quoted.rsplit_once('`'))
        {
            names.push(name.to_owned());
            before = rest.trim_end_matches([',', ' ']);
            before = before.strip_suffix("and").unwrap_or(before).trim_end_matches([',', ' ']);
        }
        let sentence = &text[text[..place].rfind(". ").map_or(0, |end| end + 2)..];
        assert!(names.len() > first, "what may be NULL? {sentence}");
    }
    names
}

/// "`level` is one of saltyrtc_log_level".
pub(crate) fn said_to_be_enums(attributes: &[Attribute]) -> Vec<(String, String)> {
    let text = doc(attributes);
    let mut enums = Vec::new();
    for (place, words) in text.match_indices("` is one of saltyrtc_") {
        let (_, name) = text[..place].rsplit_once('`').expect("names are quoted");
        let value = &text[place + words.len()..];
        let end = value.find(|it: char| !it.is_ascii_lowercase() && it != '_');
        let value = &value[..end.unwrap_or(value.len())];
        enums.push((name.to_owned(), format!("saltyrtc_{value}")));
    }
    enums
}

#[test]
fn what_may_be_null_is_read_from_the_description() {
    let names = |text: &str| said_to_be_null(&[syn::parse_quote!(#[doc = #text])]);
    assert_eq!(names("`a`, `b` and `c` may be NULL. `d` must not."), ["c", "b", "a"]);
    assert_eq!(names("Frees `x`. `a` (may be NULL) and `b`"), ["a"]);
    assert!(names("NULL and 0 for none").is_empty());
}

#[test]
#[should_panic(expected = "what may be NULL? The pointer may be NULL")]
fn what_may_be_null_has_a_name() {
    said_to_be_null(&[syn::parse_quote!(#[doc = "`a` is set. The pointer may be NULL."])]);
}
