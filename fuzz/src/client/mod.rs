//! A client in any state, between a server and peers that do what an input says.

mod content;
mod peer;
mod watch;

use std::time::{Duration, Instant};

use saltyrtc::crypto::{KeyPair, SharedKey};
use saltyrtc::protocol::client::{
    ChannelDriver, ClientState, EndReason, PeerAuth, PeerLeft, RoleConfig, SocketEnd,
    WhenPeerLeaves,
};
use saltyrtc::protocol::message::{
    ClientAuth, Disconnected, DropResponder, NewInitiator, NewResponder, SendError, ServerAuth,
    ServerAuthRole, ServerHello,
};
use saltyrtc::protocol::{
    Address, ChannelFraming, ChannelTransmit, Cookie, DropReason, Nonce, ResponderAddress, Role,
    SignallingChannel, Transmit,
};
use saltyrtc::task::{Client, ClientConfig, Event};

use crate::input::{Action, Input};
use crate::keys::{self, Counter};
use crate::relation::{Flaw, Relation, Seal};
use peer::Peer;
use watch::Watch;

/// Peers at most. An initiator has that many responders; of the initiators of a responder there is one.
const PEERS: u8 = 4;
/// Timers of a client that nothing happens to, at most.
const TIMERS: usize = 1000;

/// The client and its world.
pub struct Scene {
    mark: fn(&str),
    now: Instant,
    client: Client,
    own: KeyPair,
    watch: Watch,
    takes_events: bool,
    /// The application has taken everything at once in this session.
    prompt: bool,
    server: Relation,
    server_key: SharedKey,
    /// What the client said in 'client-auth'.
    client_cookie: Option<Cookie>,
    greeted: bool,
    peers: Vec<Peer>,
    /// How many peers there have been.
    incarnations: u8,
    tasks: u8,
    /// The tokens that were armed.
    token: u8,
    trusted: bool,
    /// The channel that the client handed over to, with the size that it was told.
    channel: Option<(SignallingChannel, usize)>,
}

impl Scene {
    /// A client whose WebSocket is open. The first bytes of the input say what kind.
    pub fn new(input: &mut Input<'_>, mark: fn(&str)) -> Self {
        let (kind, tasks, options) = (input.byte(), input.byte(), input.byte());
        let initiator = kind & 1 == 0;
        let trusted = kind & 2 != 0;
        let own = if initiator { keys::initiator() } else { keys::responder() };
        let role = if initiator {
            let invited = keys::responder();
            let token = PeerAuth::Token(keys::token(0));
            let responder = if trusted { PeerAuth::Trusted(*invited.public()) } else { token };
            RoleConfig::Initiator { responder }
        } else {
            let token = (!trusted).then(|| keys::token(0));
            RoleConfig::Responder { initiator: *keys::initiator().public(), token }
        };
        let flag = |bit: u8| options >> bit & 1 != 0;
        let config = ClientConfig {
            tasks: content::tasks(tasks),
            server_key: flag(0).then(|| *keys::pair(6).public()),
            when_peer_leaves: if flag(1) { WhenPeerLeaves::Close } else { WhenPeerLeaves::Wait },
            channel_driver: if flag(2) {
                ChannelDriver::Polled
            } else {
                ChannelDriver::Application
            },
            max_queue_size: if flag(3) { 600 } else { 100_000 },
            max_message_size: if flag(4) { 4096 } else { 1 << 20 },
            ..ClientConfig::new(role, own.clone())
        };
        let mut client =
            Client::new(config, Box::new(Counter(1 << 20))).expect("a good configuration");
        let now = Instant::now();
        client.handle_connected(now);
        Self {
            mark,
            now,
            client,
            watch: Watch::default(),
            takes_events: true,
            prompt: true,
            server: Relation::new(1, 0, 0),
            server_key: keys::shared(&own, &keys::pair(5)),
            client_cookie: None,
            greeted: false,
            peers: Vec::new(),
            incarnations: 0,
            own,
            tasks,
            token: 0,
            trusted,
            channel: None,
        }
    }

