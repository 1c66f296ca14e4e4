//! Lists in messages of a peer.

use crate::protocol::message::{FieldProblem, Fields, MessageError};

/// The most items that a list in a message may have. A bound of this library: an item takes many times the
/// memory of the one byte that it can have in a message.
pub(super) const MAX_ITEMS: usize = 1024;

/// The items of a list, as MessagePack. It is refused if it is too long, before the items are taken apart, so
/// that a huge list costs nothing.
pub(super) fn list<'a>(
    fields: &Fields<'a>,
    name: &'static str,
) -> Result<Vec<&'a [u8]>, MessageError> {
    let length = rmp::decode::read_array_len(&mut fields.required(name)?);
    if length.is_ok_and(|length| length as usize > MAX_ITEMS) {
        return Err(fields.error(name, FieldProblem::Invalid("has more than 1024 items")));
    }
    fields.array(name)
}

/// Like [`list`], of at least one item.
pub(super) fn filled_list<'a>(
    fields: &Fields<'a>,
    name: &'static str,
) -> Result<Vec<&'a [u8]>, MessageError> {
    let items = list(fields, name)?;
    match items.is_empty() {
        true => Err(fields.error(name, FieldProblem::Invalid("is empty"))),
        false => Ok(items),
    }
}
