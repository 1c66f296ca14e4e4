//! The C ABI: what `include/saltyrtc.h` declares. The only place with `unsafe`.
//!
//! The header is generated from these files; what their doc comments say is what C programmers read,
//! so it must make sense without the Rust source. The conventions that hold for all functions are at
//! the top of the header (`cbindgen.toml`).
//!
//! Each exported function is an `entry`: outputs are reset, arguments are checked and named in the
//! error if they are wrong, panics are caught.

#![allow(unsafe_code)]
// The names are those of C.
#![allow(non_camel_case_types)]
// What a caller has to keep to is in the header. The functions are unsafe as a whole: each line of
// them relies on pointers that the caller vouches for.
#![allow(clippy::missing_safety_doc, unsafe_op_in_unsafe_fn)]
// Exported to C, not to Rust.
#![allow(unreachable_pub)]

mod version;

mod status;

mod error;

mod keys;

mod invitation;

mod event;

mod queue;

mod client;

mod webrtc;

mod ortc;

mod chunking;

#[cfg(feature = "server")]
mod server;

mod log;

mod network;

mod shutdown;

// Empty if everything is built.
#[allow(unused)]
#[rustfmt::skip]
mod not_built;

#[cfg(test)]
mod tests;

mod args;
mod declare;
mod fork;
mod growing;
mod user_data;
