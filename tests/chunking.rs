//! Chunker and unchunker together, over transports that do anything.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bytes::Bytes;
use proptest::prelude::*;
use saltyrtc::chunking::{ChunkError, Chunker, Mode, Unchunker, UnchunkerLimits};

use Mode::{ReliableOrdered, UnreliableUnordered};

fn split(mode: Mode, messages: &[Vec<u8>], chunk_size: usize) -> Vec<Vec<Vec<u8>>> {
    let mut chunker = Chunker::new(mode);
    let chunks = |message: &Vec<u8>| chunker.chunk(message, chunk_size).expect("good").collect();
    messages.iter().map(chunks).collect()
}

/// Makes the chunk of a number.
type Flood = fn(u32) -> Vec<u8>;

/// A long chunk.
fn chunk(id: u32, serial: u32, end: bool, data: &[u8]) -> Vec<u8> {
    [&[u8::from(end)], &id.to_be_bytes()[..], &serial.to_be_bytes()[..], data].concat()
}

fn message_of(chunk: &[u8]) -> u32 {
    u32::from_be_bytes(chunk[1..5].try_into().expect("4 bytes"))
}

/// Messages that can be told apart by their first two bytes, and a chunk size.
fn messages(mode: Mode) -> impl Strategy<Value = (Vec<Vec<u8>>, usize)> {
    let message = prop_oneof![1..10_usize, 10..100_usize, 100..3000_usize];
    let data = prop_oneof![1..4_usize, 4..300_usize];
    (prop::collection::vec(message, 1..20), data).prop_map(move |(sizes, data)| {
        let fill = |(i, size): (usize, usize)| {
            let mut message: Vec<u8> = (0..size).map(|at| (at * 31 + i * 7) as u8).collect();
            message.splice(0..0, [i as u8, size as u8]);
            message
        };
        (sizes.into_iter().enumerate().map(fill).collect(), mode.header_size() + data)
    })
}

/// What happens to a chunk on its way.
#[derive(Clone, Copy, Debug)]
struct Way {
    /// How many chunks may overtake it.
    delay: usize,
    copies: usize,
}