    fn initiator(&self) -> bool {
        self.client.role() == Role::Initiator
    }

    /// The address of the peer with this number.
    fn address(&self, number: u8) -> u8 {
        if self.initiator() { 2 + number % PEERS } else { 1 }
    }

    fn peer(&mut self, number: u8) -> Option<&mut Peer> {
        let address = self.address(number);
        self.peers.iter_mut().find(|peer| peer.out.source == address)
    }

    /// A peer with this number comes, in place of the one before.
    fn join(&mut self, number: u8) {
        let address = self.address(number);
        self.peers.retain(|peer| peer.out.source != address);
        self.incarnations = self.incarnations.wrapping_add(1);
        let mut peer = Peer::new(address, self.incarnations, &self.own, self.tasks);
        peer.token = (self.initiator() && !self.trusted).then(|| keys::token(self.token));
        self.peers.push(peer);
    }

    fn receive(&mut self, message: &[u8]) {
        if self.client.wants_input() {
            self.client.handle_message(self.now, message);
            self.drain();
        }
    }

    /// The server says this to the client.
    fn serve(&mut self, plain: &[u8], flaw: Flaw) {
        let message = self.server.message(Seal::Key(&self.server_key), plain, flaw);
        self.receive(&message);
    }

    /// Takes everything that the client has to say and to tell, and gives it to whom it is for.
    fn drain(&mut self) {
        let role = self.client.role();
        while let Some(transmit) = self.client.poll_transmit() {
            self.watch.transmit(&transmit, role);
            if let Transmit::Message(message) = transmit {
                self.hear(&message);
            }
        }
        if !self.takes_events {
            return;
        }
        let mut events = 0;
        while let Some(event) = self.client.poll_event() {
            events += 1;
            assert!(events < 5000, "events without end");
            self.tell(&event);
        }
        while let Some(transmit) = self.client.poll_channel_transmit() {
            self.carry(&transmit);
            if transmit == ChannelTransmit::Close {
                self.client.handle_channel_closed();
                return self.drain();
            }
        }
        self.watch.check(&mut self.client);
    }

    fn hear(&mut self, message: &[u8]) {
        let Some((nonce, bytes, data)) = Nonce::split(message) else { return };
        if nonce.destination != Address::SERVER {
            let peer = self.peers.iter_mut().find(|peer| peer.out.source == nonce.destination.0);
            peer.into_iter().for_each(|peer| peer.hear(message));
            return;
        }
        let Ok(plain) = self.server_key.open(bytes, data) else { return };
        if ClientAuth::parse(&plain).is_ok() {
            self.client_cookie = Some(nonce.cookie);
        } else {
            let drop = DropResponder::parse(&plain).expect("nothing else is for the server");
            assert!(self.initiator());
            (self.mark)("drop-responder");
            self.peers.retain(|peer| peer.out.source != Address::from(drop.id).0);
        }
    }

    fn tell(&mut self, event: &Event) {
        match event {
            Event::PeerHandshakeDone { .. } => {
                (self.mark)("session");
                self.channel = None;
                self.prompt = true;
            }
            Event::PeerLeft { how, .. } => {
                let (initiator, had_peer) = (self.initiator(), self.watch.in_session());
                (self.mark)(match (initiator, had_peer) {
                    (true, _) => "lose_peer",
                    (false, true) => "initiator_left in session",
                    (false, false) => "initiator_left",
                });
                (self.mark)(match how {
                    PeerLeft::Disconnected => "left: disconnected",
                    PeerLeft::Unreachable => "left: unreachable",
                    PeerLeft::Replaced => "left: replaced",
                    PeerLeft::Dropped => "left: dropped",
                });
            }
            Event::Task(_) => (self.mark)("message of the task"),
            Event::HandedOver => (self.mark)("handover"),
            Event::ResponderFailed { .. } => (self.mark)("responder failed"),
            Event::Closed(closed) => match closed.reason {
                EndReason::PeerClosed(_) => (self.mark)("closed by the peer"),
                EndReason::HandoverTimeout => (self.mark)("handover timeout"),
                EndReason::SignallingChannelLost => (self.mark)("signalling channel lost"),
                EndReason::PeerProtocolError(_) => (self.mark)("peer broke the protocol"),
                _ => {}
            },
            _ => {}
        }
        if let Some(transmit) = self.watch.event(event, self.client.role()) {
            let transmit = transmit.clone();
            self.carry(&transmit);
        }
    }

