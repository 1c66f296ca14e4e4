//! Messages from client to client.

use futures_util::SinkExt as _;

use crate::*;

/// Covers P-057 P-058 P-086 P-087 P-095 P-214 P-215.
#[tokio::test]
async fn messages_are_relayed_unmodified() {
    for bench in benches() {
        let (mut initiator, mut responder) = bench.room().pair().await;
        for size in [1, 100, 5000, 70_000, 300_000] {
            let message = initiator.client.relay(2, &vec![0xc1; size]);
            initiator.send(message.clone()).await;
            assert_eq!(responder.binary().await, message);
            let message = responder.client.relay(1, &vec![0; size]);
            responder.send(message.clone()).await;
            assert_eq!(initiator.binary().await, message);
        }
    }
}

/// Cookies and sequence numbers between clients are the clients' business.
///
/// Covers P-077 P-078 P-087.
#[tokio::test]
async fn nonces_of_relayed_messages_are_not_checked_but_for_the_addresses() {
    for bench in benches() {
        let (mut initiator, mut responder) = bench.room().pair().await;
        for sequence in [1 << 40, 0, 0, 5_u64] {
            let mut message = initiator.client.relay(2, b"x");
            message[..16].fill(sequence.to_be_bytes()[7]);
            message[18..24].copy_from_slice(&sequence.to_be_bytes()[2..]);
            initiator.send(message.clone()).await;
            assert_eq!(responder.binary().await, message);
        }
        // Messages to the server have their own counter and cookie.
        drop_responder(&mut initiator, 2, None).await;
        assert_eq!(closed(&mut responder.socket).await, 3004);
    }
}

/// Covers P-057 P-065 P-083.
#[tokio::test]
async fn relaying_needs_the_own_address_and_the_other_role() {
    // (sent by the initiator, source, destination)
    let table = [
        (true, 1, 1),
        (true, 2, 1),
        (true, 0, 2),
        (true, 3, 2),
        (false, 2, 2),
        (false, 2, 3),
        (false, 2, 255),
        (false, 3, 1),
        (false, 1, 2),
        (false, 0, 1),
    ];
    for bench in benches() {
        for (by_initiator, source, destination) in table {
            let room = bench.room();
            let (mut initiator, mut responder) = room.pair().await;
            let mut third = room.join_responder().await;
            assert_eq!(initiator.notification().await, notice("new-responder", Some(3)));
            let sender = if by_initiator { &mut initiator } else { &mut responder };
            sender.client.address = source;
            let message = sender.client.relay(destination, b"hello");
            assert_eq!(refused(sender, message).await, 3001, "{source} to {destination}");
            if by_initiator {
                for peer in [&mut responder, &mut third] {
                    assert_eq!(peer.notification().await, notice("disconnected", Some(1)));
                }
            } else {
                assert_eq!(initiator.notification().await, notice("disconnected", Some(2)));
                exchange(&mut initiator, &mut third).await;
            }
        }
    }
}

/// Covers P-056 P-086.
#[tokio::test]
async fn nobody_relays_before_it_is_authenticated() {
    for bench in benches() {
        let room = bench.room();
        let (mut initiator, mut responder) = room.pair().await;
        for destination in [1, 2, 255] {
            for introduced in [false, true] {
                let mut peer =
                    if introduced { room.responder().await } else { room.initiator().await };
                let message = peer.client.relay(destination, b"hello");
                assert_eq!(refused(&mut peer, message).await, 3001, "to {destination}");
            }
        }
        exchange(&mut initiator, &mut responder).await;
    }
}

/// Covers P-086 P-088 P-208 P-209 P-213 P-216.
#[tokio::test]
async fn what_nobody_can_get_is_reported_to_the_sender() {
    for bench in benches() {
        let room = bench.room();
        let (mut initiator, mut responder) = room.pair().await;
        let mut waiting = room.responder().await;
        for address in [3, 255] {
            let mut message = initiator.client.relay(address, b"hello");
            message[18..20].copy_from_slice(&[0xab, 0xcd]);
            initiator.send(message.clone()).await;
            assert_eq!(initiator.notification().await, send_error(&message));
        }
        // Who waits has got nothing of it: 'server-auth' is the next thing.
        waiting.authenticate().await;
        assert_eq!(waiting.client.address, 3);
        initiator.socket.close(None).await.unwrap();
        for peer in [&mut responder, &mut waiting] {
            assert_eq!(peer.notification().await, notice("disconnected", Some(1)));
            let message = peer.client.relay(1, b"hello");
            peer.send(message.clone()).await;
            assert_eq!(peer.notification().await, send_error(&message));
        }
    }
}

/// First the sockets fill up, then the queue, and then the sender finds that its socket is full.
///
/// Covers P-087.
#[tokio::test]
async fn a_receiver_that_does_not_read_costs_only_those_who_send_to_it() {
    for bench in benches_with(|config| config.limits.queue_bytes = 100_000) {
        let room = bench.room();
        let (mut initiator, mut slow) = room.pair().await;
        let mut other = room.join_responder().await;
        assert_eq!(initiator.notification().await, notice("new-responder", Some(3)));
        let sent = initiator.send_until_paused(&bench.server, 2, 50_000).await;
        for peer in [&mut slow, &mut other] {
            for _ in 0..20 {
                let hello = peer.client.relay(1, b"hello");
                peer.send(hello.clone()).await;
                assert_eq!(initiator.binary().await, hello);
            }
        }
        other.socket.close(None).await.unwrap();
        assert_eq!(initiator.notification().await, notice("disconnected", Some(3)));
        let read = async {
            for message in &sent {
                assert!(slow.binary().await == *message, "everything arrives");
            }
        };
        let (flushed, ()) = tokio::join!(initiator.socket.flush(), read);
        flushed.unwrap();
    }
}
