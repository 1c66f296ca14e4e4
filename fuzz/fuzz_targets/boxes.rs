//! Boxes by the two implementations of NaCl: each makes the same bytes, and opens what the other made and
//! nothing else.
//!
//! `cargo +nightly fuzz run boxes -- -max_len=100000`

#![no_main]

use libfuzzer_sys::fuzz_target;
use saltyrtc::crypto::{Content, Implementation, KeyPair, SecretKey, SharedKey};

fuzz_target!(|data: &[u8]| {
    // A key and a nonce of the fuzzer's choice, what to change, and the content.
    let Some((secret, rest)) = data.split_first_chunk::<32>() else { return };
    let Some((nonce, rest)) = rest.split_first_chunk::<24>() else { return };
    let Some((&[mask, from, more], plain)) = rest.split_first_chunk::<3>() else { return };

    let other = KeyPair::from_secret(SecretKey::from_bytes(&[1; 32]));
    let audited = SharedKey::new(other.public(), &SecretKey::from_bytes(secret));
    let vectorised = audited.for_content(Content::ChannelMessage);
    let by = |key: &SharedKey| key.content().implementation(plain.len());
    assert_eq!(by(&audited), Implementation::Audited);
    assert_eq!(by(&vectorised), Implementation::Vectorised);

    let sealed = audited.seal(nonce, plain);
    assert!(sealed == vectorised.seal(nonce, plain), "{} bytes", plain.len());
    for key in [&audited, &vectorised] {
        assert!(key.open(nonce, &sealed).as_deref() == Ok(plain), "{} bytes", plain.len());
        assert!(key.open_in_place(nonce, &mut sealed.clone()).as_deref() == Ok(plain));
    }

    let mut changed = sealed;
    let position = usize::from(u16::from_le_bytes([from, more])) % changed.len();
    changed[position] ^= mask;
    for key in [&audited, &vectorised] {
        assert_eq!(key.open(nonce, &changed).is_ok(), mask == 0, "byte {position}");
    }
    // The input itself is no box, and may be too short for one.
    for key in [&audited, &vectorised] {
        assert!(key.open(nonce, plain).is_err());
    }
});