    /// The client wants this of the data channel that it has handed over to.
    fn carry(&mut self, transmit: &ChannelTransmit) {
        let (ChannelTransmit::Message(piece), Some((channel, size))) = (transmit, self.channel)
        else {
            return;
        };
        let whole = match channel.framing {
            ChannelFraming::Whole => true,
            ChannelFraming::Chunks { .. } => false,
            ChannelFraming::AsTransportTakes { .. } => size == 0,
        };
        let (now, prompt) = (self.now, self.prompt);
        if let Some(session) = self.session_peer()
            && let Some(message) = session.hear_channel(now, channel, whole, piece)
        {
            assert!(message.is_some() || !prompt, "sealed for the peer, in order");
            (self.mark)("message over the channel");
        }
    }

    /// Who has authenticated itself last, or is about to.
    fn session_peer(&mut self) -> Option<&mut Peer> {
        let key = *self.client.peer_key()?;
        let ready =
            |peer: &&mut Peer| *peer.permanent.public() == key && peer.session_key.is_some();
        self.peers.iter_mut().rfind(ready)
    }

    /// The next message of the server's handshake.
    fn server_goes_on(&mut self, variant: u8, flaw: Flaw) {
        if !self.greeted {
            self.greeted = true;
            let hello = ServerHello { key: *keys::pair(5).public() }.serialise();
            let message = self.server.message(Seal::Nothing, &hello, flaw);
            return self.receive(&message);
        }
        let Some(your_cookie) = self.client_cookie else { return };
        if self.client.state() != ClientState::ServerHandshake {
            return;
        }
        self.server.destination = if self.initiator() { 1 } else { 2 };
        let present = (0..PEERS).filter(|number| variant >> number & 1 != 0);
        let present = present.collect::<Vec<_>>();
        present.iter().for_each(|number| self.join(*number));
        let role = if self.initiator() {
            let address = |number| ResponderAddress::new(2 + number);
            let responders = present.into_iter().filter_map(address).collect();
            ServerAuthRole::Initiator { responders }
        } else {
            ServerAuthRole::Responder { initiator_connected: !present.is_empty() }
        };
        let signed_keys = Some(self.signed_keys());
        self.serve(&ServerAuth { your_cookie, signed_keys, role }.serialise(), flaw);
    }

    /// The signature for the next message.
    fn signed_keys(&self) -> [u8; ServerAuth::SIGNED_KEYS_BYTES] {
        let plain = [*keys::pair(5).public().as_bytes(), *self.own.public().as_bytes()].concat();
        let nonce = self.server.clone().message(Seal::Nothing, &[], Flaw::default());
        let nonce = nonce.first_chunk().expect("a nonce");
        let sealed = keys::shared(&self.own, &keys::pair(6)).seal(nonce, &plain);
        sealed.try_into().expect("two keys in a box")
    }

