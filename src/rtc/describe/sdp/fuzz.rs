//! For fuzzing.

use super::write::Origin;
use super::{Description, MAX_BYTES};

/// Reads a description as if it were an offer, and answers it. For fuzzing.
#[doc(hidden)]
pub fn fuzz_description(sdp: &str) {
    if let Ok(offer) = Description::parse(sdp) {
        let answer = Origin::new(0).answer(&offer, &offer.parameters);
        match Description::parse(&answer) {
            Ok(read) => assert_eq!((read.mid(), read.index()), (offer.mid(), offer.index())),
            Err(error) => assert!(answer.len() > MAX_BYTES, "{error}"),
        }
    }
}
