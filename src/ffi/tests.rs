//! What tests in C cannot see, or only with undefined behaviour.

use std::ffi::c_char;
use std::net::TcpListener;
use std::ptr;
use std::thread;

use super::args;
use super::client::config::*;
use super::client::{saltyrtc_client, saltyrtc_client_free, saltyrtc_client_new};
use super::declare::CEnum as _;
use super::error::*;
use super::event::OwnedEvent;
use super::queue::Basket;
use super::status::{saltyrtc_retry, saltyrtc_status, saltyrtc_status_retry};
use crate::client::{Closed, ClosedBy, EndReason, Event};
use crate::protocol::CloseCode;
use crate::protocol::message::{Payload, TaskMessage};
use crate::task::webrtc::{Candidate, SdpType, SessionDescription};
use crate::task::{ChannelEvent, Reliability, TaskEvent};

fn ok(status: saltyrtc_status) {
    assert_eq!(status, saltyrtc_status::Ok);
}

/// A client that is connecting to a server which never says anything.
fn connecting_client(server: &TcpListener) -> *mut saltyrtc_client {
    let url = format!("ws://{}\0", server.local_addr().unwrap());
    let (mut config, mut client) = (ptr::null_mut(), ptr::null_mut());
    let none = ptr::null_mut();
    unsafe {
        ok(saltyrtc_config_new_initiator(url.as_ptr().cast(), ptr::null(), &mut config, none));
        ok(saltyrtc_config_add_relayed_data_task(config, none));
        ok(saltyrtc_client_new(config, None, ptr::null_mut(), None, &mut client, none));
        saltyrtc_config_free(config);
    }
    client
}

/// A thread that is inside of saltyrtc_client_next_event holds its own count of the queue.
#[test]
fn freeing_a_client_wakes_the_thread_that_waits_for_its_events() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = connecting_client(&server);
    let queue = unsafe { &*client }.own_queue().unwrap().clone();
    let waiting =
        thread::spawn(move || queue.take(&mut Basket::for_events(1), None).unwrap_err().status);
    unsafe { saltyrtc_client_free(client) };
    assert_eq!(waiting.join().unwrap(), saltyrtc_status::NoMoreEvents);
}

fn failure_of(result: Outcome<impl Sized>) -> (saltyrtc_status, String) {
    let failure = result.err().expect("it fails");
    (failure.status, failure.text)
}

#[test]
fn wrong_arguments_are_named() {
    let null = saltyrtc_status::NullArgument;
    let bad = saltyrtc_status::BadArgument;
    unsafe {
        let (status, text) = failure_of(args::handle(ptr::null::<u8>(), "thing"));
        assert!(status == null && text.contains("thing"), "{text}");
        let (status, text) = failure_of(args::text(ptr::null(), "name"));
        assert!(status == null && text.contains("name"), "{text}");
        let (status, text) = failure_of(args::text(c"\xff".as_ptr(), "name"));
        assert!(status == bad && text.contains("name") && text.contains("UTF-8"), "{text}");
        let (status, text) = failure_of(args::bytes(ptr::null(), 1, "data"));
        assert!(status == null && text.contains("data"), "{text}");
        let (status, text) = failure_of(args::bytes(b"x".as_ptr(), usize::MAX, "data"));
        assert!(status == bad && text.contains("data"), "{text}");
        assert_eq!(args::bytes(ptr::null(), 0, "data").unwrap(), b"");
        assert_eq!(args::text_bytes(ptr::null(), 0, "text").unwrap(), "");
        assert_eq!(args::text_bytes(b"a\0b".as_ptr().cast(), 3, "text").unwrap(), "a\0b");
        assert_eq!(args::optional_text_bytes(c"".as_ptr(), 0, "text").unwrap(), Some(""));
        assert_eq!(args::optional_text_bytes(ptr::null(), 0, "text").unwrap(), None);
        let (status, text) = failure_of(args::optional_text_bytes(ptr::null(), 1, "name"));
        assert!(status == null && text.contains("name"), "{text}");
        let (status, text) = failure_of(args::text_bytes(c"\xff".as_ptr(), 1, "name"));
        assert!(status == bad && text.contains("name") && text.contains("UTF-8"), "{text}");
        let (status, text) = failure_of(args::public_key([0; 32].as_ptr(), "peer"));
        assert!(status == saltyrtc_status::BadKey && text.contains("peer"), "{text}");
        let (status, text) = failure_of(args::timeout(0, "timeout_ms"));
        assert!(status == bad && text.contains("timeout_ms"), "{text}");
    }
}

