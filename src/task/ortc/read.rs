//! Reading the fields of the messages of the ORTC task.
//!
//! A field that may be missing may also be `nil`: that is what becomes of `undefined` in a peer written in
//! JavaScript, although the specification has no `nil`.

use crate::protocol::message::{FieldProblem, Fields, MapWriter, MessageError, is_nil, read_uint};

/// Text that may be missing.
pub(super) fn optional_text(
    fields: &Fields<'_>,
    name: &'static str,
) -> Result<Option<String>, MessageError> {
    if_there(fields, name, |fields| fields.text(name).map(str::to_owned))
}

/// A boolean that may be missing.
pub(super) fn optional_boolean(
    fields: &Fields<'_>,
    name: &'static str,
) -> Result<Option<bool>, MessageError> {
    if_there(fields, name, |fields| fields.boolean(name))
}

/// A number that may be missing.
pub(super) fn optional_number<T: Number>(
    fields: &Fields<'_>,
    name: &'static str,
) -> Result<Option<T>, MessageError> {
    if_there(fields, name, |fields| number(fields, name))
}

/// What `read` makes of a field, unless it is missing.
pub(super) fn if_there<T>(
    fields: &Fields<'_>,
    name: &'static str,
    read: impl FnOnce(&Fields<'_>) -> Result<T, MessageError>,
) -> Result<Option<T>, MessageError> {
    match fields.optional(name) {
        None => Ok(None),
        Some(nil) if is_nil(nil) => Ok(None),
        Some(_) => read(fields).map(Some),
    }
}

/// An unsigned integer with a largest value.
pub(super) trait Number: TryFrom<u64> {
    const WHAT: &'static str;
}

impl Number for u8 {
    const WHAT: &'static str = "an unsigned 8 bit integer";
}

impl Number for u16 {
    const WHAT: &'static str = "an unsigned 16 bit integer";
}

impl Number for u32 {
    const WHAT: &'static str = "an unsigned 32 bit integer";
}

/// A number.
pub(super) fn number<T: Number>(
    fields: &Fields<'_>,
    name: &'static str,
) -> Result<T, MessageError> {
    let number = read_uint(fields.required(name)?).and_then(|number| number.try_into().ok());
    number.ok_or_else(|| fields.error(name, FieldProblem::NotA(T::WHAT)))
}

/// A value with a name of the ORTC API.
pub(super) trait Named: Copy + 'static {
    const WHAT: &'static str;
    const ALL: &'static [Self];
    fn name(self) -> &'static str;
}

/// One of several names.
pub(super) fn named<T: Named>(fields: &Fields<'_>, name: &'static str) -> Result<T, MessageError> {
    let text = fields.text(name)?;
    let value = T::ALL.iter().copied().find(|value| value.name() == text);
    value.ok_or_else(|| fields.error(name, FieldProblem::Invalid(T::WHAT)))
}

/// Makes an enumeration of the ORTC API.
macro_rules! names {
    (
        $(#[$doc:meta])*
        pub enum $name:ident: $what:literal {
            $($(#[$value_doc:meta])* $value:ident = $text:literal,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$value_doc])* $value,)+
        }

        impl $name {
            /// All values, in the order of their definition.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];

            /// The name in the ORTC API and in messages.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $text,)+
                }
            }
        }

        impl Named for $name {
            const WHAT: &'static str = $what;
            const ALL: &'static [Self] = Self::ALL;

            fn name(self) -> &'static str {
                self.name()
            }
        }
    };
}
pub(super) use names;

/// Text that is left out if there is none.
pub(super) fn write_text(map: MapWriter, name: &str, text: Option<&str>) -> MapWriter {
    match text {
        Some(text) => map.text(name, text),
        None => map,
    }
}

/// A number that is left out if there is none.
pub(super) fn write_number<T: Into<u64>>(
    map: MapWriter,
    name: &str,
    number: Option<T>,
) -> MapWriter {
    match number {
        Some(number) => map.uint(name, number.into()),
        None => map,
    }
}