fn way() -> impl Strategy<Value = Way> {
    let copies = prop_oneof![1 => Just(0_usize), 12 => Just(1_usize), 2 => Just(2_usize)];
    (prop_oneof![Just(0_usize), 0..3_usize, 0..200_usize], copies)
        .prop_map(|(delay, copies)| Way { delay, copies })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..Default::default() })]

    /// Covers C-001 C-002 C-021 C-023.
    #[test]
    fn in_order_everything_arrives(
        (messages, size) in messages(ReliableOrdered),
        unordered in any::<bool>(),
    ) {
        let mode = if unordered { UnreliableUnordered } else { ReliableOrdered };
        let size = size + mode.header_size();
        let mut unchunker = Unchunker::new(mode, UnchunkerLimits::default());
        let now = Instant::now();
        for (message, chunks) in messages.iter().zip(split(mode, &messages, size)) {
            let (last, first) = chunks.split_last().expect("there is a chunk");
            for chunk in first {
                prop_assert_eq!(unchunker.add(now, chunk), Ok(None));
            }
            prop_assert_eq!(unchunker.add(now, last), Ok(Some(message.clone().into())));
            prop_assert_eq!(unchunker.memory(), 0);
        }
        prop_assert_eq!((unchunker.given_up(), unchunker.poll_timeout()), (0, None));
    }

    /// Covers C-003 C-004 C-026 C-028.
    #[test]
    fn out_of_order_with_losses_and_duplicates_exactly_the_whole_messages_arrive_once(
        (messages, size) in messages(UnreliableUnordered),
        ways in prop::collection::vec(way(), 1..200),
    ) {
        let chunks: Vec<_> =
            split(UnreliableUnordered, &messages, size).into_iter().flatten().collect();
        let mut lost = BTreeSet::new();
        let mut sent = BTreeMap::new();
        for (i, (chunk, way)) in chunks.iter().zip(ways.iter().cycle()).enumerate() {
            if way.copies == 0 {
                lost.insert(message_of(chunk));
            }
            for copy in 0..way.copies {
                sent.insert((i + way.delay * (copy + 1), i, copy), chunk);
            }
        }
        let mut unchunker = Unchunker::new(UnreliableUnordered, UnchunkerLimits::default());
        let now = Instant::now();
        let mut received = BTreeMap::new();
        for chunk in sent.values() {
            if let Some(message) = unchunker.add(now, chunk).expect("nothing is wrong") {
                prop_assert!(received.insert(message_of(chunk), message).is_none(), "twice");
            }
        }
        let whole = (0..).zip(&messages).filter(|(id, _)| !lost.contains(id));
        let expected: BTreeMap<u32, Bytes> =
            whole.map(|(id, message)| (id, message.clone().into())).collect();
        prop_assert_eq!(received, expected);
        // What is left are the messages with losses.
        unchunker.expire(now + UnchunkerLimits::default().max_age);
        prop_assert!(unchunker.given_up() <= lost.len() as u64);
        prop_assert_eq!((unchunker.memory(), unchunker.poll_timeout()), (0, None));
    }

    /// The unchunker takes chunks of any size, as senders other than ours may make them.
    #[test]
    fn chunks_of_any_size_in_any_order(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..50), 1..60),
        order in any::<prop::sample::Index>(),
        seed in any::<u64>(),
    ) {
        let mut numbered: Vec<usize> = (0..pieces.len()).collect();
        numbered.sort_by_key(|&i| (i as u64 + 1).wrapping_mul(seed | 1).rotate_left(29));
        let turn = order.index(numbered.len());
        numbered.rotate_left(turn);
        let mut unchunker = Unchunker::new(UnreliableUnordered, UnchunkerLimits::default());
        let now = Instant::now();
        let (last, first) = numbered.split_last().expect("there is a piece");
        let of = |i: usize| chunk(u32::MAX, i as u32, i + 1 == pieces.len(), &pieces[i]);
        for &i in first {
            prop_assert_eq!(unchunker.add(now, &of(i)), Ok(None));
            prop_assert_eq!(unchunker.add(now, &of(i)), Ok(None));
        }
        prop_assert_eq!(unchunker.add(now, &of(*last)), Ok(Some(pieces.concat().into())));
    }

    /// Whatever a peer sends: no panic, the bound holds, and what it sent well before and after
    /// arrives.
    #[test]
    fn nonsense_is_refused_and_harms_no_other_message(
        nonsense in prop::collection::vec(hostile_chunk(), 1..150),
        ordered in any::<bool>(),
    ) {
        let mode = if ordered { ReliableOrdered } else { UnreliableUnordered };
        let limits = UnchunkerLimits { max_message_size: 2000, max_total_size: 10_000, ..UnchunkerLimits::default() };
        let mut unchunker = Unchunker::new(mode, limits);
        let now = Instant::now();
        // Ids that the nonsense does not use.
        let mut chunker = Chunker::starting_with(mode, 1000);
        for bad in &nonsense {
            if let Ok(Some(message)) = unchunker.add(now, bad) {
                prop_assert!(!message.is_empty() && message.len() <= limits.max_message_size);
            }
            prop_assert!(unchunker.memory() <= limits.max_total_size);
        }
        if ordered {
            // A peer that began a message in its nonsense has to end it.
            let _ = unchunker.add(now, &[0b111, 0]);
        }
        let good: Vec<_> = chunker.chunk([7; 500], 100).expect("good").collect();
        let (last, first) = good.split_last().expect("there is a chunk");
        for (chunk, bad) in first.iter().zip(nonsense.iter().cycle()) {
            prop_assert_eq!(unchunker.add(now, chunk), Ok(None));
            if !ordered {
                let _ = unchunker.add(now, bad);
            }
        }
        prop_assert_eq!(unchunker.add(now, last), Ok(Some(vec![7; 500].into())));
    }
}

