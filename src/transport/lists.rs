//! Headers that are lists.

use http::header::{HeaderMap, HeaderName};

/// Whether a header that is a list, in one line or in several, has an item (RFC 9110, sections 5.3, 7.6.1 and 7.8).
pub(crate) fn lists(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    let mut items = lines.flat_map(|line| line.split([',', ' ', '\t']));
    items.any(|item| item.eq_ignore_ascii_case(wanted))
}
