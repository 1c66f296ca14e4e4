//! The handover of the signalling to a data channel, message by message, with a peer made by hand. All
//! orders in which it can happen are explored in `src/protocol/client/handover_orders.rs`.

mod support;

use rmpv::Value;
use saltyrtc::protocol::client::{
    ChannelDriver, ClientState, Closed, ClosedBy, EndReason, HANDOVER_TIMEOUT, PeerLeft,
    SendFailure, SocketEnd,
};
use saltyrtc::protocol::message::Payload;
use saltyrtc::protocol::{
    ChannelFraming, ChannelTransmit, CloseCode, Role, SUBPROTOCOL, SecureChannel,
    SignallingChannel, Task, Transmit,
};
use saltyrtc::task::webrtc::{self, Candidate, Options, SdpType, SessionDescription};
use saltyrtc::task::{ClientConfig, Event, Ortc, TaskEvent, WebRtc, ortc};
use support::data_channel::FakeChannel;
use support::fake_peer::FakePeer;
use support::fake_server::FakeServer;
use support::keys;
use support::msg::{Msg, bin, map, texts};
use support::pair::Pair;

/// What browsers take as one message of a data channel.
const LARGE: usize = 262_144;

/// The id of the data channel: the first one that the peer does not exclude. It is not 0, which is what a number is that
/// nobody has set.
const CHANNEL: u16 = 7;

const TASKS: [&str; 2] = [webrtc::NAME, ortc::NAME];

fn with_task(config: ClientConfig, name: &str) -> ClientConfig {
    let task: Box<dyn Task<TaskEvent>> = match name {
        ortc::NAME => Box::new(Ortc::new(Options::default()).unwrap()),
        _ => Box::new(WebRtc::v1(Options::default()).unwrap()),
    };
    ClientConfig { tasks: vec![task], ..config }
}

/// What the task `name` of a peer says, which may or may not want the handover.
fn data(name: &str, handover: bool) -> Value {
    let handover = match (name, handover) {
        (ortc::NAME, true) => texts(&["sctp"]),
        (ortc::NAME, false) => texts(&[]),
        (_, handover) => Value::Boolean(handover),
    };
    let exclude = (0..CHANNEL).map(Value::from).collect();
    map(&[("exclude", Value::Array(exclude)), ("handover", handover)])
}

/// A client of each role in each task with its peer, which said `handover` in 'auth'.
fn in_task_with(
    handover: bool,
    change: fn(ClientConfig) -> ClientConfig,
) -> Vec<(FakeServer, FakePeer, FakeChannel)> {
    TASKS.into_iter().flat_map(|name| in_task_named(name, handover, change)).collect()
}

/// A client of each role in the task `name` with its peer.
fn in_task_named(
    name: &str,
    handover: bool,
    change: fn(ClientConfig) -> ClientConfig,
) -> [(FakeServer, FakePeer, FakeChannel); 2] {
    let config = |config| change(with_task(config, name));
    let initiator = FakeServer::new(config(keys::initiator_with_token())).ready(&[2]);
    let responder = FakeServer::new(config(keys::responder_with_token())).ready(&[1]);
    [(initiator, FakePeer::responder(2)), (responder, FakePeer::initiator())].map(
        |(mut server, mut peer)| {
            peer.up_to_auth(&mut server);
            let auth = Msg::new("auth").with("your_cookie", bin(&peer.client_cookie));
            let auth = match peer.role {
                Role::Responder => auth.with("tasks", texts(&[name])),
                Role::Initiator => auth.with("task", name),
            };
            peer.send(&mut server, &auth.with("data", map(&[(name, data(name, handover))])));
            if peer.role == Role::Responder {
                assert_eq!(peer.read(&mut server).kind(), "auth");
            }
            assert!(matches!(server.events().last(), Some(Event::PeerHandshakeDone { .. })));
            let mut channel = FakeChannel::new(&peer);
            channel.id = CHANNEL;
            (server, peer, channel)
        },
    )
}

fn in_task() -> Vec<(FakeServer, FakePeer, FakeChannel)> {
    in_task_with(true, |config| config)
}

fn application(value: impl Into<Value>) -> Msg {
    Msg::new("application").with("data", value)
}

