//! Who is told what when somebody comes, goes, or is made to go.

use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::scripted_client::field;
use crate::socket_peer::next;
use crate::*;

/// Covers P-155 P-156 P-172 P-173 P-176 P-177 P-178 P-179 P-184.
#[tokio::test]
async fn newcomers_are_announced_before_they_can_send() {
    for bench in benches() {
        let room = bench.room();
        let mut first = room.join_responder().await;
        let mut second = room.join_responder().await;
        let mut initiator = room.initiator().await;
        let auth = initiator.authenticate().await;
        let responders = Value::Array(vec![2.into(), 3.into()]);
        assert_eq!(field(&auth, "responders"), Some(&responders));
        for responder in [&mut first, &mut second] {
            let message = initiator.client.relay(responder.client.address, b"hello");
            initiator.send(message.clone()).await;
            // Responders did not hear of each other.
            assert_eq!(responder.notification().await, notice("new-initiator", None));
            assert_eq!(responder.binary().await, message);
        }
        let mut third = room.join_responder().await;
        let message = third.client.relay(1, b"hello");
        third.send(message.clone()).await;
        assert_eq!(initiator.notification().await, notice("new-responder", Some(4)));
        assert_eq!(initiator.binary().await, message);
        for responder in [&mut first, &mut second, &mut third] {
            exchange(&mut initiator, responder).await;
        }
    }
}

/// Covers P-149 P-155 P-172 P-177 P-199 P-200.
#[tokio::test]
async fn those_who_are_not_authenticated_are_no_part_of_the_path() {
    for bench in benches() {
        let room = bench.room();
        let (mut initiator, mut responder) = room.pair().await;
        for mut peer in [room.responder().await, room.initiator().await] {
            peer.socket.close(None).await.unwrap();
            assert!(matches!(next(&mut peer.socket).await, Some(Message::Close(_))));
            assert_eq!(next(&mut peer.socket).await, None);
        }
        exchange(&mut initiator, &mut responder).await;
        let mut waiting = room.responder().await;
        let mut newer = room.initiator().await;
        let auth = newer.authenticate().await;
        assert_eq!(field(&auth, "responders"), Some(&Value::Array(vec![2.into()])));
        let auth = waiting.authenticate().await;
        assert_eq!(field(&auth, "type"), Some(&"server-auth".into()), "no 'new-initiator' before");
    }
}

/// Covers P-199 P-200 P-207.
#[tokio::test]
async fn leaving_is_announced_to_the_other_role() {
    for bench in benches() {
        let room = bench.room();
        let (mut initiator, mut gone) = room.pair().await;
        let mut others = [room.join_responder().await, room.join_responder().await];
        for id in [3, 4] {
            assert_eq!(initiator.notification().await, notice("new-responder", Some(id)));
        }
        gone.socket.close(None).await.unwrap();
        assert_eq!(initiator.notification().await, notice("disconnected", Some(2)));
        // The other responders do not hear of it.
        for other in &mut others {
            exchange(&mut initiator, other).await;
        }
        // Being closed for an error is leaving too.
        let message = initiator.client.relay(1, b"to myself");
        assert_eq!(refused(&mut initiator, message).await, 3001);
        for other in &mut others {
            assert_eq!(other.notification().await, notice("disconnected", Some(1)));
        }
    }
}

/// Whatever a client closes with, it is gone.
///
/// Covers P-200 P-300.
#[tokio::test]
async fn all_close_codes_are_understood() {
    let known = [1000, 1001, 1002, 3000, 3001, 3002, 3003, 3004, 3005, 3006, 3007, 3008];
    for bench in benches() {
        let room = bench.room();
        let mut initiator = room.join_initiator().await;
        for code in known {
            let mut peer = room.join_responder().await;
            assert_eq!(initiator.notification().await, notice("new-responder", Some(2)));
            let frame = CloseFrame { code: u16::into(code), reason: "".into() };
            peer.socket.close(Some(frame)).await.unwrap();
            assert_eq!(closed(&mut peer.socket).await, code, "echoed");
            assert_eq!(initiator.notification().await, notice("disconnected", Some(2)));
        }
    }
}

/// Covers P-145 P-146 P-172.
#[tokio::test]
async fn a_newer_initiator_replaces_the_previous_one() {
    for bench in benches() {
        let room = bench.room();
        let (mut old, mut responder) = room.pair().await;
        let mut new = room.join_initiator().await;
        assert_eq!(closed(&mut old.socket).await, 3004);
        assert_eq!(next(&mut old.socket).await, None);
        // And no 'disconnected'.
        assert_eq!(responder.notification().await, notice("new-initiator", None));
        exchange(&mut new, &mut responder).await;
    }
}

