//! All parsers of messages. What was parsed has to survive being written and parsed again.
//!
//! `cargo +nightly fuzz run messages`

#![no_main]

use libfuzzer_sys::fuzz_target;
use saltyrtc::crypto::PublicKey;
use saltyrtc::protocol::Role;
use saltyrtc::protocol::message::{
    ClientAuth, ClientHello, DropResponder, InitiatorAuth, Key, Notification, Payload,
    ResponderAuth, ServerAuth, ServerHello, TaskData, TaskMessage, Token,
};
use saltyrtc::task::ortc::OrtcMessage;
use saltyrtc::task::webrtc::{Options, WebRtcMessage};
use saltyrtc::task::{ChannelFraming, Ortc, Task, WebRtc};

macro_rules! round_trip {
    ($parsed:expr, $parse:expr) => {
        if let Ok(message) = $parsed {
            let data = message.serialise();
            assert_eq!($parse(&data[..]).as_ref(), Ok(&message));
        }
    };
}

fn webrtc_tasks() -> [WebRtc; 2] {
    let options = || Options { exclude: vec![0, 2], handover: true };
    let good = "excluding two ids, and no limit";
    [WebRtc::v1(options()).expect(good), WebRtc::v0(options(), 0).expect(good)]
}

/// Whatever a peer says, the channel is one that we can have.
fn webrtc_data(data: &TaskData) {
    for mut task in webrtc_tasks() {
        if task.start(Role::Initiator, data).is_ok()
            && let Some(channel) = task.signalling_channel()
        {
            assert!(channel.id < 65535 && channel.id != 0 && channel.id != 2);
            assert!(!matches!(channel.framing, ChannelFraming::Chunks { max: 0..=9 }));
        }
    }
}

/// The same.
fn ortc_data(data: &TaskData) {
    let mut task = ortc_task();
    if task.start(Role::Responder, data).is_ok()
        && let Some(channel) = task.signalling_channel()
    {
        assert!(channel.id < 65535 && channel.id != 0 && channel.id != 2);
    }
}

fn ortc_task() -> Ortc {
    let options = Options { exclude: vec![0, 2], handover: true };
    Ortc::new(options).expect("excluding two ids is good")
}

fn ortc_message(message: &TaskMessage) {
    let mut task = ortc_task();
    let peer = task.data();
    task.start(Role::Initiator, &peer).expect("our own data is good");
    let parsed = OrtcMessage::parse(message.as_msgpack());
    assert_eq!(task.handle_message(message.clone()).is_ok(), parsed.is_ok());
}

/// A task takes what the parser takes, but for what only the other role may send.
fn webrtc_message(message: &TaskMessage) {
    let parsed = WebRtcMessage::parse(message.as_msgpack());
    for role in [Role::Initiator, Role::Responder] {
        for mut task in webrtc_tasks() {
            let peer = task.data();
            task.start(role, &peer).expect("our own data is good");
            let wrong_role = match &parsed {
                Ok(WebRtcMessage::Offer(_)) => role == Role::Initiator,
                Ok(WebRtcMessage::Answer(_)) => role == Role::Responder,
                _ => false,
            };
            let event = task.handle_message(message.clone());
            assert_eq!(event.is_ok(), parsed.is_ok() && !wrong_role);
        }
    }
}

fuzz_target!(|data: &[u8]| {
    round_trip!(ServerHello::parse(data), ServerHello::parse);
    round_trip!(ClientHello::parse(data), ClientHello::parse);
    round_trip!(ClientAuth::parse(data), ClientAuth::parse);
    round_trip!(DropResponder::parse(data), DropResponder::parse);
    round_trip!(Token::parse(data), Token::parse);
    round_trip!(ResponderAuth::parse(data), ResponderAuth::parse);
    round_trip!(WebRtcMessage::parse(data), WebRtcMessage::parse);
    round_trip!(OrtcMessage::parse(data), OrtcMessage::parse);
    for role in [Role::Initiator, Role::Responder] {
        round_trip!(ServerAuth::parse(data, role), |data| ServerAuth::parse(data, role));
        let _ = Notification::parse(data, role);
    }
    let permanent = PublicKey::from_bytes([9; 32]).expect("not of low order");
    round_trip!(Key::parse(data, &permanent), |data| Key::parse(data, &permanent));
    let offered = || ["a", "b"].into_iter();
    round_trip!(InitiatorAuth::parse(data, offered()), |data| InitiatorAuth::parse(
        data,
        offered()
    ));

    if let Ok(payload) = Payload::from_msgpack(data.to_vec()) {
        let _ = (payload.as_bytes(), payload.as_text());
        assert_eq!(payload.as_msgpack(), data);
    }
    if let Ok(task_data) = TaskData::from_map(data.to_vec()) {
        assert_eq!(task_data.as_map(), Some(data));
        webrtc_data(&task_data);
        ortc_data(&task_data);
    }
    if let Ok(message) = TaskMessage::from_msgpack(data.to_vec()) {
        let _ = (message.kind(), message.field("p"), message.field("type"));
        assert_eq!(message.as_msgpack(), data);
        webrtc_message(&message);
        ortc_message(&message);
    }
});
