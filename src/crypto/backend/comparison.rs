//! The two implementations against each other.

use super::*;

/// Bytes that differ from each other, and from those of other seeds.
fn bytes(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(step).flatten().take(count).collect()
}

fn array<const N: usize>(seed: u64) -> [u8; N] {
    bytes(seed, N).try_into().expect("that many were made")
}

/// Each implementation makes the same bytes, and opens what the other made.
fn compare(size: usize, plain: &[u8], work: &mut [Vec<u8>; 2]) {
    let (key, nonce) = (Zeroizing::new(array(size as u64)), array(size as u64 + 1_000_000));
    let ciphers = Ciphers::new(key);
    let (audited, vectorised): (&dyn Cipher, &dyn Cipher) = (&ciphers.audited, &ciphers.vectorised);
    let [one, other] = work;
    let sealed = [(audited, &mut *one), (vectorised, &mut *other)].map(|(cipher, data)| {
        data.clear();
        data.extend_from_slice(plain);
        cipher.seal(&nonce, data)
    });
    assert_eq!(sealed[0], sealed[1], "tags of {size} bytes");
    // Not `assert_eq`: nobody wants to read these bytes.
    assert!(one == other, "boxes of {size} bytes");
    assert!(vectorised.open(&nonce, &sealed[0], one), "{size} bytes");
    assert!(audited.open(&nonce, &sealed[1], other), "{size} bytes");
    assert!(one == plain && other == plain, "contents of {size} bytes");
}

/// Every size up to `largest`.
fn compare_up_to(largest: usize) {
    let plain = bytes(1, largest);
    // The threads take the sizes in turn, so that each has as much to do as the others.
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for first in 0..threads {
            let plain = &plain;
            scope.spawn(move || {
                let mut work = [Vec::new(), Vec::new()];
                for size in (first..=largest).step_by(threads) {
                    compare(size, &plain[..size], &mut work);
                }
            });
        }
    });
}

#[test]
fn small_boxes_are_the_same_by_either_implementation() {
    compare_up_to(5000);
}

/// 70 KiB is more than what a message on a data channel may have if the peer does not say (64 KiB).
#[test]
#[ignore = "takes minutes unless it is optimised: `make test-rust` does that"]
fn boxes_of_every_size_are_the_same_by_either_implementation() {
    compare_up_to(70 * 1024);
}

#[test]
fn a_large_box_is_the_same_too() {
    let plain = bytes(2, 5 << 20);
    compare(plain.len(), &plain, &mut [Vec::new(), Vec::new()]);
}

/// Neither opens a box in which a bit was changed, wherever it is.
#[test]
fn neither_opens_a_box_that_was_changed() {
    type Nonce = [u8; NONCE_BYTES];
    fn opens(cipher: &dyn Cipher, nonce: &Nonce, tag: &Tag, sealed: &[u8]) -> bool {
        cipher.open(nonce, tag, &mut sealed.to_vec())
    }
    fn flipped<const N: usize>(bytes: &[u8; N], bit: usize) -> [u8; N] {
        let mut bytes = *bytes;
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    }

    for size in [1, 15, 16, 17, 63, 64, 65, 255, 256, 257, 1023, 4097] {
        let ciphers = Ciphers::new(Zeroizing::new(array(3)));
        let nonce: Nonce = array(4);
        let mut sealed = bytes(5, size);
        let tag = ciphers.audited.seal(&nonce, &mut sealed);
        for cipher in [&ciphers.audited as &dyn Cipher, &ciphers.vectorised] {
            assert!(opens(cipher, &nonce, &tag, &sealed));
            for byte in 0..size {
                sealed[byte] ^= 1 << (byte % 8);
                assert!(!opens(cipher, &nonce, &tag, &sealed), "byte {byte} of {size}");
                sealed[byte] ^= 1 << (byte % 8);
            }
            for bit in 0..128 {
                let wrong = flipped(&tag, bit);
                assert!(!opens(cipher, &nonce, &wrong, &sealed), "bit {bit} of the tag");
            }
            for bit in 0..192 {
                let wrong = flipped(&nonce, bit);
                assert!(!opens(cipher, &wrong, &tag, &sealed), "bit {bit} of the nonce");
            }
            assert!(!opens(cipher, &nonce, &tag, &sealed[1..]), "the last {} bytes", size - 1);
        }
    }
}
