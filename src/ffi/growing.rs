//! Structures that can grow. A program says in `struct_size` how large a structure is in the header
//! that it was compiled with, which may be the header of another version.
//!
//! | the program's structure is | as an input | as an output |
//! |---|---|---|
//! | smaller, from an older header | fields that it lacks are 0, the default | fields that it has are filled |
//! | larger, from a newer header | what we do not know has to be 0, or the call fails | what we do not know becomes 0 |
//!
//! A new field has to begin at the old `sizeof`, and not in the padding at the end: older programs
//! count the padding as part of the structure and need not initialise it. And its value 0 has to mean
//! what was done before the field existed.

use std::mem::size_of;

use super::declare::{CStruct, zeroed};
use super::error::{CallError, Outcome};

/// No structure of the library is as large. A larger `struct_size` was never set.
const TOO_LARGE: usize = 4096;

/// The structure that a program gives to the library. `name` is what the header calls the argument.
pub(super) unsafe fn read<T: CStruct>(from: *const T, name: &str) -> Outcome<T> {
    let size = size(from, name)?;
    let known = whole_fields::<T>(size);
    let mut ours = zeroed::<T>();
    // SAFETY: the program vouches for `size` bytes, which are as many or more.
    from.cast::<u8>().copy_to_nonoverlapping((&raw mut ours).cast(), known);
    for unknown in size_of::<T>()..size {
        if from.cast::<u8>().add(unknown).read() != 0 {
            return Err(CallError::argument(
                name,
                format!(
                    "the program was compiled for a later version of the library than this one ({}), and \
                     uses a field of {} that this one does not have (byte {unknown} of {size})",
                    env!("CARGO_PKG_VERSION"),
                    name_of::<T>(),
                ),
            ));
        }
    }
    Ok(ours)
}

/// A structure that a program wants filled. Nothing has been written to it yet.
#[cfg(any(feature = "webrtc", test))]
pub(super) struct Output<T> {
    to: *mut T,
    size: usize,
}

/// `name` is what the header calls the argument.
#[cfg(any(feature = "webrtc", test))]
pub(super) unsafe fn output<T: CStruct>(to: *mut T, name: &str) -> Outcome<Output<T>> {
    Ok(Output { size: size(to, name)?, to })
}

#[cfg(any(feature = "webrtc", test))]
impl<T: CStruct> Output<T> {
    /// Fills in everything but `struct_size`, which stays what it is.
    pub(super) fn fill(self, ours: &T) {
        let known = whole_fields::<T>(self.size);
        let first = size_of::<usize>();
        let (from, to) = (std::ptr::from_ref(ours).cast::<u8>(), self.to.cast::<u8>());
        // SAFETY: the program vouches for `size` bytes, of which `known` are of the structure that we
        // know; and memory of the program's cannot be memory of ours.
        unsafe {
            to.add(first).copy_from_nonoverlapping(from.add(first), known - first);
            to.add(known).write_bytes(0, self.size - known);
        }
    }
}

/// How large the program says that the structure is, if that can be.
unsafe fn size<T: CStruct>(pointer: *const T, name: &str) -> Outcome<usize> {
    if pointer.is_null() {
        return Err(CallError::null(name));
    }
    if !pointer.is_aligned() {
        return Err(CallError::argument(name, "not aligned as its type has to be"));
    }
    let size = pointer.cast::<usize>().read();
    if size < size_of::<usize>() || size > TOO_LARGE || !size.is_multiple_of(align_of::<T>()) {
        let why =
            format!("struct_size is {size}: set it to sizeof({}) before the call", name_of::<T>());
        return Err(CallError::argument(name, why));
    }
    Ok(size)
}

/// What the header calls a structure.
fn name_of<T>() -> &'static str {
    std::any::type_name::<T>().rsplit("::").next().unwrap_or_default()
}