/// Chunks that are wrong, or clash, or are never completed.
fn hostile_chunk() -> impl Strategy<Value = Vec<u8>> {
    let number = || prop_oneof![0..4_u32, 0..1000_u32, Just(u32::MAX)];
    let id = prop_oneof![0..3_u32, 0..1000_u32, Just(u32::MAX)];
    // Filled with one byte: made faster than random ones.
    let data = (0..3_u8, 0..600_usize).prop_map(|(byte, size)| vec![byte; size]);
    let options = prop_oneof![4 => 0..2_u8, 4 => 6..8_u8, 1 => any::<u8>()];
    let long = (options, id, number(), data).prop_map(|(options, id, serial, data)| {
        let mut chunk = chunk(id, serial, false, &data);
        chunk[0] = options;
        chunk
    });
    prop_oneof![9 => long, 1 => prop::collection::vec(any::<u8>(), 0..20)]
}

/// Covers C-024 C-025.
#[test]
fn the_examples_of_the_specification_are_put_together() {
    let now = Instant::now();
    let message = Some(Bytes::from_static(&[1, 2, 3, 4, 5, 6, 7, 8]));
    let mut unchunker = Unchunker::new(ReliableOrdered, UnchunkerLimits::default());
    assert_eq!(unchunker.add(now, &[6, 1, 2, 3, 4, 5]), Ok(None));
    assert_eq!(unchunker.add(now, &[7, 6, 7, 8]), Ok(message.clone()));

    let mut unchunker = Unchunker::new(UnreliableUnordered, UnchunkerLimits::default());
    assert_eq!(unchunker.add(now, &[1, 0, 0, 0, 0x2a, 0, 0, 0, 2, 7, 8]), Ok(None));
    assert_eq!(unchunker.add(now, &[0, 0, 0, 0, 0x2a, 0, 0, 0, 0, 1, 2, 3]), Ok(None));
    assert_eq!(unchunker.add(now, &[0, 0, 0, 0, 0x2a, 0, 0, 0, 1, 4, 5, 6]), Ok(message));
}

/// Covers C-029.
#[test]
fn a_peer_of_version_1_0_is_served_in_unreliable_unordered_mode() {
    // The chunks are those of version 1.0, which reserved all bits but the last one.
    let mut chunker = Chunker::new(UnreliableUnordered);
    for chunk in chunker.chunk([1; 100], 20).expect("good") {
        assert_eq!(chunk[0] & !1, 0);
        assert!(chunk.len() > 9);
    }
    // It cannot make anything of the other mode, and we say so if one of the two is set up wrongly.
    let long = chunk(0, 0, true, b"data");
    let mut ordered = Unchunker::new(ReliableOrdered, UnchunkerLimits::default());
    let error = ordered.add(Instant::now(), &long).expect_err("the other mode");
    assert_eq!(error, ChunkError::WrongMode { options: 1, expected: ReliableOrdered });
    assert!(error.to_string().contains("reliable/ordered"), "{error}");
    let mut unordered = Unchunker::new(UnreliableUnordered, UnchunkerLimits::default());
    let error = unordered.add(Instant::now(), b"\x07data").expect_err("the other mode");
    assert_eq!(error, ChunkError::WrongMode { options: 7, expected: UnreliableUnordered });
}

/// Covers C-027.
#[test]
fn a_message_without_progress_is_given_up() {
    for mode in [ReliableOrdered, UnreliableUnordered] {
        let limits =
            UnchunkerLimits { max_age: Duration::from_secs(10), ..UnchunkerLimits::default() };
        let mut unchunker = Unchunker::new(mode, limits);
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let message = [vec![1; 40]];
        let chunks = split(mode, &message, 20).remove(0);
        assert_eq!(unchunker.poll_timeout(), None);
        unchunker.add(start, &chunks[0]).expect("good");
        assert_eq!(unchunker.poll_timeout(), Some(at(10)));
        // Progress counts, not the age of the first chunk; a duplicate is none.
        unchunker.add(at(9), &chunks[1]).expect("good");
        if mode == UnreliableUnordered {
            assert_eq!(unchunker.add(at(18), &chunks[1]), Ok(None));
        }
        unchunker.expire(at(18));
        assert!(unchunker.memory() >= 20);
        assert_eq!(unchunker.poll_timeout(), Some(at(19)));
        unchunker.expire(at(19));
        assert_eq!((unchunker.memory(), unchunker.given_up()), (0, 1));
        assert_eq!(unchunker.poll_timeout(), None);
        // Its late chunks do not make a message.
        for chunk in &chunks[2..] {
            assert_eq!(unchunker.add(at(19), chunk), Ok(None));
        }
        // `add` does the same as `expire`.
        unchunker.expire(at(30));
        let given_up = unchunker.given_up();
        let mut chunker = Chunker::starting_with(mode, 1);
        let next: Vec<_> = chunker.chunk([2; 10], 15).expect("good").collect();
        unchunker.add(at(30), &next[0]).expect("good");
        let after = unchunker.add(at(40), next.last().expect("a chunk"));
        assert_eq!(after, if next.len() == 1 { Ok(Some(vec![2; 10].into())) } else { Ok(None) });
        assert_eq!(unchunker.given_up(), given_up + u64::from(next.len() > 1));
    }
}