#[test]
fn buffers_say_how_much_they_need_and_are_never_overrun() {
    let mut memory = [0x55_u8; 8];
    let text = memory.as_mut_ptr().cast::<c_char>();
    let mut needed = 99;
    for capacity in [0, 1, 5] {
        let buffer = unsafe { args::text_buffer(text, capacity, &mut needed) };
        let (status, _) = failure_of(buffer.fill_text("hello"));
        assert_eq!((status, needed), (saltyrtc_status::BufferTooSmall, 6));
        assert_eq!(memory[1..], [0x55; 7]);
    }
    let buffer = unsafe { args::text_buffer(ptr::null_mut(), 100, ptr::null_mut()) };
    assert_eq!(failure_of(buffer.fill_text("hello")).0, saltyrtc_status::BufferTooSmall);
    let buffer = unsafe { args::text_buffer(text, 6, &mut needed) };
    buffer.fill_text("hello").unwrap();
    assert_eq!((&memory, needed), (b"hello\0\x55\x55", 6));
    // Nothing fits anywhere, even into no buffer at all.
    let buffer = unsafe { args::buffer(ptr::null_mut(), 0, &mut needed) };
    buffer.fill(b"").unwrap();
    assert_eq!(needed, 0);
}

fn data(event: &OwnedEvent) -> &[u8] {
    let event = unsafe { &*event.as_ptr() };
    unsafe { args::bytes(event.data, event.data_len, "data") }.unwrap()
}

#[test]
fn payloads_are_unwrapped_by_their_type() {
    use super::event::{saltyrtc_event_kind as Kind, saltyrtc_payload as Type};
    let map = vec![0x81, 0xa4, b't', b'y', b'p', b'e', 0xa1, b'x'];
    let message = TaskMessage::from_msgpack(map.clone()).unwrap();
    let value = Payload::from_msgpack(vec![0x2a]).unwrap();
    for (event, kind, payload, content) in [
        (
            Event::Application(Payload::from_bytes(b"ab")),
            Kind::Application,
            Type::Bytes,
            &b"ab"[..],
        ),
        (Event::Application(Payload::from_text("ab")), Kind::Application, Type::Text, b"ab"),
        (Event::Task(TaskEvent::Data(value)), Kind::Data, Type::Msgpack, &[0x2a]),
        (Event::Task(TaskEvent::Message(message)), Kind::TaskMessage, Type::Msgpack, &map),
        (Event::Writable, Kind::Writable, Type::None, b""),
    ] {
        let owned = OwnedEvent::new(0, event);
        let flat = unsafe { &*owned.as_ptr() };
        assert_eq!((flat.kind, flat.payload, data(&owned)), (kind, payload, content));
        assert_eq!(flat.struct_size, size_of_val(flat));
    }
}

/// A text of an event, with the NUL that ends it.
fn text<'a>(text: *const c_char, len: usize) -> &'a str {
    assert_eq!(unsafe { *text.add(len) }, 0);
    unsafe { args::text_bytes(text, len, "text") }.unwrap()
}

