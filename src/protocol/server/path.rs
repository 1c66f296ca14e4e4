//! The clients of one path, and what passes between them.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::client::{Client, Stage};
use super::client_id::ClientId;
use super::config::PathConfig;
use super::event::{Cause, Event, RelayFailure, Violation};
use super::notice::Notice;
use super::outbox::{LostRelay, Next, Noticed, Relay};
use crate::crypto::{PublicKey, RandomSource};
use crate::protocol::message::{DropResponder, Fields};
use crate::protocol::{Address, CloseCode, Nonce, ResponderAddress, Role, Transmit};

/// One signalling path. See the [module](super) for how to drive it.
///
/// Time is passed in as `now` and may not run backwards. Memory is bounded per client, by
/// [`PathConfig::max_queue`], what a driver reads in one go, and a fixed amount; events are kept until they
/// are polled.
pub struct Path {
    /// For clients that connect; each one keeps what it came under.
    config: Arc<PathConfig>,
    pub(super) initiator_key: PublicKey,
    random: Box<dyn RandomSource>,
    last_id: u64,
    /// In boxes, because a map makes room for eleven of what it holds, and most paths have two.
    pub(super) clients: BTreeMap<ClientId, Box<Client>>,
    /// The authenticated initiator.
    pub(super) initiator: Option<ClientId>,
    /// The authenticated responders.
    pub(super) responders: BTreeMap<ResponderAddress, ClientId>,
    ready: VecDeque<ClientId>,
    pub(super) events: VecDeque<Event>,
    /// Clients that could not be sent something and have to go.
    failing: Vec<(ClientId, Cause)>,
    /// Clients that were paused because of somebody who is not on the path any more.
    pub(super) resuming: VecDeque<ClientId>,
    /// Clients whose queues may have room for others by now, although they took nothing.
    relieved: Vec<ClientId>,
}

/// How many bytes a message to the server may have. 'client-auth', the longest one, has some two hundred. Anybody can
/// send them, so that the work that they make is bounded before there is any.
const MAX_TO_SERVER: usize = 16 << 10;

/// What happens to messages that wait for a client whose connection is closed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// They go out before the close.
    Flush,
    /// Relayed messages go back to their senders as 'send-error'.
    Return,
    /// Like `Return`, and the server's own messages are forgotten too.
    Forget,
}

/// Whether those who knew the client are told with 'disconnected'.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tell {
    Yes,
    No,
}

impl Path {
    /// The path that the public permanent key of its initiator names. It draws session keys, cookies
    /// and sequence numbers from `random`.
    pub fn new(
        initiator_key: PublicKey,
        config: Arc<PathConfig>,
        random: Box<dyn RandomSource>,
    ) -> Self {
        Self {
            config,
            initiator_key,
            random,
            last_id: 0,
            clients: BTreeMap::new(),
            initiator: None,
            responders: BTreeMap::new(),
            ready: VecDeque::new(),
            events: VecDeque::new(),
            failing: Vec::new(),
            resuming: VecDeque::new(),
            relieved: Vec::new(),
        }
    }

    /// Changes the configuration for clients that connect from now on.
    // Spec: P-007 (Server's Permanent Key)
    pub fn set_config(&mut self, config: Arc<PathConfig>) {
        self.config = config;
    }

    /// A client has opened a WebSocket, and `subprotocol` was agreed upon. It is greeted with
    /// 'server-hello' and has to be authenticated [`PathConfig::handshake_timeout`] after `since`: now,
    /// or whenever its connection came in.
    pub fn connect(&mut self, since: Instant, subprotocol: &str) -> ClientId {
        self.last_id += 1;
        let id = ClientId(self.last_id);
        let config = self.config.clone();
        let client = Client::new(self.random.as_mut(), subprotocol, since, config);
        self.clients.insert(id, Box::new(client));
        self.mark_ready(id);
        id
    }

    /// A binary message came from a client. If the client [is paused](Self::is_paused), the message is kept
    /// until it goes on.
    pub fn handle_message(&mut self, now: Instant, id: ClientId, message: Bytes) {
        if let Err(cause) = self.receive(now, id, message) {
            self.close(id, cause);
        }
        self.settle(now);
    }