/// Covers C-027.
#[test]
fn without_room_the_message_that_waits_longest_is_given_up() {
    let limits = UnchunkerLimits { max_total_size: 10_000, ..UnchunkerLimits::default() };
    let mut unchunker = Unchunker::new(UnreliableUnordered, limits);
    let now = Instant::now();
    for id in 0..4 {
        assert_eq!(unchunker.add(now, &chunk(id, 0, false, &[1; 500])), Ok(None));
    }
    // 0 is the oldest, but the last one with something new.
    assert_eq!(unchunker.add(now, &chunk(0, 1, false, &[1; 10])), Ok(None));
    let mut id = 4;
    while unchunker.given_up() == 0 {
        assert_eq!(unchunker.add(now, &chunk(id, 0, false, &[1; 500])), Ok(None));
        id += 1;
    }
    assert!(id > 6 && unchunker.memory() <= limits.max_total_size);
    // It was 1; 0 and 2 are still here.
    let complete = |data: usize| Ok(Some(vec![1; data].into()));
    assert_eq!(unchunker.add(now, &chunk(2, 1, true, &[1; 20])), complete(520));
    assert_eq!(unchunker.add(now, &chunk(0, 2, true, &[1; 20])), complete(530));
    assert_eq!(unchunker.add(now, &chunk(1, 1, true, &[1; 20])), Ok(None));
}

/// Covers C-027.
#[test]
fn a_peer_cannot_use_more_memory_than_allowed() {
    let limits = UnchunkerLimits { max_total_size: 100_000, ..UnchunkerLimits::default() };
    let now = Instant::now();
    let floods: [(&str, Flood); 6] = [
        ("messages of one byte and more", |i| chunk(i, 0, false, &[0])),
        ("the second chunks of messages", |i| chunk(i, 1, false, &[0])),
        ("early chunks of one message", |i| chunk(0, 200_000 - 2 * i, false, &[0])),
        ("chunks of changing size", |i| chunk(0, i, false, &[0; 3][i as usize % 2..])),
        ("the last chunk that there can be", |i| chunk(i, u32::MAX, true, &[0])),
        ("large chunks of many messages", |i| chunk(i % 100, i / 100, false, &[0; 1000])),
    ];
    for (name, flood) in floods {
        let mut unchunker = Unchunker::new(UnreliableUnordered, limits);
        let mut most = 0;
        for i in 0..100_000 {
            // Errors are fine here: the bound is what counts.
            let _ = unchunker.add(now, &flood(i));
            most = most.max(unchunker.memory());
        }
        assert!(most <= limits.max_total_size, "{name}: {most}");
        assert!(unchunker.given_up() > 0, "{name}");
    }
}

#[test]
fn a_message_that_is_too_large_is_refused_once_and_harms_no_other() {
    let limits = UnchunkerLimits { max_message_size: 1000, ..UnchunkerLimits::default() };
    let now = Instant::now();
    let error = Err(ChunkError::MessageTooLarge { limit: 1000 });
    for mode in [ReliableOrdered, UnreliableUnordered] {
        let mut unchunker = Unchunker::new(mode, limits);
        let messages = [vec![0; 1001], vec![1; 1000], vec![2; 1001], vec![3; 1]];
        let [large, good, whole, tiny] =
            <[_; 4]>::try_from(split(mode, &messages, 109)).expect("4 messages");
        let results: Vec<_> = large.iter().map(|chunk| unchunker.add(now, chunk)).collect();
        assert_eq!(results.iter().filter(|result| **result == error).count(), 1, "{results:?}");
        assert!(results.iter().all(|result| *result == error || *result == Ok(None)));
        let results: Vec<_> = good.iter().map(|chunk| unchunker.add(now, chunk)).collect();
        assert_eq!(results.last(), Some(&Ok(Some(vec![1; 1000].into()))));
        let in_one = [&whole[0][..mode.header_size()], &[2; 1001]].concat();
        assert_eq!(unchunker.add(now, &in_one), error);
        for chunk in &whole[1..] {
            assert_eq!(unchunker.add(now, chunk), Ok(None));
        }
        assert_eq!(unchunker.add(now, &tiny[0]), Ok(Some(vec![3].into())));
        assert_eq!(unchunker.given_up(), 2);
    }
}

