//! What `src/ffi` declares for C, read from its source.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Ident, Item, LitStr, Token, braced};

/// The sections of the header in the order in which to read them, with the files that declare what is
/// in them. Types have to come before what needs to know their size.
const SECTIONS: &[(&str, &[&str])] = &[
    ("Results and errors", &["status.rs", "error.rs"]),
    ("Versions", &["version.rs"]),
    ("Keys", &["keys.rs"]),
    ("Invitations", &["invitation.rs"]),
    ("Settings of a client", &["client/config.rs"]),
    ("Events", &["event/kind.rs", "event/values.rs", "event/ortc.rs", "event/mod.rs"]),
    ("Event queues", &["queue/record.rs", "queue/array.rs", "queue/mod.rs"]),
    ("Clients", &["user_data.rs", "client/mod.rs"]),
    ("The session of a client", &["client/session.rs"]),
    ("Sending", &["client/send.rs"]),
    ("Built-in WebRTC: settings", &["webrtc/config.rs"]),
    ("Built-in WebRTC: channels", &["webrtc/channel.rs"]),
    ("Built-in WebRTC: statistics", &["webrtc/stats.rs"]),
    ("WebRTC of the application: offers, answers, candidates", &["webrtc/signalling.rs"]),
    ("WebRTC of the application: handover", &["webrtc/handover.rs"]),
    ("WebRTC of the application: secure data channels", &["webrtc/secure_channel.rs"]),
    ("ORTC of the application", &["ortc/mod.rs", "ortc/send.rs"]),
    ("Chunking", &["chunking.rs"]),
    ("Embedded server", &["server/mod.rs", "server/limits.rs"]),
    ("Log messages", &["log.rs"]),
    ("Network", &["network.rs"]),
    ("Shutdown", &["shutdown.rs"]),
];

pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) items: Vec<Declaration>,
    /// The features that declarations of this section need, by name.
    features: BTreeMap<String, String>,
}

impl Section {
    /// The feature of the library that something needs; None if it is in every build.
    pub(crate) fn feature(&self, name: &str) -> Option<&str> {
        self.features.get(name).map(String::as_str)
    }
}

pub(crate) enum Declaration {
    Const(syn::ItemConst),
    Enum(Enum),
    /// What C sees the fields of.
    Struct(syn::ItemStruct),
    /// What C has pointers to, no more.
    Handle(syn::ItemStruct),
    Callback(syn::ItemType),
    Function(syn::ItemFn),
}

pub(crate) struct Enum {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) name: String,
    pub(crate) values: Vec<Value>,
}

pub(crate) struct Value {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) name: String,
    pub(crate) number: i32,
    /// Of an event kind: the fields of its events.
    pub(crate) fields: Option<Vec<EventField>>,
    /// Of a status that a client can end with: whether to try again.
    pub(crate) retry: Option<String>,
}

pub(crate) struct EventField {
    pub(crate) name: String,
    /// Whether it is never 0, false or NULL in events of this kind.
    pub(crate) always: bool,
    pub(crate) remark: Option<String>,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Everything that is for C.
pub(crate) fn read() -> Vec<Section> {
    let directory = root().join("src/ffi");
    let listed: BTreeSet<PathBuf> =
        SECTIONS.iter().flat_map(|(_, files)| *files).map(|file| directory.join(file)).collect();
    // What is generated from all this declares nothing new.
    let generated = directory.join("not_built.rs");
    for file in rust_files(&directory).into_iter().filter(|file| *file != generated) {
        let declares = !listed.contains(&file) && !declarations(&file).is_empty();
        assert!(!declares, "{} declares something for C, and is in no section", file.display());
    }
    let section = |(title, files): &(&'static str, &[&str])| {
        let (mut items, mut features) = (Vec::new(), BTreeMap::new());
        for file in *files {
            let of_file = declarations(&directory.join(file));
            if let Some(feature) = feature(&directory, file) {
                features.extend(of_file.iter().map(|item| (item.name(), feature.clone())));
            }
            items.extend(of_file);
        }
        Section { title, items, features }
    };
    SECTIONS.iter().map(section).collect()
}

/// The feature without which a file is left out: that of the `mod` that leads to it.
fn feature(directory: &Path, file: &str) -> Option<String> {
    let mut parent = directory.to_owned();
    for part in file.split('/') {
        let module = part.trim_end_matches(".rs");
        for item in parse(&parent.join("mod.rs")).items {
            let Item::Mod(item) = item else { continue };
            let condition = item.attrs.iter().find(|attribute| attribute.path().is_ident("cfg"));
            if item.ident == module
                && let Some(condition) = condition
                && let Ok(condition) = condition.parse_args::<syn::MetaNameValue>()
                && condition.path.is_ident("feature")
                && let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(name), .. }) =
                    condition.value
            {
                return Some(name.value());
            }
        }
        parent.push(module);
    }
    None
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("src/ffi is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn declarations(file: &Path) -> Vec<Declaration> {
    parse(file).items.into_iter().filter_map(declaration).collect()
}

