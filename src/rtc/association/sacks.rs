//! Fewer acknowledgements: of those that would leave together, the last one says it all.
//!
//! SCTP acknowledges every second packet, whether the next ones are there already or not. When many
//! arrive at once, which they do on a fast network, that is half as many datagrams back as came, each of
//! which both sides have to encrypt or decrypt.

use std::collections::VecDeque;

/// The common header of SCTP and one SACK that reports neither gaps nor duplicates. Those that do are
/// what a peer counts to find out about losses (RFC 9260 section 7.2.4).
const PLAIN_SACK_BYTES: usize = 12 + 16;
const SACK: u8 = 3;

/// How many are all sent. In slow start the peer sends faster with each one that it gets (RFC 9260
/// section 7.2.1).
const EAGER: u32 = 2048;
/// How many in a row are left out after that.
const LEFT_OUT: u32 = 7;

/// Decides which ones are left out.
#[derive(Default)]
pub(super) struct Sacks {
    sent: u32,
    left_out: u32,
}

impl Sacks {
    /// Adds a packet to those that wait to be sent. It can take the place of the last one.
    pub(super) fn push(&mut self, packets: &mut VecDeque<Vec<u8>>, packet: Vec<u8>) {
        if !is_plain_sack(&packet) {
            return packets.push_back(packet);
        }
        match packets.back_mut() {
            Some(last) if self.sent >= EAGER && self.left_out < LEFT_OUT && is_plain_sack(last) => {
                self.left_out += 1;
                *last = packet;
            }
            _ => {
                self.left_out = 0;
                self.sent = self.sent.saturating_add(1);
                packets.push_back(packet);
            }
        }
    }
}

fn is_plain_sack(packet: &[u8]) -> bool {
    packet.len() == PLAIN_SACK_BYTES && packet[12] == SACK
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sack(number: u8) -> Vec<u8> {
        let mut packet = vec![0; PLAIN_SACK_BYTES];
        (packet[12], packet[16]) = (SACK, number);
        packet
    }

    fn after_slow_start() -> Sacks {
        Sacks { sent: EAGER, left_out: 0 }
    }

    fn pushed(sacks: &mut Sacks, all: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
        let mut packets = VecDeque::new();
        all.into_iter().for_each(|packet| sacks.push(&mut packets, packet));
        packets.into()
    }

    #[test]
    fn of_many_at_once_every_eighth_and_the_last_are_sent() {
        let sent = pushed(&mut after_slow_start(), (0..20).map(sack));
        assert_eq!(sent, [sack(7), sack(15), sack(19)]);
    }

    #[test]
    fn one_at_a_time_all_are_sent() {
        let mut sacks = after_slow_start();
        for number in 0..20 {
            assert_eq!(pushed(&mut sacks, [sack(number)]), [sack(number)]);
        }
    }

    #[test]
    fn in_slow_start_all_are_sent() {
        let mut sacks = Sacks::default();
        let sent = pushed(&mut sacks, (0..EAGER).map(|number| sack(number as u8)));
        assert_eq!(sent.len(), EAGER as usize);
        assert_eq!(pushed(&mut sacks, [sack(1), sack(2)]), [sack(2)]);
    }

    #[test]
    fn whatever_else_is_sent_stays_where_it_is() {
        let mut gap = sack(2);
        gap.extend([0, 1, 0, 1]);
        let mut data = sack(3);
        data[12] = 0;
        let all = [sack(1), gap.clone(), gap, sack(4), data.clone(), data, sack(5)];
        assert_eq!(pushed(&mut after_slow_start(), all.clone()), all);
    }
}