    fn notify(&mut self, variant: u8, number: u8, flaw: Flaw) {
        let address = self.address(number);
        let plain = match variant % 8 {
            0 | 1 if self.initiator() => {
                self.join(number);
                let id = ResponderAddress::new(address).expect("the address of a responder");
                NewResponder { id }.serialise()
            }
            0 | 1 => {
                self.join(0);
                NewInitiator.serialise()
            }
            2 | 3 => {
                self.peers.retain(|peer| peer.out.source != address);
                Disconnected { id: Address(address) }.serialise()
            }
            4 | 5 => {
                let own = if self.initiator() { 1 } else { 2 };
                let never = [own, address, 0xff, 0, 0, 0, 0, 9];
                let last = self.peer(number).and_then(|peer| peer.last);
                SendError { id: last.unwrap_or(never) }.serialise()
            }
            // For the other role.
            6 => NewInitiator.serialise(),
            _ => NewResponder { id: ResponderAddress::new(2).expect("one") }.serialise(),
        };
        let told = flaw.is_none() && variant % 8 < 4 && self.client.state() == ClientState::Task;
        let leaves = told && self.watch.peer == Some(address) && !self.client.handed_over();
        let leaves = leaves && self.takes_events && self.client.wants_input();
        self.serve(&plain, flaw);
        assert!(!leaves || self.client.peer_key().is_none(), "the peer is gone");
    }

    /// The peer says what it has to say until it is authenticated: once, or all of it.
    fn peer_goes_on(&mut self, number: u8, flaw: Flaw, all: bool) {
        for _ in 0..if all { 4 } else { 1 } {
            let message = self.peer(number).and_then(|peer| peer.next_message(flaw));
            let Some(message) = message else { return };
            self.receive(&message);
        }
    }

    fn peer_says(&mut self, kind: u8, number: u8, data: &[u8], flaw: Flaw) {
        let plain = content::message(kind, data);
        let message = self.peer(number).and_then(|peer| peer.session_message(&plain, flaw));
        if let Some(message) = message {
            self.receive(&message);
        }
    }

    /// Something comes over the data channel for the signalling.
    fn channel_says(&mut self, kind: u8, data: &[u8], raw: bool) {
        let Ok(channel) = self.client.signalling_channel() else { return };
        if !self.client.wants_channel_input() {
            return;
        }
        let pieces = match self.session_peer() {
            _ if raw => vec![data.to_vec()],
            Some(peer) => peer.channel_message(channel, &content::message(kind, data)),
            None => return,
        };
        for piece in pieces {
            self.client.handle_channel_message(self.now, &piece);
            self.drain();
        }
    }

    fn command(&mut self, variant: u8, number: u8, data: &[u8]) {
        let now = self.now;
        let reason = [DropReason::DroppedByInitiator, DropReason::ProtocolError];
        match variant {
            0 => {
                self.token = number & 7;
                if self.client.arm_token(keys::token(self.token)).is_ok() {
                    self.trusted = false;
                }
            }
            1 => _ = self.client.issue_token(),
            2 => self.trusted |= self.client.trust_peer(now).is_ok(),
            3 => {
                let key = *keys::pair(1 + number % 4).public();
                self.trusted |= self.client.trust_key(now, key).is_ok();
            }
            4 => {
                let address = self.address(number);
                if let Some(address) = ResponderAddress::new(address) {
                    let _ = self.client.drop_responder(address, reason[usize::from(number >> 7)]);
                }
            }
            5 => self.client.set_low_water(usize::from(number)),
            6 => {
                let sealed = self.client.encrypt_for_peer(data);
                if let Ok(sealed) = sealed {
                    let opened = self.client.decrypt_from_peer(&sealed);
                    assert_eq!(opened.expect("a session").as_deref(), Ok(data));
                }
                let _ = self.client.decrypt_from_peer(data);
                let _ = self.client.secure_channel(number.into());
            }
            7 => self.client.close(),
            8 => self.client.release_goodbye(),
            9 => self.client.abandon("the driver gives up".into()),
            _ => self.hand_over(if variant & 1 == 0 { 1000 } else { number.into() }),
        }
    }

    fn hand_over(&mut self, size: usize) {
        let channel = self.client.signalling_channel();
        if self.client.hand_over(self.now, size).is_ok() {
            self.channel = channel.ok().map(|channel| (channel, size));
        }
    }

