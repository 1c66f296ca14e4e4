//! `include/saltyrtc.json`: what the header says, for programs that write declarations in other languages.
//!
//! Names of objects and lists are what may grow; what is there keeps its meaning as long as `format` is
//! the same.

use serde_json::{Map, Value, json};
use syn::{Expr, GenericArgument, Lit, PathArguments, ReturnType, Type};

use crate::roles::{self, Parameter};
use crate::source::{Declaration, Enum, Section, doc, event_kinds, features, is_unix_only, words};

/// Raised when something that was in the description before means something else, or is gone.
const FORMAT: u32 = 1;

/// Offsets and sizes are for systems with pointers and `size_t` of so many bytes.
pub(crate) const POINTER_BYTES: usize = 8;

pub(crate) fn generate(sections: &[Section]) -> String {
    let mut description = Map::new();
    description.insert("format".into(), FORMAT.into());
    description.insert(
        "about".into(),
        "Generated from the sources of libsaltyrtc by tests/header, together with saltyrtc.h."
            .into(),
    );
    description.insert("version".into(), env!("CARGO_PKG_VERSION").into());
    description.insert("abi_version".into(), crate::c_header::abi_version().into());
    description.insert("pointer_bytes".into(), POINTER_BYTES.into());
    let list = |describe: &dyn Fn(&Declaration) -> Option<Value>| -> Value {
        sections.iter().flat_map(|section| &section.items).filter_map(describe).collect()
    };
    description.insert("constants".into(), list(&constant));
    description.insert("enums".into(), list(&|item| enumeration(item, sections)));
    description.insert("structs".into(), list(&|item| structure(item, sections)));
    description.insert("handles".into(), list(&|item| handle(item, sections)));
    description.insert("event_kinds".into(), events(event_kinds(sections)));
    description.insert("record".into(), crate::record::describe(sections));
    description.insert("callbacks".into(), list(&callback));
    description.insert("roles".into(), roles::explained());
    let feature = |(name, text)| json!({ "name": name, "doc": text });
    description.insert("features".into(), features(sections).into_iter().map(feature).collect());
    let functions = sections.iter().flat_map(|section| {
        section.items.iter().filter_map(|item| function(item, section, sections))
    });
    description.insert("functions".into(), functions.collect());
    let text = serde_json::to_string_pretty(&Value::Object(description)).expect("it is data");
    text + "\n"
}

fn constant(item: &Declaration) -> Option<Value> {
    let Declaration::Const(item) = item else { return None };
    let value: Value = match &*item.expr {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => number.base10_parse::<u64>().expect("it fits").into(),
            other => panic!("{}: a constant of another kind: {other:?}", item.ident),
        },
        Expr::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "MAX") => {
            u64::MAX.into()
        }
        other => panic!("{}: a constant of another kind: {other:?}", item.ident),
    };
    Some(json!({
        "name": item.ident.to_string(),
        "type": c_type(&item.ty),
        "value": value,
        "doc": doc(&item.attrs),
    }))
}

fn enumeration(item: &Declaration, sections: &[Section]) -> Option<Value> {
    let Declaration::Enum(item) = item else { return None };
    let values: Vec<Value> = (item.values.iter())
        .map(|value| {
            let mut described = json!({
                "name": item.c_name(value),
                "value": value.number,
                "text": words(&value.name),
                "doc": doc(&value.attributes),
            });
            if let Some(retry) = &value.retry {
                described["retry"] = words(retry).into();
            }
            described
        })
        .collect();
    let names = format!("{}_name", item.name);
    let mut described = json!({
        "name": item.name,
        "type": "int32_t",
        "values": values,
        "doc": doc(&item.attributes),
    });
    // The function that gives the texts, if there is one.
    if functions(sections).any(|function| function == names) {
        described["text_function"] = names.into();
    }
    Some(described)
}

fn handle(item: &Declaration, sections: &[Section]) -> Option<Value> {
    let Declaration::Handle(item) = item else { return None };
    let free = format!("{}_free", item.ident);
    let frees = functions(sections).any(|function| function == free);
    assert!(frees, "{} cannot be freed", item.ident);
    Some(json!({ "name": item.ident.to_string(), "free": free, "doc": doc(&item.attrs) }))
}

fn functions(sections: &[Section]) -> impl Iterator<Item = String> {
    let items = sections.iter().flat_map(|section| &section.items);
    items.filter(|item| matches!(item, Declaration::Function(_))).map(Declaration::name)
}

fn function(item: &Declaration, section: &Section, sections: &[Section]) -> Option<Value> {
    let Declaration::Function(item) = item else { return None };
    let parameters = roles::parameters(item, sections);
    Some(json!({
        "name": item.sig.ident.to_string(),
        "section": section.title,
        "feature": section.feature(&item.sig.ident.to_string()),
        "returns": returned(&item.sig.output),
        "parameters": parameters.iter().map(Parameter::described).collect::<Value>(),
        "unix_only": is_unix_only(item),
        "doc": doc(&item.attrs),
    }))
}

fn returned(output: &ReturnType) -> String {
    match output {
        ReturnType::Default => "void".to_owned(),
        ReturnType::Type(_, ty) => c_type(ty),
    }
}