fn event(text: &str) -> Event {
    Event::Application(Payload::from_text(text))
}

fn handover() -> Msg {
    Msg::new("handover")
}

/// Our client hands over, and says so over the WebSocket.
#[track_caller]
fn hand_over(server: &mut FakeServer, peer: &mut FakePeer) {
    server.client.hand_over(server.now, LARGE).unwrap();
    assert_eq!(peer.read(server), handover());
}

/// Both hand over.
#[track_caller]
fn both(server: &mut FakeServer, peer: &mut FakePeer) {
    hand_over(server, peer);
    peer.send(server, &handover());
    assert_eq!(server.events(), [Event::HandedOver]);
    assert_eq!(server.client.poll_transmit(), Some(Transmit::Close(CloseCode::Handover)));
    server.client.handle_socket_end(SocketEnd::CloseFrame(Some(3003)));
    assert_eq!((server.client.state(), server.events()), (ClientState::Task, vec![]));
}

fn closed(by: ClosedBy, code: Option<u16>, reason: EndReason) -> Event {
    Event::Closed(Closed { by, code, reason })
}

/// Covers W-002 W-015 W-022 W-028 W-029 W-030 W-035 W-047 W-056 W-087 W-088 W-089 W-090 W-094.
/// Covers O-002 O-018 O-029 O-038 O-039 O-040 O-045 O-062 O-121 O-122 O-124 O-125 O-128.
#[test]
fn handover_goes_over_the_server_and_everything_else_over_the_channel() {
    for (mut server, mut peer, mut channel) in in_task() {
        server.client.send_application(Payload::from_text("first")).unwrap();
        assert_eq!(peer.read(&mut server), application("first"));
        hand_over(&mut server, &mut peer);
        for text in ["second", "third"] {
            server.client.send_application(Payload::from_text(text)).unwrap();
        }
        server.expect_silence();
        assert_eq!(channel.take(&mut server), []);
        let messages = channel.read();
        let contents: Vec<&Msg> = messages.iter().map(|(_, msg)| msg).collect();
        assert_eq!(contents, [&application("second"), &application("third")]);
        let (one, two) = (messages[0].0, messages[1].0);
        assert_eq!(
            (&one[..16], &one[16..20]),
            (&two[..16], &[0, 7, 0, 0][..]),
            "cookie, id, overflow"
        );
        assert_ne!(one[..16], peer.client_cookie, "it has a cookie of its own");

        peer.send(&mut server, &handover());
        assert_eq!(server.events(), [Event::HandedOver]);
        assert_eq!(server.client.poll_transmit(), Some(Transmit::Close(CloseCode::Handover)));
        assert!(server.client.handed_over());
    }
}

/// Covers W-022 W-024 W-025 W-026 W-027.
/// Covers O-029 O-034 O-036 O-037.
#[test]
fn application_learns_which_channel_to_make() {
    let max = 262_144;
    for (name, label, framing) in [
        (webrtc::NAME, "saltyrtc-signaling", ChannelFraming::Chunks { max }),
        (ortc::NAME, SUBPROTOCOL, ChannelFraming::AsTransportTakes { max }),
    ] {
        for (server, ..) in in_task_named(name, true, |config| config) {
            let expected = SignallingChannel { id: CHANNEL, label, protocol: SUBPROTOCOL, framing };
            assert_eq!(server.client.signalling_channel(), Ok(expected));
        }
    }
}

/// Messages are as large as the transport of the peer takes; and the peer may read that in another way.
///
/// Covers O-020 O-021 O-022 O-023.
#[test]
fn ortc_cuts_messages_only_if_the_transport_needs_it() {
    let text = "x".repeat(5000);
    for (max_message_size, largest) in [(0, 6000), (64, 64), (1200, 1200), (65_535, 6000)] {
        for (mut server, mut peer, mut channel) in in_task_named(ortc::NAME, true, |config| config)
        {
            server.client.hand_over(server.now, max_message_size).unwrap();
            assert_eq!(peer.read(&mut server), handover());
            peer.send(&mut server, &handover());
            assert_eq!(server.events(), [Event::HandedOver]);

            server.client.send_application(Payload::from_text(&text)).unwrap();
            assert_eq!(channel.take(&mut server), []);
            let sent = channel.unread();
            assert!(sent.iter().all(|message| message.len() <= largest), "{max_message_size}");
            let bytes: usize = sent.iter().map(Vec::len).sum();
            let expected = SecureChannel::OVERHEAD + application(&*text).encode().len();
            match max_message_size {
                0 => assert_eq!((sent.len(), bytes), (1, expected)),
                _ => assert_eq!(bytes, expected + 9 * sent.len()),
            }

            let whole = channel.seal(&application("whole").encode());
            server.client.handle_channel_message(server.now, &whole);
            channel.send(&mut server, &application("in chunks"));
            assert_eq!(server.events(), [event("whole"), event("in chunks")]);
        }
    }
}

