//! The server, a client with the built-in engine, and the hostile peer.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use rmpv::Value;
use saltyrtc::chunking::{Chunker, Mode};
use saltyrtc::client::{
    self, Client, Closed, Config, Event, RtcConfig, SendFailure, WebRtcSendFailure,
};
use saltyrtc::crypto::{KeyPair, OsRandom};
use saltyrtc::protocol::message::{Payload, TaskData, TaskMessage};
use saltyrtc::protocol::{ChannelTransmit, Role, SecureChannel, ServerUrl};
use saltyrtc::rtc;
use saltyrtc::rtc::association::{ChannelConfig, ChannelId, MessageKind, SctpConfig};
use saltyrtc::server::{Server, ServerConfig};
use saltyrtc::task::webrtc::{Candidate, Options, SdpType, SessionDescription};
use saltyrtc::task::{
    ChannelEvent, ChannelFailure, ConnectionEvent, ConnectionFailure, ConnectionProblem,
    ConnectionState, CustomTask, TaskEvent, WebRtc,
};

use super::memory::Memory;
use super::wire::Wire;

/// Nothing here takes long; this is for the case that something never happens.
const NEVER: Duration = Duration::from_secs(90);

/// What is to be on the scene.
pub struct Plan {
    /// The role of the hostile peer.
    pub role: Role,
    /// `a=setup` of the hostile peer.
    pub setup: &'static str,
    /// The SCTP of the hostile peer.
    pub sctp: SctpConfig,
    /// Whether the hostile peer wants the handover.
    pub handover: bool,
    /// Whether the task of the hostile peer is one that sends anything: with [`Scene::send_message`] alone.
    pub anything: bool,
    pub victim: RtcConfig,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            role: Role::Initiator,
            setup: "actpass",
            sctp: SctpConfig { remote_max_message_size: 0, ..SctpConfig::default() },
            handover: false,
            anything: false,
            victim: RtcConfig::default(),
        }
    }
}

/// See the module.
pub struct Scene {
    pub memory: Memory,
    pub victim: Client,
    /// Whether the application of the victim takes events.
    pub victim_reads: bool,
    /// The events of the victim that nobody has asked for yet.
    pub unseen: VecDeque<Event>,
    pub hostile: Client,
    /// Whether the events of the hostile peer's client are taken.
    hostile_reads: bool,
    /// What the hostile peer's client has to tell, without what the scene does by itself.
    pub heard: VecDeque<Event>,
    /// The descriptions that the victim sent.
    pub descriptions: Vec<String>,
    pub wire: Wire,
    /// Whether offers are answered, and descriptions and candidates used.
    pub cooperative: bool,
    pub signalling: Option<ChannelId>,
    _server: Server,
}

/// What is known of a channel that the hostile peer has opened.
pub struct Opened {
    pub id: ChannelId,
    /// Its number at the victim.
    pub number: u32,
    pub secure: SecureChannel,
    pub chunker: Chunker,
}

impl Opened {
    /// A message as it should be on the wire.
    pub fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        let mut message = Vec::new();
        self.chunker.begin_single_chunk(&mut message);
        message.extend(self.secure.encrypt(plain).expect("numbers are left"));
        message
    }
}

enum Step {
    Victim(Option<Event>),
    Hostile(Option<Event>),
    Socket,
    Time,
}

