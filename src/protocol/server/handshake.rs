//! From 'server-hello' to 'server-auth'.

use std::time::Instant;

use super::client::{Ping, Stage};
use super::client_id::ClientId;
use super::config::PathConfig;
use super::event::{Cause, Event, Violation};
use super::notice::Notice;
use super::path::Path;
use crate::crypto::{KEY_BYTES, KeyPair, PublicKey, SharedKey};
use crate::protocol::message::{ClientAuth, ClientHello, ServerAuth, ServerAuthRole};
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
        // Spec: P-096 (Client-to-Server Messages)
        // `wrong` is the violation to report if the message cannot be opened with `shared`.
        let (role, key, shared, wrong) = match std::mem::replace(&mut client.state, Stage::New) {
            Stage::Introduced { key, shared } => {
                (Role::Responder, key, shared, Cause::from(Violation::Undecryptable))
            }
            // Spec: P-119 ('client-hello' Message)
            // A box begins with a tag that nobody can choose, so what reads as 'client-hello' is one.
            // Trying to open it before that would cost a key agreement for each responder.
            _ => match ClientHello::parse(data) {
                Ok(ClientHello { key }) => {
                    let shared = SharedKey::new(&key, client.session.secret());
                    client.nonces.commit(checked);
                    client.state = Stage::Introduced { key, shared };
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
        // Spec: P-127 ('client-auth' Message)
        if auth.your_cookie != client.nonces.own_cookie() {
            return Err(Violation::YourCookie.into());
        }
        let config = client.config.clone();
        // Spec: P-129 ('client-auth' Message)
        if config.select_subprotocol(&auth.subprotocols) != Some(client.subprotocol.as_str()) {
            return Err(Violation::Subprotocols.into());
        }
        let permanent_key = permanent_key(&config, auth.your_key)?;
        let session_key = *client.session.public();
        // Spec: P-144 ('server-auth' Message)
        let address = match role {
            // Spec: P-146 ('server-auth' Message)
            Role::Initiator => Address::INITIATOR,
            // Spec: P-147 ('server-auth' Message)
            Role::Responder => ResponderAddress::all()
                .find(|address| !self.responders.contains_key(address))
                // Spec: P-148 ('server-auth' Message)
                .ok_or(Cause::PathFull)?
                .into(),
        };

        // Spec: P-145 ('server-auth' Message)
        // Everything is valid; from here on the path changes.
        let of_another = role == Role::Initiator && self.replace_initiator(now);
        // Those who are there hear of the newcomer before anything it sends can reach them.
        let peers = self.peers_of(address);
        // Spec: P-173 ('new-initiator' Message)
        // Spec: P-179 ('new-responder' Message)
        for peer in &peers {
            self.notify(*peer, Notice::Joined { address, of_another });
        }
        let for_role = match ResponderAddress::try_from(address) {
            Ok(responder) => {
                self.responders.insert(responder, id);
                // Spec: P-156 ('server-auth' Message)
                ServerAuthRole::Responder { initiator_connected: !peers.is_empty() }
            }
            Err(_) => {
                self.initiator = Some(id);
                // Spec: P-155 ('server-auth' Message)
                let responders = self.responders.keys().copied().collect();
                ServerAuthRole::Initiator { responders }
            }
        };
        self.events.push_back(Event::Authenticated { role });
        let Some(client) = self.clients.get_mut(&id) else { return Ok(()) };
        client.nonces.commit(checked);
        client.handshake_end = None;
        client.ping = Ping::new(now, auth.ping_interval);
        // Spec: P-042 (Sending a Signalling Message)
        let sent = client.nonces.next_nonce(Address::SERVER, address).map(|nonce| {
            let nonce = nonce.to_bytes();
            // Spec: P-151 ('server-auth' Message)
            let signed_keys = permanent_key.map(|permanent| {
                let mut keys = [0; ServerAuth::SIGNED_KEYS_BYTES];
                // Spec: P-152 ('server-auth' Message)
                let plain = [*session_key.as_bytes(), *key.as_bytes()].concat();
                debug_assert_eq!(plain.len(), 2 * KEY_BYTES);
                // Spec: P-153 P-154 ('server-auth' Message)
                let sealed = SharedKey::new(&key, permanent.secret()).seal(&nonce, &plain);
                keys.copy_from_slice(&sealed);
                keys
            });
            // Spec: P-143 P-150 ('server-auth' Message)
            let answer = ServerAuth { your_cookie: cookie, signed_keys, role: for_role };
            let mut message = nonce.to_vec();
            // Spec: P-171 ('server-auth' Message)
            shared.seal_onto(&mut message, &nonce, &answer.serialise());
            client.outbox.own(message);
        });
        // Spec: P-149 ('server-auth' Message)
        client.state = Stage::Authenticated { address, shared };
        self.mark_ready(id);
        sent.map_err(|_| Cause::SequenceExhausted)
    }
}

/// The permanent key for a client that asks for `wanted`.
fn permanent_key(
    config: &PathConfig,
    wanted: Option<[u8; KEY_BYTES]>,
) -> Result<Option<KeyPair>, Cause> {
    let keys = &config.permanent_keys;
    match wanted {
        // Spec: P-008 P-009 (Server's Permanent Key)
        // Spec: P-141 ('client-auth' Message)
        None => Ok(keys.first().cloned()),
        // Spec: P-137 P-138 P-139 P-140 ('client-auth' Message)
        Some(wanted) => keys
            .iter()
            .find(|pair| *pair.public().as_bytes() == wanted)
            .cloned()
            .map(Some)
            .ok_or(Cause::UnknownServerKey),
    }
}
