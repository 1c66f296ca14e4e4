use super::*;
use crate::chunking::Mode;
use crate::crypto::{KeyPair, OsRandom, SharedKey};

const MAX: usize = 1000;

fn message(size: usize) -> [(MessageKind, Bytes); 1] {
    [(MessageKind::Binary, vec![0; size].into())]
}

#[test]
fn the_engine_is_told_of_the_first_message_only_and_again_after_a_pause() {
    let mut queue = Queue::default();
    assert!(queue.push(message(5)) && !queue.push(message(5)));
    assert_eq!(queue.take(MAX).len(), 2);
    assert!(queue.flushed(10, MAX).more, "the association has not sent it yet");
    assert!(!queue.push(message(5)));
    assert_eq!(queue.take(MAX).len(), 1);
    assert!(!queue.flushed(0, MAX).more);
    assert!(queue.push(message(5)));
}

/// The application sends while the engine hands messages over: after it found the queue empty, and
/// before it says how far it got.
#[test]
fn an_empty_message_at_the_last_moment_is_not_forgotten() {
    let mut queue = Queue::default();
    assert!(queue.push(message(5)));
    assert_eq!(queue.take(MAX).len(), 1);
    assert!(queue.take(MAX).is_empty());
    assert!(!queue.push(message(0)), "the engine is at it");
    assert!(queue.flushed(0, MAX).more, "so it has to go on");
    assert_eq!(queue.take(MAX).len(), 1);
}

#[test]
fn what_was_sent_within_one_turn_of_the_engine_has_a_low_water_event_too() {
    let mut queue = Queue::default();
    queue.set_low_water(100);
    assert!(!queue.flushed(0, MAX).low_water);
    // All of it between two looks of the engine.
    queue.push(message(200));
    assert_eq!(queue.take(MAX).len(), 1);
    assert!(queue.flushed(50, MAX).low_water);
    assert!(!queue.flushed(0, MAX).low_water, "once is enough");
}

#[test]
fn the_low_water_mark_can_be_set_when_more_waits_already() {
    let mut queue = Queue::default();
    queue.push(message(200));
    queue.set_low_water(100);
    queue.take(MAX);
    assert!(!queue.flushed(101, MAX).low_water);
    assert!(queue.flushed(100, MAX).low_water);
}

#[test]
fn whoever_was_refused_is_told_when_half_is_left() {
    let mut queue = Queue::default();
    queue.push(message(MAX));
    queue.sender_waits = true;
    queue.take(MAX);
    assert!(!queue.flushed(MAX / 2 + 1, MAX).low_water);
    assert!(queue.flushed(MAX / 2, MAX).low_water);
    assert!(!queue.flushed(0, MAX).low_water);
}

#[test]
fn no_more_is_taken_than_there_is_room_for() {
    let mut queue = Queue::default();
    (0..100).for_each(|_| _ = queue.push(message(10)));
    assert_eq!(queue.take(25).len(), 3);
    assert_eq!(queue.take(usize::MAX).len(), BATCH);
    assert_eq!(queue.total(), 1000, "until the association says what it has");
    assert_eq!(queue.take(usize::MAX).len(), 100 - 3 - BATCH);
}

#[test]
fn a_channel_is_closed_after_its_last_message() {
    let mut queue = Queue::default();
    queue.push(message(0));
    queue.closing = true;
    assert!(!queue.flushed(0, MAX).close);
    queue.take(MAX);
    assert!(queue.flushed(0, MAX).close);
}

/// The application sends and closes on two threads, and the engine closes a channel as soon as it finds
/// nothing in its queue any more.
#[test]
fn what_was_taken_before_the_end_is_in_the_queue_before_the_end() {
    let limits = ChannelLimits {
        max_message_size: 1 << 20,
        max_buffered: usize::MAX / 2,
        max_channels: usize::MAX,
    };
    let channels = Channels::new(limits);
    channels.start(Role::Initiator);
    let key = KeyPair::generate(&mut OsRandom);
    let key = SharedKey::new(key.public(), key.secret());
    for _ in 0..100 {
        let channel = channels.add(true).unwrap();
        let (secure, _) = SecureChannel::new(1, key.clone(), &mut OsRandom).split();
        let secure = Some((secure, Some(Chunker::new(Mode::UnreliableUnordered))));
        channel.open(Sealing { max_transmit: 1 << 16, secure });
        let (sends, is_sending) = std::sync::mpsc::channel();
        let queue = || lock(&channel.queue);
        std::thread::scope(|scope| {
            let sender = scope.spawn(|| {
                let send = || channels.send(channel.number, false, &[7; 50_000]);
                while send().is_ok() {
                    let _ = sends.send(());
                }
            });
            is_sending.recv().unwrap();
            let closer = scope.spawn(|| channels.close(channel.number).unwrap());
            loop {
                while !queue().take(usize::MAX).is_empty() {}
                if queue().flushed(0, usize::MAX).close {
                    break;
                }
                std::thread::yield_now();
            }
            closer.join().unwrap();
            sender.join().unwrap();
        });
        assert!(queue().messages.is_empty(), "the engine has closed it");
    }
}