impl Scene {
    /// The clients have done their handshake.
    pub async fn new(plan: Plan) -> Self {
        let memory = Memory::watch().await;
        let server = Server::start(ServerConfig::new("127.0.0.1:0".parse().unwrap())).unwrap();
        let url = ServerUrl::parse(&format!("ws://{}", server.local_addr().unwrap())).unwrap();
        let keys = || KeyPair::generate(&mut OsRandom);
        let initiator = Config::initiator(url, keys());
        let responder = Config::responder(initiator.invitation().unwrap(), keys());
        let offers = plan.role == Role::Initiator;
        let (hostile, victim) =
            if offers { (initiator, responder) } else { (responder, initiator) };
        let options = Options { handover: plan.handover, ..Options::default() };
        let rtc = RtcConfig { addresses: vec!["127.0.0.1".parse().unwrap()], ..plan.victim };
        let victim = Client::connect(victim.with_rtc(rtc).unwrap()).unwrap();
        let hostile = match plan.anything {
            false => hostile.with_task(WebRtc::v1(options).unwrap()),
            true => hostile.with_task(anything()),
        };
        let mut scene = Self {
            memory,
            victim,
            victim_reads: true,
            unseen: VecDeque::new(),
            hostile: Client::connect(hostile).unwrap(),
            // Not before the scene is cooperative: an offer may come at once, and has to be answered.
            hostile_reads: false,
            heard: VecDeque::new(),
            descriptions: Vec::new(),
            wire: Wire::new(offers, plan.setup, plan.sctp).await,
            // Not before the peers know each other.
            cooperative: false,
            signalling: None,
            _server: server,
        };
        scene
            .event("handshake", |event| {
                matches!(event, Event::PeerHandshakeDone { .. }).then_some(())
            })
            .await;
        scene.hostile_reads = true;
        scene
            .heard("handshake", |event| {
                matches!(event, Event::PeerHandshakeDone { .. }).then_some(())
            })
            .await;
        scene.cooperative = true;
        scene
    }

    /// There is a connection, and nothing hostile has happened yet.
    pub async fn connected(plan: Plan) -> Self {
        let mut scene = Self::new(plan).await;
        scene.connect().await;
        scene
    }

    /// Makes a connection as it should be.
    pub async fn connect(&mut self) {
        if self.wire.agent.is_controlling() {
            self.send_description(SdpType::Offer, self.wire.description());
        }
        self.state(ConnectionState::Connected).await;
        self.until("connected", |scene| scene.wire.connected().then_some(())).await;
    }

    /// Lets everything run until `check` has found something.
    pub async fn until<T>(
        &mut self,
        what: &str,
        mut check: impl FnMut(&mut Self) -> Option<T>,
    ) -> T {
        let end = Instant::now() + NEVER;
        loop {
            self.drive();
            if let Some(found) = check(self) {
                self.drive();
                return found;
            }
            self.drive();
            let now = Instant::now();
            assert!(now < end, "{what} never happened; {:?}", self.unseen);
            let deadline = self.wire.deadline().map_or(end, |at| at.min(end));
            let Self { victim, hostile, wire, .. } = self;
            let step = tokio::select! {
                event = victim.next_event(), if self.victim_reads && !victim.ended() => Step::Victim(event),
                event = hostile.next_event(), if self.hostile_reads && !hostile.ended() => Step::Hostile(event),
                _ = wire.socket.readable() => Step::Socket,
                () = tokio::time::sleep_until(deadline.into()) => Step::Time,
            };
            match step {
                Step::Victim(event) => self.unseen.extend(event),
                Step::Hostile(event) => {
                    if let Some(event) = event {
                        self.handle(event);
                    }
                }
                Step::Socket => self.wire.receive(),
                Step::Time => {}
            }
        }
    }

    fn drive(&mut self) {
        self.wire.drive();
        if self.cooperative {
            let candidates = std::mem::take(&mut self.wire.candidates);
            let candidates: Vec<_> = candidates.into_iter().map(Some).collect();
            self.send_candidates(candidates);
        }
    }

    /// What the client of the hostile peer tells.
    fn handle(&mut self, event: Event) {
        match event {
            Event::Task(TaskEvent::Offer(description) | TaskEvent::Answer(description)) => {
                let sdp = description.sdp().expect("a description").to_owned();
                let rejects = sdp.contains("\r\nm=application 0 ");
                if self.cooperative && !rejects {
                    self.wire.handle_description(&sdp);
                    if description.kind() == SdpType::Offer {
                        self.send_description(SdpType::Answer, self.wire.description());
                    }
                }
                self.descriptions.push(sdp);
            }
            Event::Task(TaskEvent::Candidates(candidates)) => {
                if self.cooperative {
                    for candidate in candidates.iter().flatten() {
                        self.wire.handle_candidate(&candidate.candidate);
                    }
                }
            }
            Event::SignallingChannel(transmit) => {
                let (Some(id), Some(association)) = (self.signalling, &mut self.wire.association)
                else {
                    return;
                };
                let now = Instant::now();
                match transmit {
                    ChannelTransmit::Message(message) => {
                        association.send(now, id, MessageKind::Binary, message).expect("room");
                    }
                    ChannelTransmit::Close => association.close(now, id),
                }
            }
            event => self.heard.push_back(event),
        }
    }

