//! `include/saltyrtc.h`: what cbindgen makes of the declarations, in sections.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use cbindgen::{Builder, Config};
use quote::ToTokens;

use crate::roles;
use crate::source::{Declaration, Enum, EventField, Section, doc_lines, root, words};

/// How wide prose is.
const COLUMNS: usize = 100;

pub(crate) fn generate(sections: &[Section]) -> String {
    let mut config =
        Config::from_file(root().join("cbindgen.toml")).expect("cbindgen.toml is right");
    let introduction = config.header.take().unwrap_or_default();
    let guard = config.include_guard.take().unwrap_or_default();
    let warning = config.autogen_warning.take().unwrap_or_default();
    let macros = config.after_includes.take().unwrap_or_default() + &version_macros();
    let includes = std::mem::take(&mut config.sys_includes);
    let includes = includes.iter().map(|name| format!("#include <{name}>\n")).collect::<String>();
    let titles =
        sections.iter().map(|section| format!(" * - {}\n", section.title)).collect::<String>();
    let mut introduction = introduction.trim().trim_end_matches("*/").trim_end().to_owned();
    write!(introduction, "\n *\n * Sections of this file:\n{titles} */").expect("texts take all");

    let declarations = blocks(sections, config);
    let mut header = format!(
        "{introduction}\n\n#ifndef {guard}\n#define {guard}\n\n{warning}\n\n{includes}\n{}\n\n\
         #ifdef __cplusplus\nextern \"C\" {{\n#endif\n",
        macros.trim(),
    );
    let mut declarations = declarations.into_iter().peekable();
    for section in sections {
        let line = "=".repeat(COLUMNS - 3);
        write!(header, "\n/* {line}\n * {}\n * {line} */\n", section.title)
            .expect("texts take all");
        for item in &section.items {
            let name = item.name();
            let (_, block) = declarations.next().filter(|(of, _)| *of == name).expect("in order");
            let block = annotate(item, &block, sections);
            write!(header, "\n{block}\n").expect("texts take all");
        }
    }
    assert!(declarations.next().is_none());
    header + &format!("{END}\n#endif /* {guard} */\n")
}

const END: &str = "
#ifdef __cplusplus
} // extern \"C\"
#endif

#if defined(__clang__)
#pragma clang assume_nonnull end
#pragma clang diagnostic pop
#endif
";

/// The macros of the version, which cbindgen cannot know.
fn version_macros() -> String {
    let number = |text: &str| text.parse::<u32>().expect("Cargo versions are numbers");
    let major = number(env!("CARGO_PKG_VERSION_MAJOR"));
    let minor = number(env!("CARGO_PKG_VERSION_MINOR"));
    let patch = number(env!("CARGO_PKG_VERSION_PATCH"));
    format!(
        r#"
/** The version of this header. Compare with saltyrtc_version(), the version of the library. */
#define SALTYRTC_VERSION "{version}"
/** The first part of the version. */
#define SALTYRTC_VERSION_MAJOR {major}
/** The second part of the version. */
#define SALTYRTC_VERSION_MINOR {minor}
/** The third part of the version. */
#define SALTYRTC_VERSION_PATCH {patch}
/** The version as a number: major * 65536 + minor * 256 + patch. See saltyrtc_version_number(). */
#define SALTYRTC_VERSION_NUMBER {number}
/** The version of the binary interface. See saltyrtc_abi_version(). */
#define SALTYRTC_ABI_VERSION {abi}"#,
        version = env!("CARGO_PKG_VERSION"),
        number = major << 16 | minor << 8 | patch,
        abi = abi_version(),
    )
}

pub(crate) fn abi_version() -> u32 {
    let number = |text: &str| text.parse::<u32>().expect("Cargo versions are numbers");
    match number(env!("CARGO_PKG_VERSION_MAJOR")) {
        0 => number(env!("CARGO_PKG_VERSION_MINOR")),
        major => major << 16,
    }
}

/// Each declaration in C with its name, in the order of the sections.
fn blocks(sections: &[Section], config: Config) -> Vec<(String, String)> {
    let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join("header.rs");
    let items = sections.iter().flat_map(|section| &section.items);
    let rust = items.map(rust).collect::<Vec<_>>().join("\n");
    fs::write(&source, rust).expect("the directory of the build can be written to");
    let mut output = Vec::new();
    let bindings = Builder::new().with_config(config).with_src(&source).generate();
    bindings.expect("src/ffi can be expressed in C").write(&mut output);
    let output = String::from_utf8(output).expect("a header is text");

    let mut blocks: Vec<_> = output
        .split("\n\n")
        .map(|block| block.trim_matches('\n'))
        .filter(|block| !block.is_empty() && !block.starts_with("#ifdef __cplusplus\n"))
        .map(|block| (declared_name(block), block.to_owned()))
        .collect();
    let order: Vec<_> =
        sections.iter().flat_map(|section| &section.items).map(Declaration::name).collect();
    blocks.sort_by_key(|(name, _)| {
        let place = order.iter().position(|known| known == name);
        place.unwrap_or_else(|| panic!("cbindgen wrote {name}, which src/ffi does not declare"))
    });
    for name in &order {
        assert!(blocks.iter().any(|(block, _)| block == name), "cbindgen has left out {name}");
    }
    blocks
}

/// The name of what a block of the header declares.
fn declared_name(block: &str) -> String {
    let code = block.split_once("*/").map_or(block, |(_, code)| code);
    let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let name_in = |text: &str| text.split(|it| !is_name(it)).next().unwrap_or_default().to_owned();
    let code = code.trim_start();
    for before in ["#define ", "enum ", "typedef struct ", "typedef void (*"] {
        if let Some(rest) = code.strip_prefix(before) {
            return name_in(rest);
        }
    }
    // A function: what stands before its arguments.
    let (before, _) = code.split_once('(').unwrap_or_else(|| panic!("what is this? {block}"));
    before.rsplit(|it| !is_name(it)).next().unwrap_or_default().to_owned()
}