/// Covers W-047 W-048.
#[test]
fn chunks_are_as_large_as_the_transport_takes() {
    let sizes = [(64, 64), (1000, 1000), (65_536, 65_536), (1 << 20, 262_144), (0, 65_536)];
    for (max_message_size, chunk) in sizes {
        let (mut server, mut peer, mut channel) = in_task().remove(0);
        server.client.hand_over(server.now, max_message_size).unwrap();
        assert_eq!(peer.read(&mut server), handover());
        let data = vec![7; 600_000];
        server.client.send_application(Payload::from_bytes(&data)).unwrap();
        channel.take(&mut server);
        let chunks = channel.unread();
        let (last, others) = chunks.split_last().unwrap();
        assert!(others.iter().all(|other| other.len() == chunk) && last.len() <= chunk);
        let size: usize = chunks.iter().map(|chunk| chunk.len() - 9).sum();
        assert!((600_040..600_100).contains(&size), "each byte once: {size}");
    }
    let (mut server, ..) = in_task().remove(0);
    let failure = server.client.hand_over(server.now, 63);
    assert_eq!(failure, Err(SendFailure::ChannelTooNarrow { limit: 63 }));
    server.expect_silence();
}

/// Covers W-031 W-032 W-033 W-034 W-049 W-050 W-053 W-092.
/// Covers O-041 O-025 O-042 O-043 O-044 O-056 O-059 O-126.
#[test]
fn what_comes_over_the_channel_waits_for_the_handover_of_the_peer() {
    for hands_over in [false, true] {
        for (mut server, mut peer, mut channel) in in_task() {
            if hands_over {
                hand_over(&mut server, &mut peer);
            }
            // The chunks may come in any order.
            for chunk in channel.message(&application("x".repeat(200))).iter().rev() {
                server.client.handle_channel_message(server.now, chunk);
            }
            channel.send(&mut server, &application("late"));
            assert_eq!(server.events(), []);
            peer.send(&mut server, &application("early"));
            assert_eq!(server.events(), [event("early")]);
            peer.send(&mut server, &handover());
            channel.send(&mut server, &application("latest"));
            let mut expected = [event(&"x".repeat(200)), event("late"), event("latest")].to_vec();
            if hands_over {
                expected.insert(0, Event::HandedOver);
            }
            assert_eq!(server.events(), expected);
        }
    }
}

/// It is a message of the protocol, and not one for the task, whatever way it comes.
#[test]
fn handover_over_the_channel_is_ignored() {
    for (mut server, mut peer, mut channel) in in_task() {
        both(&mut server, &mut peer);
        channel.send(&mut server, &handover());
        channel.send(&mut server, &application("behind it"));
        assert_eq!(server.events(), [event("behind it")]);
        assert_eq!(server.client.state(), ClientState::Task);
    }
}

/// Covers W-034 W-092 W-093.
/// Covers O-044 O-126 O-127.
#[test]
fn peer_may_not_go_on_over_the_server() {
    for (mut server, mut peer, _) in in_task() {
        peer.send(&mut server, &handover());
        // Some peers say it twice.
        peer.send(&mut server, &handover());
        server.expect_silence();
        peer.send(&mut server, &application("late"));
        let close = peer.read(&mut server);
        assert_eq!(close, Msg::new("close").with("reason", 3001));
        let end = server.expect_close(CloseCode::GoingAway);
        assert!(
            matches!(&end.reason, EndReason::PeerProtocolError(text) if text.contains("server"))
        );
    }
}