    /// A text message came from a client, which the protocol does not have.
    pub fn handle_text(&mut self, now: Instant, id: ClientId) {
        self.close(id, Violation::Text.into());
        self.settle(now);
    }

    /// A WebSocket pong came from a client.
    pub fn handle_pong(&mut self, now: Instant, id: ClientId) {
        if let Some(ping) = self.clients.get_mut(&id).and_then(|client| client.ping.as_mut()) {
            ping.pong(now);
        }
    }

    /// The WebSocket of a client is gone, whoever closed it. The client is forgotten.
    pub fn handle_closed(&mut self, now: Instant, id: ClientId) {
        let Some(client) = self.clients.get(&id) else { return };
        if !client.is_closing() {
            self.events.push_back(Event::Left { role: client.role() });
            self.leave(id, Waiting::Return, Tell::Yes);
        }
        self.clients.remove(&id);
        self.settle(now);
    }

    /// Does what is due at `now`: pings, and closing what took too long.
    pub fn handle_timeout(&mut self, now: Instant) {
        let due = |client: &Client| client.timeout().is_some_and(|due| due <= now);
        let ids: Vec<ClientId> =
            self.clients.iter().filter(|(_, client)| due(client)).map(|(id, _)| *id).collect();
        for id in ids {
            self.handle_client_timeout(now, id);
        }
    }

    /// Like [`handle_timeout`](Self::handle_timeout) for one client, for drivers with a timer for each.
    pub fn handle_client_timeout(&mut self, now: Instant, id: ClientId) {
        self.sign_of_life(now, id);
        let Some(client) = self.clients.get_mut(&id) else { return };
        let is_excused = client.is_not_read() || client.outbox.has_ping();
        if client.handshake_end.is_some_and(|end| end <= now) {
            self.close(id, Cause::HandshakeTimeout);
        } else if let Some(pause) = &client.pause
            && pause.check.is_some_and(|check| check <= now)
        {
            self.check_pause(now, id);
        } else if let Some(ping) = &mut client.ping
            && ping.due.is_some_and(|due| due <= now)
        {
            // The pong is behind what is not read, or the ping behind what was not taken.
            if ping.unanswered && is_excused {
                ping.excuse(now, client.config.pong_timeout);
            } else if ping.unanswered {
                // Spec: P-135 ('client-auth' Message)
                self.close(id, Cause::PongTimeout);
            } else {
                // Spec: P-134 ('client-auth' Message)
                ping.ping(now, client.config.pong_timeout);
                client.outbox.ping();
                self.mark_ready(id);
            }
        } else if client.is_idle(now) {
            self.close(id, Cause::Idle);
        }
        self.settle(now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) has to be called next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.clients.values().filter_map(|client| client.timeout()).min()
    }

    /// When [`handle_client_timeout`](Self::handle_client_timeout) has to be called for a client.
    pub fn client_timeout(&self, id: ClientId) -> Option<Instant> {
        self.clients.get(&id).and_then(|client| client.timeout())
    }

    /// When the message arrived that [`poll_transmit`](Self::poll_transmit) gives next for a client, and how many bytes it
    /// has; `None` if that is not a relayed one.
    pub fn next_relayed(&self, id: ClientId) -> Option<(Instant, usize)> {
        self.clients.get(&id)?.outbox.next_relayed()
    }

    /// Takes the next thing to do with the WebSocket of a client.
    pub fn poll_transmit(&mut self, id: ClientId) -> Option<Transmit> {
        let client = self.clients.get_mut(&id)?;
        let notice = match client.outbox.pop()? {
            Next::Transmit(transmit) => return Some(transmit),
            Next::Notice(notice) => notice,
        };
        match client.seal(notice) {
            Ok(message) => Some(Transmit::Message(message)),
            Err(_) if client.is_closing() => {
                client.outbox.clear();
                client.outbox.close(CloseCode::ProtocolError);
                self.poll_transmit(id)
            }
            Err(_) => {
                self.close(id, Cause::SequenceExhausted);
                self.poll_transmit(id)
            }
        }
    }

