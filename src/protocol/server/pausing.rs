//! Back-pressure: who sends more than its receiver takes has to wait.

use std::time::{Duration, Instant};

use super::client::{Client, Held, Pause};
use super::client_id::ClientId;
use super::event::{Event, RelayFailure};
use super::outbox::{Full, LostRelay, Relay};
use super::path::Path;
use crate::protocol::Nonce;

/// How often a paused client is told that its server is alive. Nothing is read from it, so it would wait in vain
/// for an answer to whatever it sends to find out.
pub(super) const SIGN_INTERVAL: Duration = Duration::from_secs(10);

impl Path {
    /// A message of this client does not fit into the queue of its receiver. The driver reads nothing more
    /// from it until it is named by [`poll_ready`](Self::poll_ready) and this says otherwise. What the
    /// driver has read already it may hand over all the same; if that was the last there is, the client
    /// must be kept until then.
    ///
    /// Meanwhile the client counts as alive, and is sent whatever there is for it.
    pub fn is_paused(&self, id: ClientId) -> bool {
        self.clients.get(&id).is_some_and(|client| client.pause.is_some())
    }

    /// The WebSocket of a client took bytes that were given to it. Lets those go on who have waited for
    /// room in its queue.
    pub fn handle_written(&mut self, now: Instant, id: ClientId) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        client.outbox.note_progress(now);
        // It did not take everything before, so this is a sign of life: it reads, and gets to the ping.
        if !client.outbox.is_empty()
            && let Some(ping) = &mut client.ping
        {
            ping.excuse(now, client.config.pong_timeout);
        }
        self.admit(now, id);
        self.settle(now);
    }

    /// Pauses the sender of a message that did not fit, unless its receiver stands still.
    pub(super) fn pause(
        &mut self,
        now: Instant,
        receiver: ClientId,
        relay: Relay,
        full: Full,
    ) -> Result<(), RelayFailure> {
        let Some(client) = self.clients.get_mut(&receiver) else {
            return Err(RelayFailure::NobodyThere);
        };
        let check = client.outbox.stalls_at(&client.config);
        if check.is_some_and(|check| check <= now) {
            return Err(full.into());
        }
        client.outbox.wait(&relay, full);
        if let Some(sender) = self.clients.get_mut(&relay.sender) {
            let held = Held::new(relay.message, sender.config.queued.clone());
            sender.pause = Some(Pause { receiver, check, sign: now + SIGN_INTERVAL, held });
            if sender.held_back.is_none() {
                self.events.push_back(Event::Paused { why: full.into() });
            }
        }
        Ok(())
    }

    /// Lets a paused client know that its server is alive, if it is time for that.
    pub(super) fn sign_of_life(&mut self, now: Instant, id: ClientId) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        let signs = [client.pause.as_mut().map(|pause| &mut pause.sign), client.held_back.as_mut()];
        let mut due = false;
        for sign in signs.into_iter().flatten().filter(|sign| **sign <= now) {
            *sign = now + SIGN_INTERVAL;
            due = true;
        }
        if due {
            client.outbox.sign();
            self.mark_ready(id);
        }
    }

    /// The driver reads nothing more from a client, because as much waits for all clients together as may
    /// ([`PathConfig::max_queued`](super::PathConfig::max_queued)), until [`let_go_on`](Self::let_go_on). The client
    /// counts as alive meanwhile, and is sent whatever there is for it.
    pub fn hold_back(&mut self, now: Instant, id: ClientId) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        if !client.is_closing() && client.held_back.is_none() {
            if client.pause.is_none() {
                self.events.push_back(Event::Paused { why: RelayFailure::AllQueuesFull });
            }
            client.held_back = Some(now + SIGN_INTERVAL);
        }
    }

    /// The driver reads from a client again.
    pub fn let_go_on(&mut self, now: Instant, id: ClientId) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        if client.held_back.take().is_none() || client.pause.is_some() {
            return;
        }
        client.active = now;
        if let Some(ping) = &mut client.ping {
            ping.excuse(now, client.config.pong_timeout);
        }
        self.events.push_back(Event::Resumed);
    }

    /// Looks whether the receiver that a client waits for has stood still. If so, the message comes back.
    pub(super) fn check_pause(&mut self, now: Instant, id: ClientId) {
        let paused = |client: &Client| client.pause.as_ref().map(|pause| pause.receiver);
        let Some(receiver) = self.clients.get(&id).and_then(|client| paused(client)) else {
            return;
        };
        let stalls_at =
            self.clients.get(&receiver).and_then(|client| client.outbox.stalls_at(&client.config));
        let Some(pause) = self.clients.get_mut(&id).and_then(|client| client.pause.as_mut()) else {
            return;
        };
        if stalls_at.is_none_or(|at| at > now) {
            pause.check = stalls_at;
            return;
        }
        let first = pause.held.pop();
        if let Some(client) = self.clients.get_mut(&receiver) {
            client.outbox.forget_waiting(id);
        }
        if let Some(message) = first
            && let Some((nonce, ..)) = Nonce::split(&message)
        {
            let lost = LostRelay { sender: id, identity: nonce.identity() };
            self.fail_relay(&lost, RelayFailure::QueueFull);
        }
        self.go_on(now, id);
    }

    /// Lets those go on who have waited for room in the queue of a client, as far as there is some.
    pub(super) fn admit(&mut self, now: Instant, receiver: ClientId) {
        loop {
            let senders = if self.initiator == Some(receiver) { self.responders.len() } else { 1 };
            let Some(client) = self.clients.get_mut(&receiver) else { return };
            let Some(sender) = client.outbox.admit(senders, &client.config) else { return };
            self.go_on(now, sender);
        }
    }

    /// Looks at what a paused client has sent meanwhile. It may end up paused again.
    pub(super) fn go_on(&mut self, now: Instant, id: ClientId) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        let Some(mut pause) = client.pause.take() else { return };
        if client.held_back.is_none() {
            self.events.push_back(Event::Resumed);
        }
        while let Some(message) = pause.held.pop() {
            if let Err(cause) = self.receive(now, id, message) {
                self.close(id, cause);
            }
            if let Some(again) = self.clients.get_mut(&id).and_then(|client| client.pause.as_mut())
            {
                again.sign = pause.sign;
                again.held.append(pause.held);
                return;
            }
        }
        let Some(client) = self.clients.get_mut(&id) else { return };
        client.active = now;
        if let Some(ping) = &mut client.ping {
            ping.excuse(now, client.config.pong_timeout);
        }
        self.mark_ready(id);
    }
}