/// Covers W-013 W-014 W-091.
/// Covers O-016.
#[test]
fn no_handover_without_agreement() {
    for (mut server, mut peer, _) in in_task_with(false, |config| config) {
        assert_eq!(server.client.signalling_channel(), Err(SendFailure::NoHandover));
        assert_eq!(server.client.hand_over(server.now, LARGE), Err(SendFailure::NoHandover));
        server.client.handle_channel_message(server.now, &[0; 100]);
        server.client.handle_channel_closed();
        server.expect_silence();
        peer.send(&mut server, &handover());
        assert_eq!(peer.read(&mut server), Msg::new("close").with("reason", 3001));
        let end = server.expect_close(CloseCode::GoingAway);
        assert!(
            matches!(&end.reason, EndReason::PeerProtocolError(text) if text.contains("handover"))
        );
    }
}

/// Covers O-123.
#[test]
fn handover_has_its_time_once() {
    for (mut server, mut peer, _) in in_task() {
        hand_over(&mut server, &mut peer);
        assert_eq!(server.client.hand_over(server.now, LARGE), Err(SendFailure::HandedOver));
        peer.send(&mut server, &handover());
        assert_eq!(server.client.hand_over(server.now, LARGE), Err(SendFailure::HandedOver));
        server.client.close();
        assert_eq!(server.client.hand_over(server.now, LARGE), Err(SendFailure::Closed));
    }
    for server in [FakeServer::with_initiator(&[]), FakeServer::with_responder()] {
        let mut server = server;
        assert_eq!(server.client.hand_over(server.now, LARGE), Err(SendFailure::NoPeer));
    }
}

/// What still waits for the WebSocket counts until that is gone, which may be the last thing that makes
/// room.
#[test]
fn the_end_of_the_websocket_makes_room_on_the_channel() {
    for (mut server, mut peer, mut channel) in
        in_task_with(true, |config| ClientConfig { max_queue_size: 100_000, ..config })
    {
        let payload = || Payload::from_bytes(&[7; 90_000]);
        server.client.send_application(payload()).unwrap();
        server.client.hand_over(server.now, LARGE).unwrap();
        peer.send(&mut server, &handover());
        assert_eq!(server.events(), [Event::HandedOver]);
        assert_eq!(server.client.send_application(payload()), Err(SendFailure::QueueFull));
        server.client.handle_socket_end(SocketEnd::Lost("cut".into()));
        assert_eq!(server.events(), [Event::Writable]);
        server.client.send_application(payload()).unwrap();
        assert_eq!(channel.take(&mut server), []);
        assert_eq!(channel.read().len(), 1);
    }
}

/// Covers W-034 W-035.
/// Covers O-044 O-045.
#[test]
fn server_counts_for_nothing_after_the_handover() {
    for (mut server, mut peer, mut channel) in in_task() {
        hand_over(&mut server, &mut peer);
        // Until then its messages are welcome.
        let other = if server.role() == Role::Initiator { Some(9) } else { None };
        if let Some(id) = other {
            server.new_responder(id);
            server.expect_drop(id, 3004);
        }
        peer.send(&mut server, &handover());
        assert_eq!(server.events(), [Event::HandedOver]);
        assert!(server.client.wants_input() && server.client.socket_closes());
        server.disconnected(peer.out.source);
        server.send_raw(b"nonsense");
        server.client.handle_text();
        server.client.handle_socket_end(SocketEnd::Lost("cut".into()));
        server.client.handle_socket_end(SocketEnd::CloseFrame(Some(1001)));
        server.wait(2 * HANDOVER_TIMEOUT);
        assert_eq!((server.client.state(), server.events()), (ClientState::Task, vec![]));
        channel.send(&mut server, &application("still there"));
        assert_eq!(server.events(), [event("still there")]);
    }
}