/// What a peer chose is not cut at a NUL.
#[test]
fn texts_of_peers_are_whole() {
    let opened = ChannelEvent::Opened {
        channel: 1,
        label: "a\0b".into(),
        protocol: "\0".into(),
        ordered: true,
        reliability: Reliability::Reliable,
        secure: true,
        by_peer: true,
    };
    let owned = OwnedEvent::new(0, Event::Task(TaskEvent::Channel(opened)));
    let flat = unsafe { &*owned.as_ptr() };
    assert_eq!(text(flat.label, flat.label_len), "a\0b");
    assert_eq!(text(flat.channel_protocol, flat.channel_protocol_len), "\0");

    let offer = SessionDescription::new(SdpType::Offer, "v=0\0s");
    let owned = OwnedEvent::new(0, Event::Task(TaskEvent::Offer(offer)));
    let flat = unsafe { &*owned.as_ptr() };
    assert_eq!(text(flat.sdp, flat.sdp_len), "v=0\0s");

    let candidate = Candidate {
        candidate: "x\0".into(),
        sdp_mid: Some(String::new()),
        sdp_m_line_index: None,
        username_fragment: Some("\0y".into()),
    };
    let owned = OwnedEvent::new(0, Event::Task(TaskEvent::Candidates(vec![Some(candidate)])));
    let flat = unsafe { &*(*owned.as_ptr()).candidates };
    assert_eq!(text(flat.candidate, flat.candidate_len), "x\0");
    assert_eq!(text(flat.sdp_mid, flat.sdp_mid_len), "");
    assert_eq!(text(flat.username_fragment, flat.username_fragment_len), "\0y");
}

#[test]
fn the_end_keeps_its_code_its_author_and_its_reason() {
    let reason = EndReason::ConnectionLost("no\0way".into());
    let closed = Closed { by: ClosedBy::Server, code: Some(3004), reason };
    let owned = OwnedEvent::new(0, Event::Closed(closed));
    let flat = unsafe { &*owned.as_ptr() };
    assert_eq!((flat.status, flat.close_code), (saltyrtc_status::ConnectionLost, 3004));
    assert_eq!(flat.closed_by, super::event::saltyrtc_closed_by::Server);
    assert!(flat.retryable);
    assert_eq!(text(flat.text, flat.text_len), "the connection to the server broke: no\0way");
}

