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

macro_rules! round_trip {
    ($parsed:expr, $parse:expr) => {
        if let Ok(message) = $parsed {
            let data = message.serialise();
            assert_eq!($parse(&data[..]).as_ref(), Ok(&message));
        }
    };
}

fuzz_target!(|data: &[u8]| {
    round_trip!(ServerHello::parse(data), ServerHello::parse);
    round_trip!(ClientHello::parse(data), ClientHello::parse);
    round_trip!(ClientAuth::parse(data), ClientAuth::parse);
    round_trip!(DropResponder::parse(data), DropResponder::parse);
    round_trip!(Token::parse(data), Token::parse);
    round_trip!(ResponderAuth::parse(data), ResponderAuth::parse);
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
    }
    if let Ok(message) = TaskMessage::from_msgpack(data.to_vec()) {
        let _ = (message.kind(), message.field("p"), message.field("type"));
        assert_eq!(message.as_msgpack(), data);
    }
});
