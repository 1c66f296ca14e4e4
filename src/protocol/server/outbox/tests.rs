//! What has room, what is counted, and what cancels out.

use super::*;

fn room(max_queue: usize) -> PathConfig {
    PathConfig { max_queue, ..PathConfig::default() }
}

fn message(bytes: usize) -> Bytes {
    Bytes::from(vec![7; bytes])
}

fn from(source: u8, message: &Bytes) -> Relay {
    Relay {
        message: message.clone(),
        sender: ClientId(1),
        source: Address(source),
        arrived: Instant::now(),
    }
}

/// Queues a message of the only one who may send.
fn relay(outbox: &mut Outbox, message: &Bytes, config: &PathConfig) -> Result<(), Full> {
    outbox.relay(Instant::now(), from(1, message), 1, config).map_err(|(_, full)| full)
}

fn new(all: Arc<AtomicUsize>) -> Outbox {
    Outbox::new(Instant::now(), all)
}

#[test]
fn room_for_relayed_messages_is_bounded_and_comes_back() {
    let mut outbox = new(Arc::default());
    let max = 2 * (100 + RELAY_OVERHEAD);
    assert_eq!(relay(&mut outbox, &message(100), &room(max)), Ok(()));
    assert_eq!(relay(&mut outbox, &message(100), &room(max)), Ok(()));
    assert_eq!(relay(&mut outbox, &message(25), &room(max)), Err(Full::Share));
    let notice = Notice::SendError([1; 8]);
    assert_eq!(outbox.notice(notice), Noticed::Queued, "they have room of their own");
    assert!(matches!(outbox.pop(), Some(Next::Transmit(Transmit::Message(_)))));
    assert_eq!(relay(&mut outbox, &message(100), &room(max)), Ok(()));
    assert_eq!(outbox.take_relays().len(), 2);
    assert_eq!(
        relay(&mut outbox, &message(10_000), &room(max)),
        Ok(()),
        "an empty queue takes any"
    );
}

#[test]
fn relayed_messages_are_not_copied_unless_the_receiver_is_slow() {
    let mut outbox = new(Arc::default());
    let (small, large) = (message(100), message(COPY_FROM));
    let pop = |outbox: &mut Outbox| match outbox.pop() {
        Some(Next::Transmit(Transmit::Message(message))) => message,
        other => panic!("{other:?}"),
    };
    assert_eq!(relay(&mut outbox, &small, &room(1 << 20)), Ok(()));
    assert_eq!(relay(&mut outbox, &large, &room(1 << 20)), Ok(()));
    assert_eq!(relay(&mut outbox, &small, &room(1 << 20)), Ok(()));
    assert_eq!(pop(&mut outbox).as_ptr(), small.as_ptr());
    assert_eq!(pop(&mut outbox).as_ptr(), large.as_ptr());
    let copy = pop(&mut outbox);
    assert_ne!(copy.as_ptr(), small.as_ptr());
    assert_eq!(copy, small);
}

#[test]
fn messages_of_the_server_are_bounded_too() {
    let mut outbox = new(Arc::default());
    let error = |n: usize| Notice::SendError(n.to_be_bytes());
    for n in 0..MAX_OWN / Notice::COST {
        assert_eq!(outbox.notice(error(n)), Noticed::Queued);
    }
    assert_eq!(outbox.notice(error(0)), Noticed::Full);
    outbox.pop();
    assert_eq!(outbox.notice(error(0)), Noticed::Queued);
}