/// The two tables agree, the one for Rust and the one for C.
#[test]
fn every_end_has_a_status_that_says_whether_to_try_again() {
    use crate::client::{ConnectError, Retry};
    let server = || "example.org:443".to_owned();
    let why = || "why".to_owned();
    let status = |status| ConnectError::Status { server: server(), status };
    let mut connecting = vec![
        (ConnectError::InvalidHost { host: why() }, Retry::Never),
        (ConnectError::UnknownHost { host: why(), why: why() }, Retry::Later),
        (ConnectError::Refused { server: server() }, Retry::Later),
        (ConnectError::Unreachable { server: server(), why: why() }, Retry::Later),
        (ConnectError::Interrupted { server: server(), why: why() }, Retry::Later),
        (ConnectError::TimedOut { server: server(), after: Default::default() }, Retry::Later),
        (ConnectError::Certificate { server: server(), why: why() }, Retry::Never),
        (ConnectError::NoRoots { why: why() }, Retry::Never),
        (ConnectError::ProxyRefused { proxy: server(), why: why() }, Retry::Never),
        (ConnectError::InvalidProxy { why: why() }, Retry::Never),
        (ConnectError::Tls { server: server(), why: why() }, Retry::Never),
        (ConnectError::NotAWebSocket { server: server(), why: why() }, Retry::Never),
        (ConnectError::NoSubprotocol { server: server() }, Retry::Never),
    ];
    connecting.extend([301, 400, 404].map(|code| (status(code), Retry::Never)));
    connecting.extend([429, 500, 502, 503, 504].map(|code| (status(code), Retry::Later)));
    let mut reasons = vec![
        (EndReason::Requested, Retry::Never),
        (EndReason::PeerClosed(CloseCode::GoingAway), Retry::Later),
        (EndReason::PeerLeft, Retry::AtOnce),
        (EndReason::PeerUnreachable, Retry::AtOnce),
        (EndReason::NoSharedTask, Retry::Never),
        (EndReason::PeerProtocolError(why()), Retry::Never),
        (EndReason::ServerProtocolError(why()), Retry::Never),
        (EndReason::ServerKey(why()), Retry::Never),
        (EndReason::AccusedOfProtocolError, Retry::Never),
        (EndReason::RemoteInternalError, Retry::Later),
        (EndReason::PathFull, Retry::Later),
        (EndReason::DroppedByInitiator, Retry::Never),
        (EndReason::ReplacedByInitiator, Retry::Never),
        (EndReason::InitiatorCouldNotDecrypt, Retry::Never),
        (EndReason::ServerHandshakeTimeout, Retry::Later),
        (EndReason::PeerHandshakeTimeout, Retry::Later),
        (EndReason::HandshakeDisturbed(why()), Retry::Later),
        (EndReason::ServerTimeout, Retry::AtOnce),
        (EndReason::ServerGoingAway, Retry::Later),
        (EndReason::MessageTooBig, Retry::Never),
        (EndReason::ReceivedTooBig, Retry::Never),
        (EndReason::NoSubprotocol, Retry::Never),
        (EndReason::ServerClosed(None), Retry::Later),
        (EndReason::ConnectionLost(why()), Retry::AtOnce),
        (EndReason::SequenceNumbersUsedUp, Retry::AtOnce),
        (EndReason::SignallingChannelLost, Retry::AtOnce),
        (EndReason::HandoverTimeout, Retry::Later),
    ];
    reasons.extend(connecting.into_iter().map(|(it, retry)| (EndReason::ConnectFailed(it), retry)));
    for (reason, retry) in reasons {
        assert_eq!(reason.retry(), retry, "{reason:?}");
        let status = saltyrtc_status::from(&reason);
        let expected = match retry {
            Retry::Never => saltyrtc_retry::Never,
            Retry::Later => saltyrtc_retry::Later,
            Retry::AtOnce => saltyrtc_retry::AtOnce,
        };
        assert_eq!(saltyrtc_status_retry(status.number()), expected, "{reason:?}");
        let closed = Closed { by: ClosedBy::Us, code: None, reason };
        let owned = OwnedEvent::new(0, Event::Closed(closed.clone()));
        let flat = unsafe { &*owned.as_ptr() };
        assert_eq!((flat.status, flat.retryable), (status, closed.retryable()));
    }
    assert_eq!(saltyrtc_status_retry(12345), saltyrtc_retry::Never);
}

/// A Rust program that has its own receiver keeps it, and C code in it is told so.
#[test]
fn the_log_of_a_rust_program_is_not_taken_away() {
    use super::log::saltyrtc_log_set_callback;
    use super::queue::{saltyrtc_queue_free, saltyrtc_queue_new, saltyrtc_queue_set_log};
    use std::ffi::c_void;
    use std::sync::atomic::{AtomicU32, Ordering};

    unsafe extern "C" fn log(_: i32, _: *const c_char, _: *const c_char, _: *mut c_void) {}
    unsafe extern "C" fn free(count: *mut c_void) {
        unsafe { &*count.cast::<AtomicU32>() }.fetch_add(1, Ordering::Relaxed);
    }
    tracing::subscriber::set_global_default(tracing::subscriber::NoSubscriber::new())
        .expect("no other test of the library sets one");
    let freed = AtomicU32::new(0);
    let user_data = ptr::from_ref(&freed).cast_mut().cast();
    for (level, expected) in [(3, saltyrtc_status::LogTaken), (6, saltyrtc_status::BadArgument)] {
        let before = freed.load(Ordering::Relaxed);
        let none = ptr::null_mut();
        let status =
            unsafe { saltyrtc_log_set_callback(level, Some(log), user_data, Some(free), none) };
        assert_eq!(status, expected);
        assert_eq!(freed.load(Ordering::Relaxed), before + 1);
    }
    let (mut queue, none) = (ptr::null_mut(), ptr::null_mut());
    unsafe {
        ok(saltyrtc_queue_new(&mut queue, none));
        assert_eq!(saltyrtc_queue_set_log(queue, 3, 10, none), saltyrtc_status::LogTaken);
        ok(saltyrtc_queue_set_log(queue, 0, 10, none));
        saltyrtc_queue_free(queue);
    }
}