    /// Takes what is next to be done with the WebSocket of a client, like [`poll_transmit`](Self::poll_transmit): messages
    /// with a total of about `most` bytes, and what is between them. Relayed ones come with the time of their arrival;
    /// before one that has more than `longest` bytes this ends. Empty if nothing waits, if such a one is the next, and for a
    /// client that is not there.
    pub fn poll_transmits(
        &mut self,
        id: ClientId,
        most: usize,
        longest: usize,
    ) -> Vec<(Option<Instant>, Transmit)> {
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while bytes < most {
            let Some(client) = self.clients.get_mut(&id) else { break };
            bytes += client.outbox.pop_relays(most - bytes, longest, &mut taken);
            if bytes >= most || client.outbox.next_relayed().is_some() {
                break;
            }
            let Some(transmit) = self.poll_transmit(id) else { break };
            if let Transmit::Message(message) = &transmit {
                bytes += message.len();
            }
            taken.push((None, transmit));
        }
        taken
    }

    /// Names a client that got something into its queue since it was named last.
    pub fn poll_ready(&mut self) -> Option<ClientId> {
        while let Some(id) = self.ready.pop_front() {
            if let Some(client) = self.clients.get_mut(&id) {
                client.ready = false;
                return Some(id);
            }
        }
        None
    }

    /// A close is queued or was taken for this client, or it is not there at all.
    pub fn is_closing(&self, id: ClientId) -> bool {
        self.clients.get(&id).is_none_or(|client| client.is_closing())
    }

    /// The client is authenticated, and not closing.
    pub fn is_authenticated(&self, id: ClientId) -> bool {
        self.clients.get(&id).is_some_and(|client| client.role().is_some())
    }

    /// A client that is not authenticated has to make room for another one: it is closed with 3000.
    pub fn displace(&mut self, now: Instant, id: ClientId) {
        if !self.is_authenticated(id) {
            self.close(id, Cause::Displaced);
        }
        self.settle(now);
    }

    /// Takes the next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Nobody is connected any more, so that the path can be deleted.
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// Closes all connections with 1001, after what waits for them.
    pub fn shutdown(&mut self, now: Instant) {
        let ids: Vec<ClientId> = self.clients.keys().copied().collect();
        for id in ids {
            self.close_with(id, Cause::Shutdown, Waiting::Flush, Tell::No);
        }
        self.settle(now);
    }

    // Receiving

    pub(super) fn receive(
        &mut self,
        now: Instant,
        id: ClientId,
        message: Bytes,
    ) -> Result<(), Cause> {
        let Some(client) = self.clients.get_mut(&id) else { return Ok(()) };
        if client.is_closing() {
            return Ok(());
        }
        client.active = now;
        if let Some(pause) = &mut client.pause {
            pause.held.push(message);
            return Ok(());
        }
        let (nonce, nonce_bytes, data) = Nonce::split(&message).ok_or(Violation::TooShort)?;
        // Spec: P-064 P-065 (Receiving a Signalling Message)
        if nonce.source != client.address() {
            return Err(Violation::Source.into());
        }
        // Spec: P-058 (Receiving a Signalling Message)
        // Spec: P-095 (Client-to-Server Messages)
        // Spec: P-214 (Client-to-Client Messages)
        if nonce.destination != Address::SERVER {
            return self.relay(now, id, &nonce, message);
        }
        if data.len() > MAX_TO_SERVER {
            return Err(Violation::TooLong.into());
        }
        let checked = client.nonces.check(&nonce)?;
        let Stage::Authenticated { address, shared } = &client.state else {
            return self.handshake(now, id, &nonce, data, checked);
        };
        // Spec: P-085 (Receiving a Signalling Message)
        let plain = shared.open(nonce_bytes, data).map_err(|_| Violation::Undecryptable)?;
        // Spec: P-190 ('drop-responder' Message)
        if address.role() != Some(Role::Initiator) {
            return Err(Violation::NotTheInitiator.into());
        }
        let (responder, code) =
            parse_drop(&plain, client.config.accept_no_shared_task_as_drop_reason)?;
        if let Some(client) = self.clients.get_mut(&id) {
            client.nonces.commit(checked);
        }
        // Spec: P-193 ('drop-responder' Message)
        if let Some(&dropped) = self.responders.get(&responder) {
            // Spec: P-188 P-195 P-197 ('drop-responder' Message)
            // What the initiator sent before goes out before, and no 'send-error' follows: the
            // address may belong to somebody else by then.
            self.close_with(dropped, Cause::Dropped(code), Waiting::Flush, Tell::No);
        }
        Ok(())
    }

