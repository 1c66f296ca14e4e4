//! The notation of the table of event kinds (`super::kind`), and the check that an event has the fields
//! of its kind and no others.

use super::saltyrtc_event;
use crate::ffi::declare::{CStruct, Field};

/// A field that a kind of event has.
#[derive(Debug, Clone, Copy)]
pub(super) struct EventField {
    pub(super) name: &'static str,
    pub(super) offset: usize,
    /// Whether it always differs from what it is in events that do not have it: 0, false or NULL.
    pub(super) always: bool,
}

/// Each kind is `Name = number { always field "remark", maybe field, … }`. `always` means that the
/// field is never 0, false or NULL in an event of this kind; the remark is for the header.
macro_rules! event_kinds {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $(
                $(#[$kind_meta:meta])*
                $kind:ident = $number:literal {
                    $($presence:ident $field:ident $($remark:literal)?),* $(,)?
                },
            )+
        }
    ) => {
        crate::ffi::declare::c_enum! {
            $(#[$meta])*
            pub enum $name {
                $($(#[$kind_meta])* $kind = $number,)+
            }
        }

        impl $name {
            pub(super) const fn fields(self) -> &'static [super::fields::EventField] {
                match self {
                    $(Self::$kind => &[
                        $(super::fields::EventField {
                            name: stringify!($field),
                            offset: std::mem::offset_of!(super::saltyrtc_event, $field),
                            always: super::fields::presence!($presence),
                        }),*
                    ],)+
                }
            }
        }
    };
}

macro_rules! presence {
    (always) => {
        true
    };
    (maybe) => {
        false
    };
}

pub(super) use {event_kinds, presence};

impl saltyrtc_event {
    /// The first field that the kind has and the event has not, or the other way round.
    pub(super) fn wrong_field(&self) -> Option<&'static str> {
        let fields = self.kind.fields();
        // The size, the token and the kind are in every event.
        let others = &Self::FIELDS[3..];
        let missing = fields.iter().find(|field| {
            let place = others.iter().find(|other| other.offset == field.offset);
            field.always && place.is_none_or(|place| self.is_reset(place))
        });
        let foreign = others.iter().find(|other| {
            !fields.iter().any(|field| field.offset == other.offset) && !self.is_reset(other)
        });
        missing.map(|field| field.name).or(foreign.map(|field| field.name))
    }

    fn is_reset(&self, field: &Field) -> bool {
        // SAFETY: within the event, which is initialised; between fields there is padding, but not in
        // them: they are numbers, pointers and enumerations.
        let bytes = unsafe {
            std::slice::from_raw_parts(
                std::ptr::from_ref(self).cast::<u8>().add(field.offset),
                field.size,
            )
        };
        bytes.iter().all(|byte| *byte == 0)
    }
}
