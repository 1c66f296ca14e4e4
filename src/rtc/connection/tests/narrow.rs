//! Paths that carry only small datagrams, and lose the others without a word.

use super::*;
use crate::rtc::association::SendError;

const MEBIBYTE: usize = 1 << 20;

/// Whether a datagram gets through links of this MTU (IPv4).
fn through(mtu: usize) -> Filter {
    Box::new(move |datagram| datagram.len() + 28 <= mtu)
}

impl Net {
    /// How many bytes have arrived at a side.
    fn arrived(&self, side: usize) -> usize {
        let sizes = self.sides[side].association.iter().map(|event| match event {
            AssociationEvent::Message { data, .. } => data.len(),
            _ => 0,
        });
        sizes.sum()
    }

    /// Sends a mebibyte each way, and returns how long it took, unless it takes longer than that.
    fn transfer(&mut self, id: ChannelId, limit: Duration) -> Option<Duration> {
        let (start, now) = (self.now, self.now);
        let before = [A, B].map(|side| self.arrived(side));
        for side in &mut self.sides {
            let association = side.connection.association().unwrap();
            for _ in 0..MEBIBYTE / 65_536 {
                let data = vec![7; 65_536].into();
                let sent: Result<(), SendError> =
                    association.send(now, id, MessageKind::Binary, data);
                sent.unwrap();
            }
        }
        let all =
            move |net: &Net| [A, B].map(|side| net.arrived(side)) == before.map(|it| it + MEBIBYTE);
        self.run(limit, all).then(|| self.now - start)
    }

    fn connect_over(mtu: usize) -> (Self, ChannelId) {
        let mut net = Net::new();
        net.passes = through(mtu);
        net.negotiate();
        let connected = |net: &Net| net.both(&ConnectionState::Connected);
        assert!(net.run(Duration::from_secs(3), connected), "{mtu}");
        let now = net.now;
        let [id, other] = net.sides.each_mut().map(|side| side.open(now));
        assert_eq!(id, other);
        (net, id)
    }
}

#[test]
fn datagrams_are_as_large_as_the_path_carries() {
    for (mtu, largest) in [(1500, 1200), (1228, 1200), (1000, 960), (700, 660), (576, 460)] {
        let (mut net, id) = Net::connect_over(mtu);
        assert!(net.transfer(id, Duration::from_secs(60)).is_some(), "{mtu}");
        for side in &mut net.sides {
            let used = side.connection.association().unwrap().mtu();
            assert!(used <= largest && used > largest - 8, "{used} of {largest}");
            assert!(!side.connection.may_fragment());
        }
    }
}

/// Nothing can be done about a path that carries even less, but it is told.
#[test]
fn a_path_that_carries_hardly_anything() {
    let mut net = Net::new();
    net.passes = through(300);
    net.negotiate();
    net.run(SETUP_TIMEOUT, |_| false);
    assert!(net.both(&ConnectionState::Failed(ConnectionFailure::NoAnswer)));
}

/// What is on its way cannot be made smaller, so the network has to cut it.
#[test]
fn a_path_that_becomes_narrow() {
    let (mut net, id) = Net::connect_over(1500);
    assert!(net.transfer(id, Duration::from_secs(60)).is_some());
    (net.passes, net.fragments) = (through(700), true);
    let time = net.transfer(id, Duration::from_secs(60)).expect("it goes on");
    assert!(time < Duration::from_secs(10), "{time:?}");
    assert!(net.sides.iter().all(|side| side.connection.may_fragment()));
    // It does not stay like that: the peer moves, and the new path is better.
    net.passes = through(1500);
    let now = net.now;
    net.sides[B].add_socket(now, 1, "198.51.100.1:3000");
    net.sides[B].remove_socket(now, 0);
    let wide = |net: &Net| {
        net.sides
            .iter()
            .all(|side| side.connection.direct_path().is_some() && !side.connection.may_fragment())
    };
    assert!(net.run(Duration::from_secs(10), wide));
    assert!(net.transfer(id, Duration::from_secs(10)).is_some());
}

#[test]
fn a_path_that_becomes_narrow_and_carries_no_fragments() {
    let (mut net, id) = Net::connect_over(1500);
    net.passes = through(700);
    assert_eq!(net.transfer(id, Duration::from_secs(80)), None);
    for side in &net.sides {
        let state = side.state();
        assert!(matches!(state, ConnectionState::Failed(ConnectionFailure::Sctp(_))), "{state:?}");
    }
}