    fn relay(
        &mut self,
        now: Instant,
        sender: ClientId,
        nonce: &Nonce,
        message: Bytes,
    ) -> Result<(), Cause> {
        // Spec: P-086 (Sending a Relay Message)
        // Spec: P-215 (Client-to-Client Messages)
        // Who gets the message, and how many may send to it.
        let (receiver, senders) = match (nonce.source.role(), nonce.destination.role()) {
            (Some(Role::Initiator), Some(Role::Responder)) => {
                let address = ResponderAddress::try_from(nonce.destination).ok();
                (address.and_then(|address| self.responders.get(&address).copied()), 1)
            }
            (Some(Role::Responder), Some(Role::Initiator)) => {
                (self.initiator, self.responders.len())
            }
            // Spec: P-056 P-057 (Receiving a Signalling Message)
            _ => return Err(Violation::Destination.into()),
        };
        let failure = match receiver.and_then(|id| Some((id, self.clients.get_mut(&id)?))) {
            None => RelayFailure::NobodyThere,
            Some((id, client)) => {
                let bytes = message.len();
                // Spec: P-087 (Sending a Relay Message)
                let relay = Relay { message, sender, source: nonce.source, arrived: now };
                match client.outbox.relay(now, relay, senders, &client.config) {
                    Err((relay, full)) => match self.pause(now, id, relay, full) {
                        Ok(()) => return Ok(()),
                        Err(failure) => failure,
                    },
                    Ok(()) => {
                        client.active = now;
                        name_ready(&mut self.ready, id, client);
                        self.count_relayed(bytes);
                        return Ok(());
                    }
                }
            }
        };
        // Spec: P-088 (Sending a Relay Message)
        // Spec: P-216 (Client-to-Client Messages)
        self.fail_relay(&LostRelay { sender, identity: nonce.identity() }, failure);
        Ok(())
    }

    fn count_relayed(&mut self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        if let Some(Event::Relayed { messages, bytes: sum }) = self.events.back_mut() {
            *messages += 1;
            *sum += bytes;
        } else {
            self.events.push_back(Event::Relayed { messages: 1, bytes });
        }
    }

    // Sending

    pub(super) fn fail_relay(&mut self, lost: &LostRelay, why: RelayFailure) {
        self.events.push_back(Event::RelayFailed { why });
        self.notify(lost.sender, Notice::SendError(lost.identity));
    }