    pub fn send_description(&mut self, kind: SdpType, sdp: impl Into<String>) {
        let description = SessionDescription::new(kind, sdp);
        let sent = match kind {
            SdpType::Offer => self.hostile.send_offer(&description),
            _ => self.hostile.send_answer(&description),
        };
        sent.expect("a client that takes it");
    }

    pub fn send_candidates(&mut self, lines: Vec<Option<String>>) {
        let candidate = |candidate| Candidate {
            candidate,
            sdp_mid: Some("0".into()),
            sdp_m_line_index: Some(0),
            username_fragment: None,
        };
        let candidates: Vec<_> = lines.into_iter().map(|line| line.map(candidate)).collect();
        if !candidates.is_empty() {
            match self.hostile.send_candidates(&candidates) {
                // The victim can be faster to have closed it, because of what was sent before.
                Ok(()) | Err(WebRtcSendFailure::Message(SendFailure::Closed)) => {}
                Err(error) => panic!("a client that takes them: {error}"),
            }
        }
    }

    /// A message of the task, as it is.
    pub fn send_message(&mut self, fields: &[(&str, Value)]) {
        let map = fields.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, &Value::Map(map)).unwrap();
        let message = TaskMessage::from_msgpack(bytes).unwrap();
        self.hostile.send_task_message(&message).expect("a client that takes it");
    }

    /// The first event of the victim that `pick` is happy with, whether it came already or not.
    pub async fn event<T>(&mut self, what: &str, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
        self.until(what, |scene| take(&mut scene.unseen, &mut pick)).await
    }

    /// The same of the hostile peer's client.
    pub async fn heard<T>(&mut self, what: &str, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
        self.until(what, |scene| take(&mut scene.heard, &mut pick)).await
    }

    pub async fn state(&mut self, wanted: ConnectionState) {
        self.event(&format!("{wanted:?}"), |event| {
            is_state(event).is_some_and(|state| *state == wanted).then_some(())
        })
        .await;
    }

    /// The connection fails; returns why.
    pub async fn failed(&mut self) -> ConnectionFailure {
        self.event("failure", |event| match is_state(event) {
            Some(ConnectionState::Failed(why)) => Some(why.clone()),
            _ => None,
        })
        .await
    }

    pub async fn problem(&mut self) -> ConnectionProblem {
        self.event("problem", is_problem).await
    }

    pub async fn problem_text(&mut self) -> String {
        self.problem().await.to_string()
    }

    /// How many problems there were that nobody has asked for.
    pub fn problems(&self) -> usize {
        self.unseen.iter().filter(|event| is_problem(event).is_some()).count()
    }

    pub async fn channel<T>(
        &mut self,
        what: &str,
        mut pick: impl FnMut(&ChannelEvent) -> Option<T>,
    ) -> T {
        self.event(what, |event| match event {
            Event::Task(TaskEvent::Channel(event)) => pick(event),
            _ => None,
        })
        .await
    }

    pub async fn message(&mut self, of: u32) -> (bool, Vec<u8>) {
        self.channel("message", |event| match event {
            ChannelEvent::Message { channel, text, data } if *channel == of => {
                Some((*text, data.to_vec()))
            }
            _ => None,
        })
        .await
    }

    /// The channel is closed; returns why.
    pub async fn channel_closed(&mut self, of: u32) -> Option<ChannelFailure> {
        self.channel("end of the channel", |event| match event {
            ChannelEvent::Closed { channel, error } if *channel == of => Some(error.clone()),
            _ => None,
        })
        .await
    }

    pub async fn end(&mut self) -> Closed {
        self.event("end", |event| match event {
            Event::Closed(closed) => Some(closed.clone()),
            _ => None,
        })
        .await
    }

    /// The hostile peer opens a channel.
    pub async fn open(&mut self, config: ChannelConfig) -> Opened {
        let wanted = config.label.clone();
        let id = self.association().open(Instant::now(), config).expect("a channel");
        let number = self
            .channel("opening", |event| match event {
                ChannelEvent::Opened { channel, label, .. } if *label == wanted => Some(*channel),
                _ => None,
            })
            .await;
        let secure = self.hostile.secure_channel(id.get()).expect("a session");
        Opened { id, number, secure, chunker: Chunker::new(Mode::UnreliableUnordered) }
    }

    pub async fn open_named(&mut self, label: &str) -> Opened {
        self.open(ChannelConfig { label: label.into(), ..ChannelConfig::default() }).await
    }

    pub fn association(&mut self) -> &mut rtc::association::Association {
        self.wire.association.as_mut().expect("an association")
    }

    /// Sends on a channel, waiting for room.
    pub async fn send(&mut self, id: ChannelId, kind: MessageKind, data: impl Into<bytes::Bytes>) {
        use saltyrtc::rtc::association::SendError;
        let data = data.into();
        self.until("room", |scene| {
            match scene.association().send(Instant::now(), id, kind, data.clone()) {
                Ok(()) => Some(()),
                Err(SendError::QueueFull) => None,
                Err(error) => panic!("{error}"),
            }
        })
        .await;
    }

    /// The channel carries messages, both ways.
    pub async fn works(&mut self, channel: &mut Opened) {
        let message = channel.seal(b"are you there?");
        self.send(channel.id, MessageKind::Binary, message).await;
        assert_eq!(self.message(channel.number).await.1, b"are you there?");
        self.victim.channel_send_bytes(channel.number, b"yes").unwrap();
        self.until("answer", |scene| {
            use saltyrtc::rtc::association::AssociationEvent;
            let position = scene.wire.events.iter().position(
                |event| matches!(event, AssociationEvent::Message { id, .. } if *id == channel.id),
            );
            position.and_then(|index| scene.wire.events.remove(index))
        })
        .await;
    }

    /// The engine ends with the client, a moment later.
    pub async fn is_over(&mut self, channel: u32) {
        use client::ChannelError::{NoEngine, NotOpen};
        self.until("end of the engine", |scene| {
            let engine = scene.victim.open_channel(client::ChannelOptions::new("too late"));
            let sent = scene.victim.channel_send_bytes(channel, b"too late");
            (engine == Err(NoEngine) && sent == Err(NotOpen)).then_some(())
        })
        .await;
    }

    /// The victim is as good as before: the signalling goes both ways.
    pub async fn signalling_works(&mut self) {
        self.hostile.send_application(Payload::from_text("are you there?")).unwrap();
        self.event("question", |event| matches!(event, Event::Application(_)).then_some(())).await;
        self.victim.send_application(Payload::from_text("yes")).unwrap();
        self.heard("answer", |event| matches!(event, Event::Application(_)).then_some(())).await;
    }
}

/// A task that is called like that of WebRTC.
fn anything() -> CustomTask {
    let data = Value::Map(vec![
        ("exclude".into(), Value::Array(Vec::new())),
        ("handover".into(), false.into()),
    ]);
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, &data).unwrap();
    CustomTask::new("v1.webrtc.tasks.saltyrtc.org", TaskData::from_map(bytes).unwrap()).unwrap()
}

pub fn take<T>(
    events: &mut VecDeque<Event>,
    mut pick: impl FnMut(&Event) -> Option<T>,
) -> Option<T> {
    let index = events.iter().position(|event| pick(event).is_some())?;
    events.remove(index).as_ref().and_then(pick)
}

pub fn is_state(event: &Event) -> Option<&ConnectionState> {
    match event {
        Event::Task(TaskEvent::Connection(ConnectionEvent::State(state))) => Some(state),
        _ => None,
    }
}

fn is_problem(event: &Event) -> Option<ConnectionProblem> {
    match event {
        Event::Task(TaskEvent::Connection(ConnectionEvent::Problem(problem))) => {
            Some(problem.clone())
        }
        _ => None,
    }
}