/// Covers W-095 W-096 W-097.
/// Covers O-129 O-130 O-131.
#[test]
fn close_ends_the_channel_from_either_side() {
    for (mut server, mut peer, mut channel) in in_task() {
        let mut other = server.client.secure_channel(5).unwrap();
        both(&mut server, &mut peer);
        server.client.close();
        let end = closed(ClosedBy::Us, Some(1001), EndReason::Requested);
        assert_eq!(channel.take(&mut server), [end]);
        assert!(channel.closed() && server.client.over());
        let messages = channel.read();
        assert_eq!(messages.last().unwrap().1, Msg::new("close").with("reason", 1001));
        assert_eq!(other.encrypt(b"still works").unwrap()[16..18], [0, 5]);
    }
    for (mut server, mut peer, mut channel) in in_task() {
        both(&mut server, &mut peer);
        channel.send(&mut server, &Msg::new("close").with("reason", 1001));
        let reason = EndReason::PeerClosed(CloseCode::GoingAway);
        let end = closed(ClosedBy::Peer, Some(1001), reason);
        assert_eq!(channel.take(&mut server), [end]);
        assert!(channel.closed() && channel.read().is_empty());
    }
}

/// Covers W-050 W-055.
/// Covers O-056 O-061.
#[test]
fn nonsense_on_the_channel_is_an_error_of_the_peer() {
    type Chunks = Vec<Vec<u8>>;
    let break_it: [fn(&mut FakeChannel) -> Chunks; 5] = [
        |_| vec![vec![0xff; 20]],
        |_| vec![vec![1, 0, 0, 0, 0, 0, 0, 0, 0]],
        |channel| {
            let sealed = channel.seal(b"no map");
            channel.chunks(&sealed, 50)
        },
        |channel| {
            channel.id = 1;
            channel.message(&application("on another channel"))
        },
        |channel| {
            let mut chunks = channel.message(&application("forged"));
            *chunks[1].last_mut().unwrap() ^= 1;
            chunks
        },
    ];
    for make in break_it {
        for (mut server, mut peer, mut channel) in in_task() {
            both(&mut server, &mut peer);
            for chunk in make(&mut channel) {
                server.client.handle_channel_message(server.now, &chunk);
            }
            let events = channel.take(&mut server);
            let [Event::Closed(end)] = &events[..] else { panic!("{events:?}") };
            assert!(matches!(end.reason, EndReason::PeerProtocolError(_)), "{end}");
            assert_eq!(channel.read()[0].1, Msg::new("close").with("reason", 3001));
            assert!(channel.closed());
        }
    }
}

/// Covers W-031.
/// Covers O-041 O-025.
#[test]
fn memory_for_what_waits_is_bounded() {
    fn small(config: ClientConfig) -> ClientConfig {
        ClientConfig { max_message_size: 5000, max_queue_size: 10_000, ..config }
    }
    // Before the peer's 'handover'.
    let (mut server, _, mut channel) = in_task_with(true, small).remove(0);
    let mut sent = 0;
    while server.client.state() == ClientState::Task {
        channel.send(&mut server, &application(bin(&[7; 2000])));
        sent += 2000;
        assert!(sent < 30_000);
    }
    assert!(sent > 20_000);
    server.client.handle_socket_end(SocketEnd::Lost("cut".into()));
    let events = server.events();
    let Some(Event::Closed(end)) = events.last() else { panic!("{events:?}") };
    assert!(end.to_string().contains("before its 'handover'"), "{end}");

    // Afterwards, if the application takes no events. A driver that asks loses nothing.
    let (mut server, mut peer, mut channel) = in_task_with(true, small).remove(0);
    both(&mut server, &mut peer);
    let mut sent = 0;
    while server.client.wants_channel_input() {
        channel.send(&mut server, &application(bin(&[7; 2000])));
        sent += 1;
        assert!(sent < 20);
    }
    assert!(server.client.has_waiting_input());
    let got = server.events().len();
    assert_eq!((got, server.client.state()), (sent, ClientState::Task));
    assert!(server.client.wants_channel_input() && !server.client.has_waiting_input());

    // Messages that are begun and never ended.
    for i in 0..1000_u32 {
        let chunk = [&[0][..], &i.to_be_bytes(), &[0; 4], &[7; 100]].concat();
        server.client.handle_channel_message(server.now, &chunk);
    }
    assert_eq!(server.client.state(), ClientState::Closed);
}

