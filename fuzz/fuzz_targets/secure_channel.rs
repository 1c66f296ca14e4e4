//! Messages of a secure data channel: raw ones, and ones that the peer sealed with a header of its own
//! making, in place and not.
//!
//! `cargo +nightly fuzz run secure_channel`

#![no_main]

use libfuzzer_sys::fuzz_target;
use saltyrtc::crypto::{KeyPair, RandomSource, SecretKey, SharedKey};
use saltyrtc::protocol::SecureChannel;

/// Both channels have a cookie of these bytes, each its own.
struct Constant(u8);

impl RandomSource for Constant {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

const ID: u16 = 0x0102;
const OURS: u8 = 7;

/// Header bytes that a short input can spell: the cookie, the id, the number.
fn header(choice: u8, number: u8) -> [u8; 24] {
    let mut header = [0; 24];
    header[..16].fill(if choice & 1 == 0 { 9 } else { OURS });
    header[15] ^= choice >> 1 & 1;
    header[16..18].copy_from_slice(&(ID ^ u16::from(choice >> 2 & 1)).to_be_bytes());
    header[23] = number;
    header
}

fuzz_target!(|data: &[u8]| {
    let pair = |secret| KeyPair::from_secret(SecretKey::from_bytes(&[secret; 32]));
    let (we, they) = (pair(1), pair(2));
    let theirs = SharedKey::new(we.public(), they.secret());
    let key = SharedKey::new(they.public(), we.secret());
    let mut channel = SecureChannel::new(ID, key.clone(), &mut Constant(OURS));
    let mut in_place = SecureChannel::new(ID, key, &mut Constant(OURS));

    let mut cookie = None;
    let mut last = None;
    for message in data.chunks(16) {
        let (&choice, rest) = message.split_first().expect("chunks are not empty");
        let (&number, content) = rest.split_first().unwrap_or((&0, &[]));
        let nonce = header(choice, number);
        let mut wire = nonce.to_vec();
        theirs.seal_onto(&mut wire, &nonce, content);
        let genuine = choice & 8 == 0;
        if !genuine {
            // Any byte of it may be wrong.
            let index = usize::from(number) % wire.len();
            wire[index] ^= choice | 1;
        }
        let plain = channel.decrypt(&wire);
        let same = in_place.decrypt_in_place(&mut wire.clone()).map(|plain| plain.to_vec());
        assert_eq!(plain, same);
        let expected = genuine
            && nonce[16..18] == ID.to_be_bytes()
            && nonce[..16] != [OURS; 16]
            && cookie.is_none_or(|cookie: [u8; 16]| cookie == nonce[..16])
            && last != Some(number);
        assert_eq!(plain.is_ok(), expected, "{choice} {number}");
        if let Ok(plain) = plain {
            assert_eq!(plain, content);
            cookie = nonce[..16].try_into().ok();
            last = Some(number);
        }
    }

    // Nobody guesses a key.
    assert!(channel.decrypt(data).is_err());
    assert!(in_place.decrypt_in_place(&mut data.to_vec()).is_err());

    let mut peer = SecureChannel::new(ID, theirs, &mut Constant(9));
    let sealed = channel.encrypt(data).expect("the first message");
    assert_eq!(peer.decrypt(&sealed).as_deref(), Ok(data));
});
