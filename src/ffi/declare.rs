//! Enumerations and structures of the header, declared together with what the library has to know
//! about them: all values of an enumeration with their numbers and texts, and where the fields of a
//! structure are.
//!
//! `tests/header` reads what is inside `c_enum!` and `c_struct!`, and generates the header and the
//! description for machines from it.

use std::ffi::CStr;

/// An enumeration of the header.
pub(super) trait CEnum: Copy + 'static {
    /// What the header calls it.
    const NAME: &'static str;
    const ALL: &'static [Self];

    fn number(self) -> i32;

    /// Its name in a few words: that of `BadArgument` is "bad argument".
    fn text(self) -> &'static CStr;

    /// Numbers come in as `i32`, because a number that Rust does not know must never be an enum.
    fn from_number(number: i32) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.number() == number)
    }
}

/// A structure whose first field is its size in bytes, so that it can grow.
///
/// # Safety
///
/// It is `repr(C)`, the first field is `struct_size: usize`, and all bytes 0 are a valid value.
pub(super) unsafe trait CStruct: Copy + 'static {
    /// In the order of their offsets.
    const FIELDS: &'static [Field];
}

/// A structure in which all bytes are 0.
pub(super) fn zeroed<T: CStruct>() -> T {
    // SAFETY: that this is a valid value is what the trait is about.
    unsafe { std::mem::zeroed() }
}

/// Where a field of a structure is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) offset: usize,
    pub(super) size: usize,
}

macro_rules! c_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $($(#[$variant_meta:meta])* $variant:ident = $number:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[repr(i32)]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$variant_meta])* $variant = $number,)+
        }

        impl crate::ffi::declare::CEnum for $name {
            const NAME: &'static str = stringify!($name);
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            fn number(self) -> i32 {
                self as i32
            }

            fn text(self) -> &'static std::ffi::CStr {
                use crate::ffi::declare::{c_str, words, words_len};
                match self {
                    $(Self::$variant => {
                        const NAME: &str = stringify!($variant);
                        const TEXT: &[u8] = &words::<{ words_len(NAME) }>(NAME);
                        const { c_str(TEXT) }
                    })+
                }
            }
        }
    };
}

macro_rules! c_struct {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)+
        }
    ) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Debug, Clone, Copy)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)+
        }

        // SAFETY: numbers, pointers, and enumerations that have a 0 (a test sees to it).
        unsafe impl crate::ffi::declare::CStruct for $name {
            const FIELDS: &'static [crate::ffi::declare::Field] = &[
                $(crate::ffi::declare::Field {
                    name: stringify!($field),
                    offset: std::mem::offset_of!($name, $field),
                    size: size_of::<$type>(),
                },)+
            ];
        }
    };
}

pub(super) use {c_enum, c_struct};

/// How long the words of a name are, with the NUL at the end.
pub(super) const fn words_len(name: &str) -> usize {
    let name = name.as_bytes();
    let (mut len, mut i) = (1, 0);
    while i < name.len() {
        len += if i > 0 && name[i].is_ascii_uppercase() { 2 } else { 1 };
        i += 1;
    }
    len
}

/// The words of a name like `BadArgument`: "bad argument" and a NUL.
pub(super) const fn words<const LEN: usize>(name: &str) -> [u8; LEN] {
    let name = name.as_bytes();
    let mut words = [0; LEN];
    let (mut at, mut i) = (0, 0);
    while i < name.len() {
        if i > 0 && name[i].is_ascii_uppercase() {
            words[at] = b' ';
            at += 1;
        }
        words[at] = name[i].to_ascii_lowercase();
        at += 1;
        i += 1;
    }
    words
}

/// A text with a NUL at the end; `LEN` is one more than its length.
pub(super) const fn nul_terminated<const LEN: usize>(text: &str) -> [u8; LEN] {
    let text = text.as_bytes();
    let mut terminated = [0; LEN];
    let mut i = 0;
    while i < text.len() {
        terminated[i] = text[i];
        i += 1;
    }
    terminated
}

pub(super) const fn c_str(text: &[u8]) -> &CStr {
    match CStr::from_bytes_with_nul(text) {
        Ok(text) => text,
        Err(_) => panic!("a text for C ends with its only NUL"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    c_enum! {
        /// For the tests.
        pub enum sample {
            /// Nothing.
            None = 0,
            /// Two words.
            TwoWords = -2,
            /// Three words.
            OfThreeWords = 3,
        }
    }

    #[test]
    fn texts_are_the_words_of_the_names() {
        let texts = sample::ALL.iter().map(|value| value.text().to_str().unwrap());
        assert_eq!(texts.collect::<Vec<_>>(), ["none", "two words", "of three words"]);
    }

    #[test]
    fn only_numbers_that_there_are_become_values() {
        assert_eq!(sample::from_number(-2), Some(sample::TwoWords));
        assert_eq!(sample::from_number(1), None);
    }
}