fn parse(file: &Path) -> syn::File {
    let text =
        fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn declaration(item: Item) -> Option<Declaration> {
    let is_ours = |name: &Ident| name.to_string().to_ascii_lowercase().starts_with("saltyrtc_");
    match item {
        Item::Const(item) if is_ours(&item.ident) => Some(Declaration::Const(item)),
        Item::Type(item) if is_ours(&item.ident) => Some(Declaration::Callback(item)),
        Item::Fn(item) if is_ours(&item.sig.ident) => Some(Declaration::Function(item)),
        Item::Struct(item) if is_ours(&item.ident) => {
            let is_repr_c = item.attrs.iter().any(|attribute| attribute.path().is_ident("repr"));
            let kind = if is_repr_c { Declaration::Struct } else { Declaration::Handle };
            Some(kind(item))
        }
        Item::Macro(item) => {
            let name = item.mac.path.segments.last()?.ident.to_string();
            Some(match &*name {
                "c_struct" => {
                    let mut item: syn::ItemStruct = parse_body(&item.mac);
                    // As the macro does.
                    item.attrs.push(syn::parse_quote!(#[repr(C)]));
                    Declaration::Struct(item)
                }
                "c_enum" | "event_kinds" | "statuses" => Declaration::Enum(parse_body(&item.mac)),
                _ => return None,
            })
        }
        Item::Enum(item) if is_ours(&item.ident) => {
            panic!("{} has to be declared with c_enum!", item.ident)
        }
        _ => None,
    }
}

fn parse_body<T: Parse>(mac: &syn::Macro) -> T {
    mac.parse_body().unwrap_or_else(|error| panic!("{error}: {}", mac.tokens))
}

impl Parse for Enum {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        input.parse::<Token![pub]>()?;
        input.parse::<Token![enum]>()?;
        let name = input.parse::<Ident>()?.to_string();
        let body;
        braced!(body in input);
        let values: Punctuated<Value, Token![,]> = Punctuated::parse_terminated(&body)?;
        Ok(Self { attributes, name, values: values.into_iter().collect() })
    }
}

impl Parse for Value {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let name = input.parse::<Ident>()?.to_string();
        input.parse::<Token![=]>()?;
        let sign = if input.parse::<Option<Token![-]>>()?.is_some() { -1 } else { 1 };
        let number = sign * input.parse::<syn::LitInt>()?.base10_parse::<i32>()?;
        let fields = if input.peek(syn::token::Brace) {
            let body;
            braced!(body in input);
            let fields: Punctuated<EventField, Token![,]> = Punctuated::parse_terminated(&body)?;
            Some(fields.into_iter().collect())
        } else {
            None
        };
        let retry = if input.parse::<Option<Token![=>]>>()?.is_some() {
            Some(input.parse::<Ident>()?.to_string())
        } else {
            None
        };
        Ok(Self { attributes, name, number, fields, retry })
    }
}

impl Parse for EventField {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let presence = input.parse::<Ident>()?;
        let name = input.parse::<Ident>()?.to_string();
        let remark = input.parse::<Option<LitStr>>()?.map(|remark| remark.value());
        Ok(Self { name, always: presence == "always", remark })
    }
}

impl Declaration {
    /// What C calls it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Const(item) => item.ident.to_string(),
            Self::Enum(item) => item.name.clone(),
            Self::Struct(item) | Self::Handle(item) => item.ident.to_string(),
            Self::Callback(item) => item.ident.to_string(),
            Self::Function(item) => item.sig.ident.to_string(),
        }
    }
}

impl Enum {
    /// What C calls a value: that of Rust's `saltyrtc_status::BadArgument` is
    /// `SALTYRTC_STATUS_BAD_ARGUMENT`.
    pub(crate) fn c_name(&self, value: &Value) -> String {
        format!("{}_{}", self.name, words(&value.name).replace(' ', "_")).to_ascii_uppercase()
    }
}

/// `BadArgument` as "bad argument": the text that the library has for a value.
pub(crate) fn words(name: &str) -> String {
    let mut words = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(character.to_ascii_lowercase());
    }
    words
}

/// The documentation, line by line as it is in the source.
pub(crate) fn doc_lines(attributes: &[Attribute]) -> Vec<String> {
    let text = |attribute: &Attribute| match &attribute.meta {
        syn::Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    };
    let lines = attributes.iter().filter_map(text);
    lines.map(|line| line.strip_prefix(' ').unwrap_or(&line).to_owned()).collect()
}

/// The documentation with a line for each paragraph.
pub(crate) fn doc(attributes: &[Attribute]) -> String {
    let text = doc_lines(attributes).join("\n");
    let paragraphs = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
    paragraphs.collect::<Vec<_>>().join("\n")
}

/// Whether a function does nothing on other systems than Unix.
pub(crate) fn is_unix_only(item: &syn::ItemFn) -> bool {
    item.attrs.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<Ident>().is_ok_and(|condition| condition == "unix")
    })
}

/// The parts of the library that can be left out, by name, and what they are: as the description of
/// `saltyrtc_has_feature` lists them.
pub(crate) fn features(sections: &[Section]) -> Vec<(String, String)> {
    let items = sections.iter().flat_map(|section| &section.items);
    let function = items.into_iter().find_map(|item| match item {
        Declaration::Function(item) if item.sig.ident == "saltyrtc_has_feature" => Some(item),
        _ => None,
    });
    let lines = doc_lines(&function.expect("saltyrtc_has_feature is there").attrs);
    let entry = |line: &String| {
        let (name, text) = line.strip_prefix("- \"")?.split_once("\": ")?;
        Some((name.to_owned(), text.trim_end_matches('.').to_owned()))
    };
    lines.iter().filter_map(entry).collect()
}

/// All event kinds with their fields.
pub(crate) fn event_kinds(sections: &[Section]) -> &Enum {
    let items = sections.iter().flat_map(|section| &section.items);
    let mut kinds = items.filter_map(|item| match item {
        Declaration::Enum(item) if item.values.iter().any(|value| value.fields.is_some()) => {
            Some(item)
        }
        _ => None,
    });
    kinds.next().expect("there is a table of event kinds")
}
