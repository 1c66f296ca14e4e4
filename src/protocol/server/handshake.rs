//! From 'server-hello' to 'server-auth'.

use std::time::Instant;

use super::client::{ClientId, Ping, State};
use super::config::PathConfig;
use super::event::{Cause, Event, Violation};
use super::path::Path;
use crate::crypto::{KEY_BYTES, KeyPair, PublicKey, SharedKey};
use crate::protocol::message::{
    ClientAuth, ClientHello, NewInitiator, NewResponder, ServerAuth, ServerAuthRole,
};
use crate::protocol::{Address, CheckedNonce, Cookie, Nonce, ResponderAddress, Role};

/// A client that proved to own its key, and that said what it wants.
struct Authenticating {
    id: ClientId,
    role: Role,
    key: PublicKey,
    shared: SharedKey,
    auth: ClientAuth,
    cookie: Cookie,
    checked: CheckedNonce,
}

impl Path {
    /// A message to the server from a client that is not authenticated yet.
    pub(super) fn handshake(
        &mut self,
        now: Instant,
        id: ClientId,
        nonce: &Nonce,
        data: &[u8],
        checked: CheckedNonce,
    ) -> Result<(), Cause> {
        let Some(client) = self.clients.get_mut(&id) else { return Ok(()) };
        // And what is wrong if the message cannot be opened with that.
        let (role, key, shared, wrong) = match std::mem::replace(&mut client.state, State::New) {
            State::Introduced { key, shared } => {
                (Role::Responder, key, shared, Cause::from(Violation::Undecryptable))
            }
            // A box begins with a tag that nobody can choose, so what reads as 'client-hello' is one.
            // Trying to open it before that would cost a key agreement for each responder.
            _ => match ClientHello::parse(data) {
                Ok(ClientHello { key }) => {
                    let shared = SharedKey::new(&key, client.session.secret());
                    client.link.commit(checked);
                    client.state = State::Introduced { key, shared };
                    return Ok(());
                }
                // Only the initiator has the key that the path is named after.
                Err(error) => {
                    let key = self.initiator_key;
                    let shared = SharedKey::new(&key, client.session.secret());
                    (Role::Initiator, key, shared, error.into())
                }
            },
        };
        let plain = shared.open(&nonce.to_bytes(), data).map_err(|_| wrong)?;
        let auth = ClientAuth::parse(&plain)?;
        let cookie = nonce.cookie;
        self.authenticate(now, Authenticating { id, role, key, shared, auth, cookie, checked })
    }

    fn authenticate(&mut self, now: Instant, newcomer: Authenticating) -> Result<(), Cause> {
        let Authenticating { id, role, key, shared, auth, cookie, checked } = newcomer;
        let Some(client) = self.clients.get(&id) else { return Ok(()) };
        if auth.your_cookie != client.link.own_cookie() {
            return Err(Violation::YourCookie.into());
        }
        let config = client.config.clone();
        if config.select_subprotocol(&auth.subprotocols) != Some(client.subprotocol.as_str()) {
            return Err(Violation::Subprotocols.into());
        }
        let permanent_key = permanent_key(&config, auth.your_key)?;
        let session_key = *client.session.public();
        let address = match role {
            Role::Initiator => Address::INITIATOR,
            Role::Responder => ResponderAddress::all()
                .find(|address| !self.responders.contains_key(address))
                .ok_or(Cause::PathFull)?
                .into(),
        };

        // Everything is valid; from here on the path changes.
        if role == Role::Initiator {
            self.replace_initiator();
        }
        // Those who are there hear of the newcomer before anything it sends can reach them.
        let announcement = match ResponderAddress::try_from(address) {
            Ok(id) => NewResponder { id }.serialise(),
            Err(_) => NewInitiator.serialise(),
        };
        let peers = self.peers_of(address);
        for peer in &peers {
            self.notify(*peer, &announcement);
        }
        let for_role = match ResponderAddress::try_from(address) {
            Ok(responder) => {
                self.responders.insert(responder, id);
                ServerAuthRole::Responder { initiator_connected: !peers.is_empty() }
            }
            Err(_) => {
                self.initiator = Some(id);
                let responders = self.responders.keys().copied().collect();
                ServerAuthRole::Initiator { responders }
            }
        };
        self.events.push_back(Event::Authenticated { role });
        let Some(client) = self.clients.get_mut(&id) else { return Ok(()) };
        client.link.commit(checked);
        client.handshake_end = None;
        client.ping = Ping::new(now, auth.ping_interval);
        let sent = client.link.next_nonce(Address::SERVER, address).map(|nonce| {
            let nonce = nonce.to_bytes();
            let signed_keys = permanent_key.map(|permanent| {
                let mut keys = [0; ServerAuth::SIGNED_KEYS_BYTES];
                let plain = [*session_key.as_bytes(), *key.as_bytes()].concat();
                debug_assert_eq!(plain.len(), 2 * KEY_BYTES);
                let sealed = SharedKey::new(&key, permanent.secret()).seal(&nonce, &plain);
                keys.copy_from_slice(&sealed);
                keys
            });
            let answer = ServerAuth { your_cookie: cookie, signed_keys, role: for_role };
            let mut message = nonce.to_vec();
            shared.seal_onto(&mut message, &nonce, &answer.serialise());
            client.outbox.own(message);
        });
        client.state = State::Authenticated { address, shared };
        self.mark_ready(id);
        sent.map_err(|_| Cause::SequenceExhausted)
    }
}

/// The permanent key for a client that asks for `wanted`.
fn permanent_key(config: &PathConfig, wanted: Option<PublicKey>) -> Result<Option<KeyPair>, Cause> {
    let keys = &config.permanent_keys;
    match wanted {
        None => Ok(keys.first().cloned()),
        Some(wanted) => keys
            .iter()
            .find(|pair| *pair.public() == wanted)
            .cloned()
            .map(Some)
            .ok_or(Cause::UnknownServerKey),
    }
}
