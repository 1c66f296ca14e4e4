//! Arguments: checked, and converted from what C can express to what Rust can rely on. `name` is always
//! what the header calls the argument.

use std::ffi::{CStr, c_char};
use std::time::Duration;

use super::declare::CEnum;
use super::error::{CallError, Outcome};
use super::status::saltyrtc_status;
use crate::crypto::{KEY_BYTES, PublicKey};
use crate::protocol::message::Payload;

/// A handle.
pub(super) unsafe fn handle<'a, T>(pointer: *const T, name: &str) -> Outcome<&'a T> {
    pointer.as_ref().ok_or_else(|| CallError::null(name))
}

/// A handle that is about to be changed.
pub(super) unsafe fn handle_mut<'a, T>(pointer: *mut T, name: &str) -> Outcome<&'a mut T> {
    pointer.as_mut().ok_or_else(|| CallError::null(name))
}

/// Bytes; NULL is fine if there are none.
pub(super) unsafe fn bytes<'a>(data: *const u8, len: usize, name: &str) -> Outcome<&'a [u8]> {
    slice(data, len, name)
}

/// An array; NULL is fine if it has no elements.
pub(super) unsafe fn slice<'a, T>(data: *const T, len: usize, name: &str) -> Outcome<&'a [T]> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(CallError::new(
            saltyrtc_status::NullArgument,
            format!("{name} must not be NULL if its length is not 0"),
        ));
    }
    if len > isize::MAX as usize / size_of::<T>() {
        return Err(CallError::argument(
            name,
            format!("a length of {len} is more than there can be"),
        ));
    }
    if !data.is_aligned() {
        return Err(CallError::argument(name, "not aligned as its type has to be"));
    }
    Ok(std::slice::from_raw_parts(data, len))
}

/// A NUL-terminated text in UTF-8.
pub(super) unsafe fn text<'a>(text: *const c_char, name: &str) -> Outcome<&'a str> {
    if text.is_null() {
        return Err(CallError::null(name));
    }
    CStr::from_ptr(text).to_str().map_err(|_| CallError::argument(name, "the text is not UTF-8"))
}

/// A NUL-terminated text in UTF-8, or NULL for none.
pub(super) unsafe fn optional_text<'a>(
    text: *const c_char,
    name: &str,
) -> Outcome<Option<&'a str>> {
    if text.is_null() { Ok(None) } else { self::text(text, name).map(Some) }
}

/// A text in UTF-8 with a length; NULL is fine if it is empty.
pub(super) unsafe fn text_bytes<'a>(
    text: *const c_char,
    len: usize,
    name: &str,
) -> Outcome<&'a str> {
    std::str::from_utf8(bytes(text.cast(), len, name)?)
        .map_err(|_| CallError::argument(name, "the text is not UTF-8"))
}

/// A text in UTF-8 with a length, or NULL for none.
pub(super) unsafe fn optional_text_bytes<'a>(
    text: *const c_char,
    len: usize,
    name: &str,
) -> Outcome<Option<&'a str>> {
    if text.is_null() && len == 0 { Ok(None) } else { text_bytes(text, len, name).map(Some) }
}

/// A text of a structure, in UTF-8: it has a length, or else ends with a NUL. NULL for none.
pub(super) unsafe fn text_field<'a>(
    text: *const c_char,
    len: usize,
    name: &str,
) -> Outcome<Option<&'a str>> {
    match len {
        0 => optional_text(text, name),
        len => text_bytes(text, len, name).map(Some),
    }
}

/// A value of an enumeration.
pub(super) fn enumeration<T: CEnum>(number: i32, name: &str) -> Outcome<T> {
    T::from_number(number)
        .ok_or_else(|| CallError::argument(name, format!("{number} is not a {}", T::NAME)))
}

/// The 32 bytes of a key or token.
pub(super) unsafe fn key_bytes<'a>(key: *const u8, name: &str) -> Outcome<&'a [u8; KEY_BYTES]> {
    key.cast::<[u8; KEY_BYTES]>().as_ref().ok_or_else(|| CallError::null(name))
}