/// `Option<unsafe extern "C" fn(…)>`: callbacks may be NULL.
fn callback(item: &Declaration) -> Option<Value> {
    let Declaration::Callback(item) = item else { return None };
    let function = match &*item.ty {
        Type::Path(path) => match &path.path.segments.last()?.arguments {
            PathArguments::AngleBracketed(arguments) => match arguments.args.first()? {
                GenericArgument::Type(Type::BareFn(function)) => function,
                other => panic!("{}: not a function: {other:?}", item.ident),
            },
            other => panic!("{}: not an Option: {other:?}", item.ident),
        },
        other => panic!("{}: not an Option: {other:?}", item.ident),
    };
    let enums = roles::said_to_be_enums(&item.attrs);
    let parameters: Vec<Value> = (function.inputs.iter())
        .map(|input| {
            let (name, _) = input.name.as_ref().expect("parameters of callbacks have names");
            let name = name.to_string();
            let mut described = json!({ "name": name, "type": c_type(&input.ty) });
            if let Some((_, value)) = enums.iter().find(|(parameter, _)| *parameter == name) {
                described["enum"] = value.clone().into();
            }
            described
        })
        .collect();
    Some(json!({
        "name": item.ident.to_string(),
        "returns": returned(&function.output),
        "parameters": parameters,
        "doc": doc(&item.attrs),
    }))
}

/// A field of a structure.
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) c_type: String,
    pub(crate) offset: usize,
    pub(crate) size: usize,
    pub(crate) doc: String,
}

/// A structure as C lays it out.
pub(crate) struct Layout {
    pub(crate) name: String,
    pub(crate) size: usize,
    pub(crate) fields: Vec<Field>,
}

/// None if the item is not a structure.
pub(crate) fn layout(item: &Declaration, sections: &[Section]) -> Option<Layout> {
    let Declaration::Struct(item) = item else { return None };
    let (mut end, mut align, mut fields) = (0_usize, 1, Vec::new());
    for field in &item.fields {
        let (size, field_align) = size_and_align(&field.ty, sections);
        let offset = end.next_multiple_of(field_align);
        (end, align) = (offset + size, align.max(field_align));
        fields.push(Field {
            name: field.ident.as_ref().expect("fields have names").to_string(),
            c_type: c_type(&field.ty),
            offset,
            size,
            doc: doc(&field.attrs),
        });
    }
    Some(Layout { name: item.ident.to_string(), size: end.next_multiple_of(align), fields })
}

fn structure(item: &Declaration, sections: &[Section]) -> Option<Value> {
    let layout = layout(item, sections)?;
    let Declaration::Struct(item) = item else { return None };
    let fields: Vec<Value> = (layout.fields.iter())
        .map(|field| {
            let (role, related) = roles::field(field, &layout.fields, sections);
            let mut described = json!({
                "name": field.name,
                "type": field.c_type,
                "role": role,
                "offset": field.offset,
                "size": field.size,
                "doc": field.doc,
            });
            if let Some((key, value)) = related {
                described[key] = value.into();
            }
            described
        })
        .collect();
    Some(json!({
        "name": layout.name,
        "size": layout.size,
        "grows": layout.fields.first().is_some_and(|field| field.name == "struct_size"),
        "fields": fields,
        "doc": doc(&item.attrs),
    }))
}

fn events(kinds: &Enum) -> Value {
    let kinds = kinds.values.iter().map(|kind| {
        let fields = kind.fields.iter().flatten();
        let fields: Vec<Value> = fields
            .map(|field| {
                let mut described = json!({ "name": field.name, "always": field.always });
                if let Some(remark) = &field.remark {
                    described["remark"] = remark.clone().into();
                }
                described
            })
            .collect();
        json!({
            "name": kinds.c_name(kind),
            "value": kind.number,
            "text": words(&kind.name),
            "fields": fields,
            "doc": doc(&kind.attributes),
        })
    });
    kinds.collect()
}

/// A type as C calls it.
pub(crate) fn c_type(ty: &Type) -> String {
    match ty {
        Type::Ptr(pointer) => {
            let constant = if pointer.const_token.is_some() { "const " } else { "" };
            format!("{constant}{} *", c_type(&pointer.elem)).replace("* *", "**")
        }
        Type::Array(array) => format!("{}[{}]", c_type(&array.elem), array_len(array)),
        Type::Path(path) => {
            let last = path.path.segments.last().expect("paths are not empty");
            if let PathArguments::AngleBracketed(arguments) = &last.arguments
                && let Some(GenericArgument::Type(_)) = arguments.args.first()
            {
                panic!("{} has no name in C", last.ident);
            }
            match &*last.ident.to_string() {
                "u8" => "uint8_t",
                "u16" => "uint16_t",
                "u32" => "uint32_t",
                "u64" => "uint64_t",
                "i32" => "int32_t",
                "i64" => "int64_t",
                "usize" => "size_t",
                "bool" => "bool",
                "c_char" => "char",
                "c_int" => "int",
                "c_void" => "void",
                ours => return ours.to_owned(),
            }
            .to_owned()
        }
        other => panic!("this type is not for C: {other:?}"),
    }
}

fn array_len(array: &syn::TypeArray) -> usize {
    match &array.len {
        Expr::Lit(syn::ExprLit { lit: Lit::Int(len), .. }) => len.base10_parse().expect("it fits"),
        other => panic!("the length of an array has to be a number: {other:?}"),
    }
}

fn size_and_align(ty: &Type, sections: &[Section]) -> (usize, usize) {
    if let Type::Array(array) = ty {
        let (size, align) = size_and_align(&array.elem, sections);
        return (size * array_len(array), align);
    }
    let size = match &*c_type(ty) {
        "bool" | "char" | "uint8_t" => 1,
        "uint16_t" => 2,
        "uint32_t" | "int32_t" => 4,
        "uint64_t" | "int64_t" => 8,
        "size_t" => POINTER_BYTES,
        pointer if pointer.ends_with('*') => POINTER_BYTES,
        name => {
            let mut items = sections.iter().flat_map(|section| &section.items);
            let found = items.find(|item| item.name() == name);
            assert!(matches!(found, Some(Declaration::Enum(_))), "what is the size of {name}?");
            4
        }
    };
    (size, size)
}
