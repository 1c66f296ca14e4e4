//! What the tests of WebRTC and ORTC share, the tasks with data channels.

use std::time::Duration;

use rmpv::Value;
use saltyrtc::protocol::client::{ClientState, Closed, ClosedBy, EndReason};
use saltyrtc::protocol::message::{TaskData, TaskMessage};
use saltyrtc::protocol::{Role, Task};
use saltyrtc::task::{ClientConfig, CustomTask, Event, TaskEvent};

use super::fake_peer::FakePeer;
use super::fake_server::FakeServer;
use super::keys;
use super::msg::{encode, map, texts};
use super::pair::{Id, Pair};

pub type Tasks = Vec<Box<dyn Task<TaskEvent>>>;

/// A task, and what an ordinary peer says of it.
pub struct Frame {
    pub name: &'static str,
    /// The data of a peer that wants the handover.
    pub data: fn() -> Value,
    pub default: fn() -> Tasks,
    pub no_handover: fn() -> Tasks,
}

/// Two clients with these tasks, after the handshake.
pub fn met(initiator: Tasks, responder: Tasks) -> (Pair, Id, Id) {
    let (mut pair, initiator, responder) = Pair::met(
        ClientConfig { tasks: initiator, ..keys::initiator_with_token() },
        ClientConfig { tasks: responder, ..keys::responder_with_token() },
    );
    pair.take_events(initiator);
    pair.take_events(responder);
    (pair, initiator, responder)
}

impl Frame {
    /// An application that speaks the task by itself, and as it likes.
    fn forger_with(&self, data: &Value) -> Tasks {
        let data = TaskData::from_map(encode(data)).unwrap();
        vec![Box::new(CustomTask::new(self.name, data).unwrap())]
    }

    pub fn forger(&self) -> Tasks {
        self.forger_with(&(self.data)())
    }

    /// A client of each role, with these tasks, and a peer that speaks for itself. The client has to tell the peer this
    /// data.
    pub fn with_fake_peers(
        &self,
        tasks: impl Fn() -> Tasks,
        expected: &Value,
    ) -> [(FakeServer, FakePeer); 2] {
        let config = |config| ClientConfig { tasks: tasks(), ..config };
        let initiator = FakeServer::new(config(keys::initiator_with_token())).ready(&[2]);
        let responder = FakeServer::new(config(keys::responder_with_token())).ready(&[1]);
        let data = |data: Value| map(&[(self.name, data)]);
        [(initiator, FakePeer::responder(2)), (responder, FakePeer::initiator())].map(
            |(mut server, mut peer)| {
                let auth = if peer.role == Role::Responder {
                    peer.up_to_auth(&mut server);
                    peer.auth_msg().with("tasks", texts(&[self.name]))
                } else {
                    peer.read_token(&mut server);
                    peer.read_key(&mut server);
                    peer.send_key(&mut server);
                    let auth = peer.read(&mut server);
                    assert_eq!(auth.field("tasks"), &texts(&[self.name]));
                    assert_eq!(auth.field("data"), &data(expected.clone()));
                    peer.auth_msg().with("task", self.name)
                };
                peer.send(&mut server, &auth.with("data", data((self.data)())));
                if peer.role == Role::Responder {
                    let auth = peer.read(&mut server);
                    assert_eq!(auth.field("task"), &Value::from(self.name));
                    assert_eq!(auth.field("data"), &data(expected.clone()));
                }
                assert_eq!(server.client.state(), ClientState::Task);
                server.events();
                (server, peer)
            },
        )
    }

    /// A peer of this role sends a message. The events of the client; or what was wrong, if it closed with 3001 and
    /// the peer was told so.
    pub fn outcome(&self, sender: Role, message: &[u8]) -> Result<Vec<Event>, String> {
        let (mut pair, initiator, responder) = match sender {
            Role::Initiator => met(self.forger(), (self.no_handover)()),
            Role::Responder => met((self.no_handover)(), self.forger()),
        };
        let (bad, good) = match sender {
            Role::Initiator => (initiator, responder),
            Role::Responder => (responder, initiator),
        };
        let message = TaskMessage::from_msgpack(message.to_vec()).unwrap();
        pair.act(bad, |client, _| client.send_task_message(&message)).unwrap();
        pair.settle();
        if pair.in_task(good) {
            return Ok(pair.take_events(good));
        }
        let Closed { by, code, reason, .. } = pair.closed(good);
        assert_eq!((by, code), (ClosedBy::Us, Some(3001)));
        assert_eq!(pair.closed(bad).reason, EndReason::AccusedOfProtocolError);
        match reason {
            EndReason::PeerProtocolError(text) => Err(text),
            reason => panic!("{reason:?}"),
        }
    }

    /// Neither role lets a peer in that says this of the task.
    pub fn expect_refused_data(&self, data: &Value, expected: &str) {
        let mut pair = Pair::new();
        let config = keys::initiator_with_token();
        let initiator = pair.connect(ClientConfig { tasks: (self.default)(), ..config });
        let config = keys::responder_with_token();
        let responder = pair.connect(ClientConfig { tasks: self.forger_with(data), ..config });
        pair.settle();
        assert!(!pair.in_task(initiator) && !pair.in_task(responder));
        let failed = pair.events(initiator).into_iter().find_map(|event| match event {
            Event::ResponderFailed { text, .. } => Some(text),
            _ => None,
        });
        assert!(failed.as_ref().is_some_and(|text| text.contains(expected)), "{failed:?}");

        let mut pair = Pair::new();
        let config = keys::initiator_with_token();
        pair.connect(ClientConfig { tasks: self.forger_with(data), ..config });
        let config = keys::responder_with_token();
        let responder = pair.connect(ClientConfig { tasks: (self.default)(), ..config });
        pair.settle();
        let EndReason::PeerProtocolError(text) = pair.closed(responder).reason else {
            panic!("{}", pair.report())
        };
        assert!(text.contains(expected), "{text}");
    }

    /// A message that is small on the wire and large in memory is not read for ever if nobody takes its event.
    pub fn expect_limited_memory(&self, message: &[u8], event: &Event) {
        let (slow, flood) = (keys::initiator_with_token(), keys::responder_with_token());
        let slow = ClientConfig { tasks: (self.default)(), max_queue_size: 200_000, ..slow };
        let flood = ClientConfig { tasks: self.forger(), ..flood };
        let (mut pair, slow, flood) = Pair::met(slow, flood);
        pair.take_events(slow);
        pair.nodes[slow].takes_events = false;
        let message = TaskMessage::from_msgpack(message.to_vec()).unwrap();
        for _ in 0..20 {
            pair.act(flood, |client, _| client.send_task_message(&message)).unwrap();
        }
        pair.settle();
        assert!(!pair.nodes[slow].client.wants_input());
        assert!(pair.nodes[slow].under_way() > 10, "only a few were read");
        pair.nodes[slow].takes_events = true;
        pair.take_waiting_events(slow);
        pair.settle();
        assert_eq!(pair.take_events(slow), vec![event.clone(); 20]);
    }
}

/// What is sent within 10 ms goes out as one message after that, and not before.
pub fn expect_one_message(pair: &mut Pair, from: Id, send: impl FnOnce(&mut Pair)) {
    let sent = pair.nodes[from].sent.len();
    send(pair);
    assert_eq!(pair.nodes[from].sent.len(), sent, "they wait for more");
    pair.advance(Duration::from_millis(10));
    assert_eq!(pair.nodes[from].sent.len(), sent + 1, "one message, after 10 ms");
    pair.settle();
}