    fn wait(&mut self, time: Option<Duration>) {
        let due = self.client.poll_timeout();
        self.now = match time {
            Some(time) => self.now + time,
            None => due.unwrap_or(self.now).max(self.now),
        };
        self.client.handle_timeout(self.now);
        let next = self.client.poll_timeout();
        assert!(next.is_none_or(|next| next > self.now), "a timer that is due for ever");
    }

    /// One thing that happens.
    pub fn act(&mut self, action: Action<'_>) {
        let Action { what, number, data } = action;
        let variant = what >> 4;
        let (flaw, rest) = Flaw::read(data);
        match what & 15 {
            0 => self.server_goes_on(number, flaw),
            1 => self.notify(variant, number, flaw),
            2 => self.peer_goes_on(number, flaw, false),
            3 => self.peer_goes_on(number, Flaw::default(), true),
            4 => self.peer_says(variant, number, data, Flaw::default()),
            5 => self.peer_says(variant, number, rest, flaw),
            6 => self.channel_says(variant, data, false),
            7 if variant & 1 == 0 => self.channel_says(0, data, true),
            7 => self.client.handle_channel_closed(),
            8 => self.command(variant, number, data),
            9 => {
                let sent = content::send(&mut self.client, self.now, variant, data);
                assert!(!sent || self.watch.in_session() || !self.takes_events);
            }
            10 if variant == 0 => self.wait(None),
            10 => self.wait(Some(Duration::from_millis(u64::from(number) * 100))),
            11 => {
                let message = match variant % 3 {
                    0 => data.to_vec(),
                    1 => self.server.message(Seal::Nothing, rest, flaw),
                    _ => self.server.message(Seal::Key(&self.server_key), rest, flaw),
                };
                self.receive(&message);
            }
            12 => self.peer_seals(variant, number, rest, flaw),
            13 => {
                self.takes_events = variant & 1 != 0;
                self.prompt &= self.takes_events;
            }
            // Comes back, and is let in if it may be.
            14 => {
                self.notify(0, number, Flaw::default());
                self.peer_goes_on(number, Flaw::default(), true);
            }
            _ => match variant {
                0 => self.client.handle_text(),
                1..=3 => {
                    let code = 3000 + u16::from(number % 10);
                    self.client.handle_socket_end(SocketEnd::CloseFrame(Some(code)));
                }
                4 => self.client.handle_socket_end(SocketEnd::Lost(String::new())),
                _ => {}
            },
        }
        self.drain();
    }

    /// A peer seals anything with any of its keys.
    fn peer_seals(&mut self, variant: u8, number: u8, plain: &[u8], flaw: Flaw) {
        let token = keys::token(self.token);
        let Some(peer) = self.peer(number) else { return };
        let permanent = peer.permanent_key();
        let session = peer.session_key.clone();
        let seal = match (variant % 3, &session) {
            (0, _) => Seal::Token(&token),
            (1, Some(session)) => Seal::Key(session),
            _ => Seal::Key(&permanent),
        };
        let message = peer.out.message(seal, plain, flaw);
        self.receive(&message);
    }

    /// Nothing happens any more, or the end: the client ends in every way that it can.
    pub fn end(mut self, how: u8) {
        self.takes_events = true;
        self.drain();
        if how & 4 != 0 {
            let mut timers = 0;
            while self.client.poll_timeout().is_some() {
                self.wait(None);
                self.drain();
                timers += 1;
                assert!(timers < TIMERS, "timers without end");
            }
        }
        match how & 3 {
            0 => self.client.close(),
            1 => self.client.abandon("it is enough".into()),
            _ => {}
        }
        self.client.release_goodbye();
        self.drain();
        // What the client does not end by itself ends around it.
        if how & 3 == 0 && !self.watch.closed {
            assert!(self.watch.socket_closed || self.watch.handed_over || self.channel.is_some());
        }
        self.client.handle_socket_end(SocketEnd::Lost(String::new()));
        self.drain();
        self.client.handle_channel_closed();
        self.drain();
        assert!(self.watch.closed && self.client.ended(), "it does not end");
    }
}