#[test]
fn limits_hold_on_the_channel_too() {
    let (mut server, mut peer, mut channel) =
        in_task_with(true, |config| ClientConfig { max_queue_size: 100_000, ..config }).remove(0);
    both(&mut server, &mut peer);
    let payload = |size| Payload::from_bytes(&vec![7; size]);
    let failure = server.client.send_application(payload(1 << 20));
    assert!(matches!(failure, Err(SendFailure::TooLarge { .. })), "{failure:?}");
    server.client.send_application(payload(90_000)).unwrap();
    let failure = server.client.send_application(payload(90_000));
    assert_eq!(failure, Err(SendFailure::QueueFull));
    assert_eq!(channel.take(&mut server), [Event::Writable]);
    server.client.send_application(payload(90_000)).unwrap();
    channel.take(&mut server);
    assert_eq!(channel.read().len(), 2);
}

/// Covers W-036.
/// Covers O-046.
#[test]
fn without_a_channel_the_server_goes_on() {
    for (mut server, mut peer, _) in in_task() {
        for _ in 0..3 {
            server.client.handle_channel_closed();
        }
        server.wait(10 * HANDOVER_TIMEOUT);
        server.client.send_application(Payload::from_text("hello")).unwrap();
        assert_eq!(peer.read(&mut server), application("hello"));
        peer.send(&mut server, &application("hello"));
        assert_eq!(server.events(), [event("hello")]);
        // A later channel may do better.
        both(&mut server, &mut peer);
    }
}

#[test]
fn lost_message_to_the_peer_takes_the_channel_with_it() {
    for (mut server, mut peer, mut channel) in in_task() {
        hand_over(&mut server, &mut peer);
        server.send_error(peer.out.source);
        let events = channel.take(&mut server);
        assert!(channel.closed());
        let how = PeerLeft::Unreachable;
        assert!(
            matches!(events[..], [_, Event::PeerLeft { how: h, .. }] if h == how),
            "{events:?}"
        );
        // Nothing of the old session is left.
        assert_eq!(server.client.hand_over(server.now, LARGE), Err(SendFailure::NoPeer));
        server.disconnected(peer.out.source);
        assert_eq!(server.client.poll_timeout(), None);
    }
}

/// Covers W-057.
/// Covers O-063.
#[test]
fn all_messages_travel_over_the_channel() {
    let config = |config| with_task(config, webrtc::NAME);
    let initiator = config(keys::initiator_with_token());
    let (mut pair, a, b) = Pair::met(initiator, config(keys::responder_with_token()));
    for id in [a, b] {
        pair.act(id, |client, now| client.hand_over(now, 0)).unwrap();
    }
    pair.settle();
    let offer = SessionDescription::new(SdpType::Offer, "v=0 offer");
    let answer = SessionDescription::new(SdpType::Answer, "v=0 answer");
    let candidates = [Some(Candidate { candidate: "candidate:1".into(), ..Default::default() })];
    for id in [a, b] {
        assert!(pair.client(id).handed_over() && pair.in_task(id));
        assert_eq!(pair.close_codes(id), [CloseCode::Handover]);
        pair.take_events(id);
    }
    pair.act(a, |client, _| webrtc::send_offer(client, &offer)).unwrap();
    pair.act(b, |client, _| webrtc::send_answer(client, &answer)).unwrap();
    for id in [a, b] {
        pair.act(id, |client, now| webrtc::send_candidates(client, now, &candidates)).unwrap();
        pair.act(id, |client, _| client.send_application(Payload::from_text("hello"))).unwrap();
    }
    fn carry(pair: &mut Pair, from: usize, to: usize) -> Vec<Event> {
        for event in pair.take_events(from) {
            if let Event::SignallingChannel(ChannelTransmit::Message(chunk)) = event {
                pair.act(to, |client, now| client.handle_channel_message(now, &chunk));
            }
        }
        std::iter::from_fn(|| pair.client(to).poll_event()).collect()
    }
    // What arrives is told apart from what is to be sent.
    let mut arrived = |from: usize, to: usize| {
        pair.nodes[to].takes_events = false;
        let events = carry(&mut pair, from, to);
        pair.nodes[to].takes_events = true;
        events
    };
    let candidates = Event::Task(TaskEvent::Candidates(candidates.to_vec()));
    let answer = Event::Task(TaskEvent::Answer(answer));
    let offer = Event::Task(TaskEvent::Offer(offer));
    assert_eq!(arrived(a, b), [offer, candidates.clone(), event("hello")]);
    assert_eq!(arrived(b, a), [answer, candidates, event("hello")]);
    pair.act(a, |client, _| client.close());
    let events = carry(&mut pair, a, b);
    let reason = EndReason::PeerClosed(CloseCode::GoingAway);
    let end = closed(ClosedBy::Peer, Some(1001), reason);
    assert!(events.is_empty() && pair.take_events(b).contains(&end), "{events:?}");
}

