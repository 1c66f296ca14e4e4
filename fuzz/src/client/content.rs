//! What two clients say to each other in a session.

use std::time::Instant;

use saltyrtc::protocol::message::{Application, Close, Payload, TaskData, TaskMessage};
use saltyrtc::protocol::{CloseCode, Task};
use saltyrtc::task::webrtc::{self, WebRtcMessage};
use saltyrtc::task::webrtc::{Candidate, Candidates, Options, SdpType, SessionDescription};
use saltyrtc::task::{Client, CustomTask, Ortc, RelayedData, TaskEvent, WebRtc, relayed_data};

/// A list of tasks that both clients offer.
pub fn tasks(choice: u8) -> Vec<Box<dyn Task<TaskEvent>>> {
    const GOOD: &str = "good options";
    let handover = choice & 8 == 0;
    let exclude = if choice & 16 == 0 { Vec::new() } else { vec![0, 1] };
    let options = Options { exclude, handover };
    match choice % 8 {
        0 => vec![Box::new(RelayedData)],
        1 | 2 => vec![Box::new(WebRtc::v1(options).expect(GOOD)), Box::new(RelayedData)],
        3 => vec![Box::new(WebRtc::v0(options, 0).expect(GOOD))],
        4 => vec![Box::new(WebRtc::v0(options, 100).expect(GOOD))],
        5 => vec![Box::new(Ortc::new(options).expect(GOOD))],
        6 => {
            vec![Box::new(CustomTask::new("custom", TaskData::NIL).expect(GOOD))]
        }
        _ => vec![Box::new(RelayedData), Box::new(WebRtc::v1(options).expect(GOOD))],
    }
}

/// A message of a session.
pub fn message(kind: u8, data: &[u8]) -> Vec<u8> {
    let payload = Payload::from_bytes(data);
    let text = || String::from_utf8_lossy(data).into_owned();
    match kind % 12 {
        0 | 1 => Application { data: payload }.serialise(),
        2 | 3 => RelayedData::message(&payload).as_msgpack().to_vec(),
        4 => WebRtcMessage::Offer(SessionDescription::new(SdpType::Offer, text())).serialise(),
        5 => WebRtcMessage::Answer(SessionDescription::new(SdpType::Answer, text())).serialise(),
        6 => WebRtcMessage::Candidates(candidates(data)).serialise(),
        7 | 8 => b"\x81\xa4type\xa8handover".to_vec(),
        9 => {
            let number = usize::from(data.first().copied().unwrap_or(1));
            let reason = CloseCode::ALL[number % CloseCode::ALL.len()];
            Close { reason }.serialise()
        }
        10 => [b"\x82\xa4type\xa1x\xa1p\xc4".as_slice(), &[data.len() as u8], data].concat(),
        _ => data.to_vec(),
    }
}

fn candidates(data: &[u8]) -> Candidates {
    let candidate = |byte: &u8| {
        (byte % 4 != 0).then(|| Candidate {
            candidate: format!("candidate:{byte}"),
            sdp_mid: Some("0".into()),
            sdp_m_line_index: (byte % 3 == 0).then_some(0),
            username_fragment: None,
        })
    };
    let all = data.iter().take(20).map(candidate).collect();
    Candidates::new(all).unwrap_or_else(|| Candidates::new(vec![None]).expect("one of them"))
}

/// The application sends something; whether it did.
pub fn send(client: &mut Client, now: Instant, kind: u8, data: &[u8]) -> bool {
    let payload = Payload::from_bytes(data);
    let text = || String::from_utf8_lossy(data).into_owned();
    match kind % 6 {
        0 => client.send_application(payload).is_ok(),
        1 => relayed_data::send(client, &payload).is_ok(),
        2 => {
            let offer = SessionDescription::new(SdpType::Offer, text());
            webrtc::send_offer(client, &offer).is_ok()
        }
        3 => {
            let answer = SessionDescription::new(SdpType::Answer, text());
            webrtc::send_answer(client, &answer).is_ok()
        }
        4 => webrtc::send_candidates(client, now, &candidates(data).into_inner()).is_ok(),
        _ => TaskMessage::from_msgpack(message(10, data))
            .is_ok_and(|message| client.send_task_message(&message).is_ok()),
    }
}