/// Covers C-020.
#[test]
fn a_refused_chunk_changes_nothing_in_unordered_mode() {
    let mut unchunker = Unchunker::new(UnreliableUnordered, UnchunkerLimits::default());
    let now = Instant::now();
    unchunker.add(now, &chunk(5, 0, false, b"one ")).expect("good");
    unchunker.add(now, &chunk(5, 2, true, b"three")).expect("good");
    let memory = unchunker.memory();
    for bad in [
        vec![],
        chunk(5, 1, false, b""),
        chunk(5, 1, false, b"two ")[..8].to_vec(),
        [&[0b1000], &chunk(5, 1, false, b"two ")[1..]].concat(),
        [&[0b0110], &chunk(5, 1, false, b"two ")[1..]].concat(),
        [&[0b0010], &chunk(5, 1, false, b"two ")[1..]].concat(),
        chunk(5, 0, false, b"ONE "),
        chunk(5, 0, true, b"one "),
        chunk(5, 2, false, b"three"),
        chunk(5, 1, true, b"two "),
        chunk(5, 3, false, b"four"),
        chunk(5, 3, true, b"four"),
    ] {
        let error = unchunker.add(now, &bad).expect_err("refused");
        assert!(!error.is_limit(), "{error}");
        assert_eq!(unchunker.memory(), memory);
    }
    let message = unchunker.add(now, &chunk(5, 1, false, b"two "));
    assert_eq!(message, Ok(Some("one two three".into())));
    assert_eq!(unchunker.given_up(), 0);
}

/// Covers C-001 C-020.
#[test]
fn a_refused_chunk_ends_the_message_that_is_being_received_in_ordered_mode() {
    let now = Instant::now();
    for (bad, ends) in [
        (&b""[..], false),
        (b"\x06", false),
        (b"\x07", true),
        (b"\x0f data", false),
        (b"\x01 data", false),
        (b"\x05 data", false),
    ] {
        let mut unchunker = Unchunker::new(ReliableOrdered, UnchunkerLimits::default());
        // Between two messages nothing is lost.
        assert!(unchunker.add(now, bad).is_err());
        assert_eq!(unchunker.add(now, b"\x07whole"), Ok(Some("whole".into())));
        assert_eq!(unchunker.given_up(), 0);
        assert_eq!(unchunker.add(now, b"\x06begin"), Ok(None));
        assert!(unchunker.add(now, bad).is_err());
        assert_eq!((unchunker.memory(), unchunker.given_up()), (0, 1));
        if !ends {
            assert_eq!(unchunker.add(now, b"\x06middle"), Ok(None));
            assert!(unchunker.add(now, b"\x06").is_err());
            assert_eq!(unchunker.add(now, b"\x07end"), Ok(None));
        }
        assert_eq!(unchunker.add(now, b"\x06next "), Ok(None));
        assert_eq!(unchunker.add(now, b"\x07message"), Ok(Some("next message".into())));
        assert_eq!(unchunker.given_up(), 1);
    }
}