#[test]
fn who_comes_and_goes_meanwhile_leaves_nothing_in_the_queue() {
    let all = Arc::<AtomicUsize>::default();
    let mut outbox = new(all.clone());
    let (config, here, other) = (room(1 << 20), Address(2), Address(3));
    let joined = |address| Notice::Joined { address, of_another: false };
    let say = |outbox: &mut Outbox, source: Address| {
        let relay = from(source.0, &message(100));
        outbox.relay(Instant::now(), relay, 1, &config).map_err(|(_, full)| full)
    };
    let error = |n: usize| Notice::SendError(n.to_be_bytes());
    let full = MERGE_FROM / Notice::COST;
    for n in 0..full {
        assert_eq!(outbox.notice(joined(Address(4))), Noticed::Queued, "{n}");
    }
    // Of the first one it is known that it was there.
    assert_eq!(say(&mut outbox, here), Ok(()));
    assert_eq!(outbox.notice(Notice::Left(here)), Noticed::Queued);
    assert_eq!(outbox.notice(joined(other)), Noticed::Queued);
    let before = (outbox.entries.len(), outbox.relayed, all.load(Ordering::Relaxed));
    for _ in 0..1000 {
        assert_eq!(outbox.notice(joined(here)), Noticed::Queued);
        assert_eq!(say(&mut outbox, here), Ok(()));
        assert_eq!(outbox.notice(Notice::Left(here)), Noticed::Merged);
    }
    let after = (outbox.entries.len(), outbox.relayed, all.load(Ordering::Relaxed));
    assert_eq!(before, after);
    // Also if it is replaced, and not if there is something to say of somebody else.
    assert_eq!(say(&mut outbox, other), Ok(()));
    assert_eq!(outbox.notice(joined(here)), Noticed::Queued);
    assert_eq!(say(&mut outbox, here), Ok(()));
    assert_eq!(outbox.notice(joined(here)), Noticed::Merged);
    let notices = outbox.entries.iter().filter_map(|entry| match entry {
        Entry::Notice(notice) => Some(*notice),
        _ => None,
    });
    let left = [Notice::Left(here), joined(other), joined(here)];
    assert!(notices.skip(full).eq(left));
    assert_eq!(outbox.shares, [(here, 100 + RELAY_OVERHEAD), (other, 100 + RELAY_OVERHEAD)]);
    (0..full).for_each(|_| drop(outbox.pop()));
    // One who took the place of another is unsaid, and not that the other one left.
    while outbox.pop().is_some() {}
    for n in 0..full {
        assert_eq!(outbox.notice(error(n)), Noticed::Queued);
    }
    assert_eq!(outbox.notice(Notice::Joined { address: here, of_another: true }), Noticed::Queued);
    assert_eq!(outbox.notice(Notice::Joined { address: here, of_another: true }), Noticed::Merged);
    assert_eq!(outbox.notice(Notice::Left(here)), Noticed::Merged);
    (0..full).for_each(|_| drop(outbox.pop()));
    assert!(matches!(outbox.pop(), Some(Next::Notice(Notice::Left(Address(2))))));
    assert!(outbox.pop().is_none());
    assert_eq!((outbox.own, outbox.joined, all.load(Ordering::Relaxed)), (0, 0, 0));
}

#[test]
fn what_waits_in_all_queues_is_counted() {
    let (begin, all) = (Instant::now(), Arc::<AtomicUsize>::default());
    let mut outboxes = [new(all.clone()), new(all.clone())];
    for outbox in &mut outboxes {
        outbox.own(vec![0; 100]);
        outbox.ping();
        assert_eq!(relay(outbox, &message(1000), &room(1 << 20)), Ok(()));
        assert_eq!(outbox.next_relayed(), None, "the server's own message is the next one");
    }
    let count = || all.load(Ordering::Relaxed);
    let each = 1100 + RELAY_OVERHEAD;
    assert_eq!(count(), 2 * each);
    let [mut first, second] = outboxes;
    first.pop();
    first.pop();
    assert!(first.next_relayed().unwrap().0 >= begin);
    assert_eq!(count(), 2 * each - 100);
    assert_eq!(relay(&mut first, &message(100), &room(1 << 20)), Ok(()));
    let mut taken = Vec::new();
    assert_eq!((first.pop_relays(1, 1000, &mut taken), taken.len()), (1000, 1));
    assert_eq!(count(), each + 100 + RELAY_OVERHEAD);
    assert_eq!(first.take_relays().len(), 1);
    assert_eq!(count(), each);
    drop(second);
    assert_eq!(count(), 0);
    assert_eq!(relay(&mut first, &message(1), &room(0)), Ok(()));
    first.clear();
    drop(first);
    assert_eq!(count(), 0);
}

#[test]
fn room_in_all_queues_together_is_bounded() {
    let all = Arc::<AtomicUsize>::default();
    let config = PathConfig { max_queued: Some(2000), ..PathConfig::default() };
    let [mut one, mut two] = [new(all.clone()), new(all)];
    assert_eq!(relay(&mut one, &message(1900), &config), Ok(()));
    let full = Err(Full::AllQueues);
    assert_eq!(relay(&mut one, &message(1), &config), full);
    assert_eq!(relay(&mut two, &message(100), &config), Ok(()), "an empty queue");
    assert_eq!(relay(&mut two, &message(1), &config), full);
    one.pop();
    assert_eq!(relay(&mut two, &message(1), &config), Ok(()));
}

#[test]
fn senders_share_the_room() {
    let mut outbox = new(Arc::default());
    let message = message(100 - RELAY_OVERHEAD);
    let config = room(1000);
    let now = Instant::now();
    let mut relay = |source, senders| {
        let relay = from(source, &message);
        outbox.relay(now, relay, senders, &config).map_err(|(_, full)| full)
    };
    for _ in 0..3 {
        assert_eq!(relay(2, 3), Ok(()));
    }
    assert_eq!(relay(2, 3), Err(Full::Share), "a third of it");
    assert_eq!(relay(3, 100), Ok(()), "one message, however small the share");
    assert_eq!(relay(3, 100), Err(Full::Share));
    while relay(4, 1).is_ok() {}
    assert_eq!(relay(5, 3), Err(Full::Queue), "there is no more room than for all");
    for _ in 0..4 {
        assert!(outbox.pop().is_some());
    }
    assert_eq!(outbox.shares, [(Address(4), 600)]);
    assert_eq!(outbox.take_relays().len(), 6);
    assert!(outbox.shares.is_empty());
}