/// The end of the last field that lies within `size` bytes as a whole.
fn whole_fields<T: CStruct>(size: usize) -> usize {
    let ends = T::FIELDS.iter().map(|field| field.offset + field.size);
    ends.take_while(|end| *end <= size).last().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffi::declare::c_struct;
    use crate::ffi::status::saltyrtc_status;

    c_struct! {
        /// For the tests.
        pub struct sample {
            /// Bytes.
            pub struct_size: usize,
            /// Eight bytes.
            pub first: u64,
            /// An array, which may end in the middle of a smaller structure.
            pub text: [u8; 12],
            /// With four bytes of padding behind it.
            pub last: u16,
        }
    }

    const SIZE: usize = size_of::<sample>();

    /// Memory of a program, with what it must not lose behind it.
    #[repr(C, align(8))]
    struct Memory([u8; 128]);

    impl Memory {
        fn new(struct_size: usize, fill: u8) -> Self {
            let mut memory = Self([fill; 128]);
            memory.0[..size_of::<usize>()].copy_from_slice(&struct_size.to_ne_bytes());
            memory
        }

        fn read(&self) -> Outcome<sample> {
            unsafe { read(self.0.as_ptr().cast(), "sample") }
        }

        fn fill(&mut self, ours: &sample) {
            unsafe { output(self.0.as_mut_ptr().cast(), "sample") }.unwrap().fill(ours);
        }
    }

    fn ours() -> sample {
        sample { struct_size: SIZE, first: u64::MAX, text: [b'x'; 12], last: u16::MAX }
    }

    #[test]
    fn an_older_program_leaves_out_what_it_does_not_know() {
        let (first, text) = (u64::from_ne_bytes([7; 8]), [7; 12]);
        for (size, expected) in
            [(8, (0, [0; 12], 0)), (16, (first, [0; 12], 0)), (24, (first, [0; 12], 0))]
        {
            let read = Memory::new(size, 7).read().unwrap();
            assert_eq!((read.first, read.text, read.last), expected, "{size}");
        }
        let read = Memory::new(SIZE, 7).read().unwrap();
        assert_eq!((read.first, read.text, read.last), (first, text, 0x0707));
    }

    #[test]
    fn a_newer_program_may_set_nothing_that_is_not_known() {
        let mut memory = Memory::new(SIZE + 8, 7);
        memory.0[SIZE..].fill(0);
        assert_eq!(memory.read().unwrap().last, 0x0707);
        // Behind its end there may be anything.
        memory.0[SIZE + 8] = 1;
        assert!(memory.read().is_ok());
        memory.0[SIZE + 7] = 1;
        let failure = memory.read().err().unwrap();
        assert_eq!(failure.status, saltyrtc_status::BadArgument);
        for word in ["sample", env!("CARGO_PKG_VERSION"), "later version"] {
            assert!(failure.text.contains(word), "{}", failure.text);
        }
    }

    #[test]
    fn every_size_is_filled_to_its_end_and_no_further() {
        let fields: Vec<_> = sample::FIELDS.iter().map(|it| it.offset + it.size).collect();
        for size in (8..128).step_by(8) {
            let mut memory = Memory::new(size, 0x55);
            memory.fill(&ours());
            assert_eq!(memory.0[..8], size.to_ne_bytes(), "struct_size stays");
            let known = fields.iter().copied().filter(|end| *end <= size).max().unwrap();
            assert!(memory.0[8..known].iter().all(|byte| [0xff, b'x'].contains(byte)), "{size}");
            assert!(memory.0[known..size].iter().all(|byte| *byte == 0), "{size}");
            assert!(memory.0[size..].iter().all(|byte| *byte == 0x55), "{size}");
        }
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        for size in [0, 4, 7, 9, SIZE - 1, TOO_LARGE + 8, usize::MAX] {
            let failure = Memory::new(size, 0).read().err().unwrap();
            assert!(failure.text.contains("sizeof(sample)"), "{}", failure.text);
        }
    }
}