/// A public key.
pub(super) unsafe fn public_key(key: *const u8, name: &str) -> Outcome<PublicKey> {
    PublicKey::from_bytes(*key_bytes(key, name)?).map_err(|error| CallError::key(name, error))
}

/// A serialised MessagePack value.
pub(super) unsafe fn msgpack(data: *const u8, len: usize, name: &str) -> Outcome<Payload> {
    Ok(Payload::from_msgpack(bytes(data, len, name)?.to_vec())?)
}

/// A time-out that must not be 0.
pub(super) fn timeout(milliseconds: u32, name: &str) -> Outcome<Duration> {
    if milliseconds == 0 {
        return Err(CallError::argument(name, "must be at least 1 millisecond"));
    }
    Ok(Duration::from_millis(milliseconds.into()))
}

/// Where a function puts what it makes.
pub(super) struct Out<T>(*mut T);

/// An output, which gets the value `unset` until it is set.
pub(super) unsafe fn out<T>(out: *mut T, unset: T) -> Out<T> {
    if !out.is_null() {
        out.write(unset);
    }
    Out(out)
}

impl<T> Out<T> {
    pub(super) fn required(self, name: &str) -> Outcome<Self> {
        if self.0.is_null() { Err(CallError::null(name)) } else { Ok(self) }
    }

    /// Does nothing if the caller passed NULL.
    pub(super) fn set(&self, value: T) {
        if !self.0.is_null() {
            // SAFETY: the caller of the exported function vouches for it.
            unsafe { self.0.write(value) }
        }
    }
}

impl<T: Copy> Out<T> {
    /// Like [`set`](Self::set), without a copy in between that would stay on the stack.
    pub(super) fn copy(&self, value: &T) {
        if !self.0.is_null() {
            // SAFETY: as in `set`; memory that is written to cannot be memory of the library's.
            unsafe { self.0.copy_from_nonoverlapping(value, 1) }
        }
    }
}

/// Puts a key or token into 32 bytes of the caller's.
pub(super) unsafe fn key_out(out: *mut u8) -> Out<[u8; KEY_BYTES]> {
    self::out(out.cast(), [0; KEY_BYTES])
}

/// A buffer of the caller's that bytes are copied to.
pub(super) struct Buffer {
    buffer: *mut u8,
    capacity: usize,
    needed: Out<usize>,
}

pub(super) unsafe fn buffer(buffer: *mut u8, capacity: usize, len: *mut usize) -> Buffer {
    Buffer { buffer, capacity, needed: out(len, 0) }
}

pub(super) unsafe fn text_buffer(text: *mut c_char, capacity: usize, len: *mut usize) -> Buffer {
    if !text.is_null() && capacity > 0 {
        text.write(0);
    }
    buffer(text.cast(), capacity, len)
}

impl Buffer {
    /// Checks that there is room for `needed` bytes.
    pub(super) fn reserve(&self, needed: usize) -> Outcome {
        self.needed.set(needed);
        if needed > self.capacity || (self.buffer.is_null() && needed > 0) {
            let capacity = if self.buffer.is_null() { 0 } else { self.capacity };
            return Err(CallError::new(
                saltyrtc_status::BufferTooSmall,
                format!("the buffer has {capacity} bytes and {needed} are needed"),
            ));
        }
        Ok(())
    }

    pub(super) fn fill(&self, bytes: &[u8]) -> Outcome {
        self.reserve(bytes.len())?;
        if !bytes.is_empty() {
            // SAFETY: the caller vouches for `capacity` bytes, which are enough; and memory of the
            // caller's that is written to cannot be memory of the library's.
            unsafe { self.buffer.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) }
        }
        Ok(())
    }

    /// Adds the NUL that ends a text.
    pub(super) fn fill_text(&self, text: &str) -> Outcome {
        self.reserve(text.len() + 1)?;
        // SAFETY: as in `fill`.
        unsafe {
            self.buffer.copy_from_nonoverlapping(text.as_ptr(), text.len());
            self.buffer.add(text.len()).write(0);
        }
        Ok(())
    }
}