    /// Tells an authenticated client something; nothing happens for others.
    pub(super) fn notify(&mut self, id: ClientId, notice: Notice) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        if client.role().is_none() {
            return;
        }
        match client.outbox.notice(notice) {
            Noticed::Queued => self.mark_ready(id),
            Noticed::Merged => {
                self.mark_ready(id);
                self.relieved.push(id);
            }
            Noticed::Full => self.failing.push((id, Cause::TooSlow)),
        }
    }

    /// Those who know of a client with this address.
    pub(super) fn peers_of(&self, address: Address) -> Vec<ClientId> {
        match address.role() {
            None => Vec::new(),
            Some(Role::Initiator) => self.responders.values().copied().collect(),
            Some(Role::Responder) => self.initiator.into_iter().collect(),
        }
    }

    pub(super) fn mark_ready(&mut self, id: ClientId) {
        if let Some(client) = self.clients.get_mut(&id) {
            name_ready(&mut self.ready, id, client);
        }
    }

    // Leaving

    /// Closes the connections of clients that could not be sent something, and lets those go on whom such
    /// a one kept waiting. That can turn up more of both.
    pub(super) fn settle(&mut self, now: Instant) {
        loop {
            if let Some((id, cause)) = self.failing.pop() {
                self.close(id, cause);
            } else if let Some(id) = self.resuming.pop_front() {
                self.go_on(now, id);
            } else if let Some(id) = self.relieved.pop() {
                self.admit(now, id);
            } else {
                return;
            }
        }
    }

    pub(super) fn close(&mut self, id: ClientId, cause: Cause) {
        let waiting = match cause {
            Cause::TooSlow | Cause::SequenceExhausted => Waiting::Forget,
            _ => Waiting::Return,
        };
        self.close_with(id, cause, waiting, Tell::Yes);
    }

    /// Takes a previous initiator off the path. Its responders are about to hear of the new one.
    /// Says whether there was one.
    pub(super) fn replace_initiator(&mut self, now: Instant) -> bool {
        let previous = self.initiator;
        if let Some(previous) = previous {
            self.close_with(previous, Cause::Replaced, Waiting::Return, Tell::No);
            // What was meant for the previous one does not get to the new one.
            self.settle(now);
        }
        previous.is_some()
    }

    fn close_with(&mut self, id: ClientId, cause: Cause, waiting: Waiting, tell: Tell) {
        let Some(client) = self.clients.get(&id).filter(|client| !client.is_closing()) else {
            return;
        };
        let code = cause.close_code();
        self.events.push_back(Event::Closing { role: client.role(), cause });
        self.leave(id, waiting, tell);
        if let Some(client) = self.clients.get_mut(&id) {
            client.outbox.close(code);
            self.mark_ready(id);
        }
    }

    /// From here on the client is not on the path any more, even if its WebSocket lives on.
    fn leave(&mut self, id: ClientId, waiting: Waiting, tell: Tell) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        let address = client.address();
        client.set_closing();
        (client.handshake_end, client.ping, client.idle_check) = (None, None, None);
        let was_not_read = client.is_not_read();
        let pause = client.pause.take();
        client.held_back = None;
        self.resuming.extend(client.outbox.take_waiting());
        let lost = match waiting {
            Waiting::Flush => Vec::new(),
            Waiting::Return | Waiting::Forget => client.outbox.take_relays(),
        };
        if waiting == Waiting::Forget {
            client.outbox.clear();
        }
        if let Some(pause) = pause
            && let Some(receiver) = self.clients.get_mut(&pause.receiver)
        {
            receiver.outbox.forget_waiting(id);
        }
        if was_not_read {
            self.events.push_back(Event::Resumed);
        }
        if let Ok(responder) = ResponderAddress::try_from(address) {
            self.responders.remove(&responder);
        } else if address == Address::INITIATOR {
            self.initiator = None;
        }
        for relay in lost {
            // There may be thousands of them at once, and the sender has had no time to read any. They all
            // say the same, as does the notification that follows, so those that find no room are left out.
            let sender = self.clients.get(&relay.sender);
            if sender.is_some_and(|sender| sender.outbox.has_ample_room_for_own()) {
                self.fail_relay(&relay, RelayFailure::ReceiverLeft);
            } else {
                self.events.push_back(Event::RelayFailed { why: RelayFailure::ReceiverLeft });
            }
        }
        if tell == Tell::Yes {
            for peer in self.peers_of(address) {
                self.notify(peer, Notice::Left(address));
            }
        }
    }
}

/// Puts a client among those that [`Path::poll_ready`] names, once.
fn name_ready(ready: &mut VecDeque<ClientId>, id: ClientId, client: &mut Client) {
    if !std::mem::replace(&mut client.ready, true) {
        ready.push_back(id);
    }
}

/// The responder to drop, and the code that it gets to see.
fn parse_drop(
    plain: &[u8],
    accept_no_shared_task: bool,
) -> Result<(ResponderAddress, CloseCode), Cause> {
    if accept_no_shared_task
        && let Ok(fields) = Fields::parse(plain).and_then(|fields| fields.of_type("drop-responder"))
        && fields.uint("reason") == Ok(CloseCode::NoSharedTask.code().into())
        && let Ok(id) = fields.uint("id")
        && let Some(id) = u8::try_from(id).ok().and_then(ResponderAddress::new)
    {
        return Ok((id, CloseCode::NoSharedTask));
    }
    let drop = DropResponder::parse(plain)?;
    // Spec: P-196 ('drop-responder' Message)
    let code = drop.reason.map_or(CloseCode::DroppedByInitiator, |reason| reason.close_code());
    Ok((drop.id, code))
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Path")
            .field("clients", &self.clients.len())
            .field("initiator", &self.initiator.is_some())
            .field("responders", &self.responders.len())
            .finish_non_exhaustive()
    }
}