/// With an engine of the library's own the channel is polled, the engine says when it is time for the
/// good-bye, and the end of the channel is waited for.
#[test]
fn engine_takes_what_is_for_the_channel_and_tells_of_its_end() {
    for (mut server, mut peer, mut channel) in in_task_with(true, |config| ClientConfig {
        channel_driver: ChannelDriver::Polled,
        ..config
    }) {
        both(&mut server, &mut peer);
        server.client.send_application(Payload::from_text("hello")).unwrap();
        server.client.close();
        assert_eq!(server.events(), []);
        assert!(server.client.has_channel_transmits() && !server.client.over());
        let mut read = |server: &mut FakeServer| {
            let transmits = std::iter::from_fn(|| server.client.poll_channel_transmit());
            channel.received.extend(transmits);
            assert!(!server.client.has_channel_transmits());
            let messages: Vec<Msg> = channel.read().into_iter().map(|(_, msg)| msg).collect();
            (messages, channel.closed())
        };
        assert_eq!(read(&mut server), (vec![application("hello")], false));
        assert!(server.client.holds_goodbye() && !server.client.is_leaving());
        server.client.release_goodbye();
        assert!(!server.client.holds_goodbye() && server.client.is_leaving());
        let close = Msg::new("close").with("reason", 1001);
        assert_eq!(read(&mut server), (vec![close], true));
        server.client.handle_channel_closed();
        let end = closed(ClosedBy::Us, Some(1001), EndReason::Requested);
        assert_eq!(server.events(), [end]);
    }
}

/// The same over the server, and not before there is a peer.
#[test]
fn engine_says_when_it_is_time_for_the_good_bye_over_the_server() {
    let with_engine = |config| ClientConfig { channel_driver: ChannelDriver::Polled, ..config };
    for (mut server, mut peer, _) in in_task_with(true, with_engine) {
        server.client.send_application(Payload::from_text("hello")).unwrap();
        server.client.close();
        assert_eq!(peer.read(&mut server), application("hello"));
        assert_eq!(server.client.poll_transmit(), None);
        assert!(server.client.holds_goodbye());
        server.client.release_goodbye();
        assert_eq!(peer.read(&mut server), Msg::new("close").with("reason", 1001));
        assert_eq!(server.client.poll_transmit(), Some(Transmit::Close(CloseCode::GoingAway)));
    }
    let mut server = FakeServer::new(with_engine(keys::initiator_with_token())).ready(&[]);
    server.client.close();
    assert!(!server.client.holds_goodbye());
    assert_eq!(server.client.poll_transmit(), Some(Transmit::Close(CloseCode::GoingAway)));
}

/// The driver stops, whatever the client waits for.
#[test]
fn nothing_waits_for_a_driver_that_gave_up() {
    for (mut server, mut peer, _) in in_task() {
        both(&mut server, &mut peer);
        server.client.abandon("no more".into());
        let events = server.events();
        let [Event::Closed(end)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(end.reason, EndReason::ConnectionLost("no more".into()));
    }
    for (mut server, mut peer, _) in in_task_with(true, |config| ClientConfig {
        channel_driver: ChannelDriver::Polled,
        ..config
    }) {
        both(&mut server, &mut peer);
        server.client.close();
        assert!(!server.client.is_leaving());
        server.client.abandon("no more".into());
        assert!(server.client.is_leaving());
        let events = server.events();
        let [Event::Closed(end)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(end.reason, EndReason::Requested);
        assert!(server.client.over() && server.client.poll_channel_transmit().is_none());
    }
}