/// Covers P-188 P-193 P-195 P-197.
#[tokio::test]
async fn dropping_a_responder_is_not_announced_and_dropping_nobody_ignored() {
    for bench in benches() {
        let room = bench.room();
        let (mut initiator, mut responder) = room.pair().await;
        let mut other = room.join_responder().await;
        assert_eq!(initiator.notification().await, notice("new-responder", Some(3)));
        let mut waiting = room.responder().await;
        let last_words = initiator.client.relay(2, b"bye");
        initiator.send(last_words.clone()).await;
        drop_responder(&mut initiator, 2, Some(3005)).await;
        assert_eq!(responder.binary().await, last_words, "what came before goes out before");
        assert_eq!(closed(&mut responder.socket).await, 3005);
        for nobody in [2, 4, 255] {
            drop_responder(&mut initiator, nobody, None).await;
        }
        nothing_new(&mut initiator).await;
        exchange(&mut initiator, &mut other).await;
        waiting.authenticate().await;
        assert_eq!(waiting.client.address, 2);
    }
}

/// Covers P-190.
#[tokio::test]
async fn responders_cannot_drop_anybody() {
    for bench in benches() {
        let room = bench.room();
        let (mut initiator, mut victim) = room.pair().await;
        let mut attacker = room.join_responder().await;
        assert_eq!(initiator.notification().await, notice("new-responder", Some(3)));
        let message = attacker.client.sealed(&ScriptedClient::drop_responder(2, None));
        assert_eq!(refused(&mut attacker, message).await, 3001);
        assert_eq!(initiator.notification().await, notice("disconnected", Some(3)));
        exchange(&mut initiator, &mut victim).await;
    }
}

/// Covers P-015 P-027 P-036 P-147.
#[tokio::test]
async fn a_responder_gets_a_free_address_and_a_new_cookie() {
    for bench in benches() {
        let room = bench.room();
        let mut initiator = room.join_initiator().await;
        let mut members = Vec::new();
        for id in 2..6 {
            members.push(room.join_responder().await);
            assert_eq!(initiator.notification().await, notice("new-responder", Some(id)));
        }
        let mut cookies = Vec::new();
        for id in [4, 2] {
            let mut member = members.remove(usize::from(id) - 2);
            cookies.push(member.client.server.unwrap().1);
            member.socket.close(None).await.unwrap();
            assert_eq!(initiator.notification().await, notice("disconnected", Some(id)));
        }
        let mut addresses = BTreeSet::new();
        for _ in 0..3 {
            members.push(room.join_responder().await);
            let client = &members.last().unwrap().client;
            assert!(!cookies.contains(&client.server.unwrap().1));
            addresses.insert(client.address);
            let announced = notice("new-responder", Some(client.address));
            assert_eq!(initiator.notification().await, announced);
        }
        assert_eq!(addresses, BTreeSet::from([2, 4, 6]));
        for member in &mut members {
            exchange(&mut initiator, member).await;
        }
    }
}

/// Covers P-148.
#[tokio::test]
async fn a_full_path_refuses_the_255th_responder_until_one_leaves() {
    for bench in benches() {
        let room = bench.room();
        let mut initiator = room.join_initiator().await;
        let mut members = Vec::new();
        for id in 2..=255 {
            members.push(room.join_responder().await);
            assert_eq!(initiator.notification().await, notice("new-responder", Some(id)));
        }
        for leaves in [true, false] {
            let mut peer = room.responder().await;
            let auth = peer.client.client_auth();
            let message = peer.client.sealed(&auth);
            assert_eq!(refused(&mut peer, message).await, 3000);
            exchange(&mut initiator, &mut members[0]).await;
            if leaves {
                drop_responder(&mut initiator, 77, None).await;
                assert_eq!(closed(&mut members[75].socket).await, 3004);
                members[75] = room.join_responder().await;
                assert_eq!(members[75].client.address, 77);
                assert_eq!(initiator.notification().await, notice("new-responder", Some(77)));
            }
        }
        // An initiator always fits.
        room.join_initiator().await;
        assert_eq!(closed(&mut initiator.socket).await, 3004);
    }
}

/// Covers P-032.
#[tokio::test]
async fn paths_do_not_hear_of_each_other() {
    for bench in benches() {
        let (one, two) = (bench.room(), bench.room());
        let (mut initiator, mut responder) = one.pair().await;
        let (mut other, mut leaving) = two.pair().await;
        let message = leaving.client.relay(1, b"hello");
        leaving.send(message.clone()).await;
        assert_eq!(other.binary().await, message);
        leaving.socket.close(None).await.unwrap();
        assert_eq!(other.notification().await, notice("disconnected", Some(2)));
        exchange(&mut initiator, &mut responder).await;
        // The key of another path makes nobody an initiator.
        let mut stranger = two.connect(one.keys.clone()).await;
        let auth = stranger.client.client_auth();
        let message = stranger.client.sealed(&auth);
        assert_eq!(refused(&mut stranger, message).await, 3001);
        nothing_new(&mut other).await;
    }
}