/// Adds to a block what cbindgen does not know: which pointers may be NULL, and what enumerations are.
fn annotate(item: &Declaration, block: &str, sections: &[Section]) -> String {
    let (comment, code) = match block.split_once("*/") {
        Some((comment, code)) => (format!("{comment}*/"), code),
        None => (String::new(), block),
    };
    let code = match item {
        Declaration::Function(item) => {
            let parameters = roles::parameters(item, sections);
            let pointers = parameters.iter().filter(|it| {
                it.c_type.ends_with('*') || it.role == "callback" || it.role == "user_data_free"
            });
            pointers.fold(code.to_owned(), |code, it| nullable(&code, &it.name, it.nullable))
        }
        Declaration::Callback(_) => nullable(code, "user_data", true),
        // Fields that an event of some other kind has are NULL, and so is what a program leaves out.
        Declaration::Struct(item) => {
            let names = item.fields.iter().filter(|field| matches!(field.ty, syn::Type::Ptr(_)));
            let names = names.filter_map(|field| field.ident.as_ref());
            names.fold(code.to_owned(), |code, name| nullable(&code, &name.to_string(), true))
        }
        Declaration::Enum(item) => {
            let (_, values) = code.split_once("{\n").expect("an enumeration has values");
            let (values, _) = values.rsplit_once("};").expect("it ends");
            let name = &item.name;
            format!("\nSALTYRTC_ENUM({name}) {{\n{values}}};\nSALTYRTC_ENUM_TYPE({name});")
        }
        // Swift reads literals and no names.
        Declaration::Const(_) => code.replace("UINT64_MAX", &format!("{}ULL", u64::MAX)),
        Declaration::Handle(_) => code.to_owned(),
    };
    comment + &code
}

/// Says of the pointer with this name whether it may be NULL. A pointer that it points to may be.
fn nullable(code: &str, name: &str, nullable: bool) -> String {
    let is_end = |after: &str| after.starts_with([',', ')', ';']);
    let mut annotated = String::new();
    for line in code.split_inclusive('\n') {
        let place = line.match_indices(name).map(|(place, _)| place).find(|&place| {
            let in_comment = line.trim_start().starts_with(['*', '/']);
            !in_comment
                && line[..place].ends_with(['*', ' '])
                && is_end(&line[place + name.len()..])
        });
        let Some(place) = place else {
            annotated += line;
            continue;
        };
        let (before, after) = line.split_at(place);
        let to_pointer = before.strip_suffix("**");
        annotated += &match to_pointer {
            Some(before) => format!("{before}*SALTYRTC_NULLABLE *"),
            None => before.to_owned(),
        };
        annotated += match (nullable, to_pointer) {
            (true, _) => "SALTYRTC_NULLABLE ",
            (false, Some(_)) => "SALTYRTC_NONNULL ",
            (false, None) => "",
        };
        annotated += after;
    }
    annotated
}

/// A declaration in Rust, for cbindgen.
fn rust(item: &Declaration) -> String {
    match item {
        Declaration::Const(item) => item.to_token_stream().to_string(),
        Declaration::Struct(item) | Declaration::Handle(item) => item.to_token_stream().to_string(),
        Declaration::Callback(item) => item.to_token_stream().to_string(),
        Declaration::Function(item) => {
            let syn::ItemFn { attrs, vis, sig, .. } = item;
            // It is in every build, and says so where it does nothing.
            let attrs = attrs.iter().filter(|attribute| !attribute.path().is_ident("cfg"));
            quote::quote!(#(#attrs)* #vis #sig { loop {} }).to_string()
        }
        Declaration::Enum(item) => rust_enum(item),
    }
}

fn rust_enum(item: &Enum) -> String {
    let mut text = String::new();
    for line in doc_lines(&item.attributes) {
        writeln!(text, "{}", format!("/// {line}").trim_end()).expect("texts take all");
    }
    writeln!(text, "#[repr(i32)]\npub enum {} {{", item.name).expect("texts take all");
    for value in &item.values {
        let mut lines = doc_lines(&value.attributes);
        lines.extend(value.fields.as_deref().and_then(fields_in_prose).unwrap_or_default());
        if let Some(retry) = &value.retry {
            lines.extend([String::new(), format!("Try again: {}.", words(retry))]);
        }
        for line in lines {
            writeln!(text, "{}", format!("    /// {line}").trim_end()).expect("texts take all");
        }
        writeln!(text, "    {} = {},", value.name, value.number).expect("texts take all");
    }
    text + "}"
}

/// "Fields: address (the peer's), task", in lines.
fn fields_in_prose(fields: &[EventField]) -> Option<Vec<String>> {
    let field = |field: &EventField| match &field.remark {
        Some(remark) => format!("{} ({remark})", field.name),
        None => field.name.clone(),
    };
    let list = fields.iter().map(field).collect::<Vec<_>>().join(", ");
    if list.is_empty() {
        return None;
    }
    let mut lines = vec![String::new(), String::new()];
    for word in format!("Fields: {list}.").split(' ') {
        let line = lines.last_mut().expect("there is one");
        if line.len() + 1 + word.len() > COLUMNS - 8 {
            lines.push(word.to_owned());
        } else {
            *line += if line.is_empty() { "" } else { " " };
            *line += word;
        }
    }
    Some(lines)
}