/// Covers C-004 C-028.
#[test]
fn late_duplicates_of_a_complete_message_are_no_message() {
    let limits = UnchunkerLimits {
        remembered: 2,
        max_age: Duration::from_secs(10),
        ..UnchunkerLimits::default()
    };
    let mut unchunker = Unchunker::new(UnreliableUnordered, limits);
    let start = Instant::now();
    let single = |id| chunk(id, 0, true, &[id as u8]);
    let message = |id: u8| Ok(Some(vec![id].into()));
    assert_eq!(unchunker.add(start, &single(1)), message(1));
    assert_eq!(unchunker.add(start, &chunk(2, 0, false, b"2")), Ok(None));
    assert_eq!(unchunker.add(start, &chunk(2, 1, true, b"2")), Ok(Some("22".into())));
    for late in [single(1), chunk(2, 0, false, b"2"), chunk(2, 1, true, b"2")] {
        assert_eq!(unchunker.add(start, &late), Ok(None));
    }
    assert_eq!((unchunker.memory(), unchunker.poll_timeout()), (0, None));
    // As many are remembered as the limit says, for as long as it says.
    assert_eq!(unchunker.add(start, &single(3)), message(3));
    assert_eq!(unchunker.add(start, &single(1)), message(1));
    let later = start + Duration::from_secs(10);
    assert_eq!(unchunker.add(later, &single(3)), message(3));

    let mut unchunker = Unchunker::new(
        UnreliableUnordered,
        UnchunkerLimits { remembered: 0, ..UnchunkerLimits::default() },
    );
    assert_eq!(unchunker.add(start, &single(1)), message(1));
    assert_eq!(unchunker.add(start, &single(1)), message(1));
}

#[test]
fn a_message_in_one_shared_chunk_is_not_copied() {
    let now = Instant::now();
    for (mode, header) in
        [(ReliableOrdered, &[7][..]), (UnreliableUnordered, &[1, 0, 0, 0, 0, 0, 0, 0, 0])]
    {
        let mut unchunker = Unchunker::new(mode, UnchunkerLimits::default());
        let chunk = Bytes::from([header, b"data"].concat());
        let message = unchunker.add_bytes(now, &chunk).expect("good").expect("complete");
        assert_eq!(message, "data");
        assert_eq!(message.as_ptr(), chunk[header.len()..].as_ptr());
    }
}

#[test]
fn limits_that_leave_no_room_refuse_everything_but_single_chunks() {
    let limits = UnchunkerLimits { max_total_size: 0, ..UnchunkerLimits::default() };
    let now = Instant::now();
    let mut unchunker = Unchunker::new(UnreliableUnordered, limits);
    let error = Err(ChunkError::TooManyChunks { limit: 0 });
    for id in 0..3 {
        assert_eq!(unchunker.add(now, &chunk(id, 0, false, b"x")), error);
        assert_eq!(unchunker.memory(), 0);
    }
    assert_eq!(unchunker.add(now, &chunk(9, 0, true, b"x")), Ok(Some("x".into())));
}

/// Covers C-027.
#[test]
fn book_keeping_is_counted_and_what_is_over_a_limit_collects_no_more() {
    let limits = UnchunkerLimits { max_total_size: 10_000, ..UnchunkerLimits::default() };
    let mut unchunker = Unchunker::new(UnreliableUnordered, limits);
    let now = Instant::now();
    assert_eq!(unchunker.add(now, &chunk(0, 2, false, b"x")), Ok(None));
    let one = unchunker.memory();
    assert_eq!(unchunker.add(now, &chunk(1, 2, false, b"x")), Ok(None));
    assert!(unchunker.memory() >= one + 300);
    let two = unchunker.memory();
    assert_eq!(unchunker.add(now, &chunk(1, 3, false, b"x")), Ok(None));
    assert!(unchunker.memory() >= two + 50);
    // A message in chunks that are too small stays given up.
    let results: Vec<_> =
        (0..1000).map(|i| unchunker.add(now, &chunk(1, 2000 - i, false, b"x"))).collect();
    let error = Err(ChunkError::TooManyChunks { limit: 10_000 });
    assert_eq!(results.iter().filter(|result| **result == error).count(), 1);
    assert!(unchunker.memory() < two, "{}", unchunker.memory());
    // Chunks that are not early any more are not counted as such.
    let large = [1; 2000];
    assert_eq!(unchunker.add(now, &chunk(2, 1, false, &large)), Ok(None));
    let before = unchunker.memory();
    assert_eq!(unchunker.add(now, &chunk(2, 0, false, b"x")), Ok(None));
    let more = unchunker.memory().saturating_sub(before);
    assert!(more < large.len() + 500, "{more}");
}
