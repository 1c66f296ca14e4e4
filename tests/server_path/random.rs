//! Clients that do anything at any time: in the end, everybody has to have the right idea of who is
//! on the path, and nobody may have been told anything that cannot be.

use std::collections::BTreeSet;

use saltyrtc::crypto::{KeyPair, OsRandom};
use saltyrtc::protocol::server::PathConfig;

use crate::scripted_client::field;
use crate::*;

/// A small generator with a seed, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 20) % limit as u64).unwrap()
    }
}

/// A client with what it heard from the server.
struct Actor {
    member: Member,
    introduced: bool,
    /// The addresses that it believes to be on the path.
    peers: BTreeSet<u8>,
    /// It has seen a close.
    closed: bool,
}

impl Actor {
    fn new(member: Member, introduced: bool) -> Self {
        Self { member, introduced, peers: BTreeSet::new(), closed: false }
    }

    fn is_authenticated(&self) -> bool {
        self.member.client.address != 0
    }

    fn is_responder(&self) -> bool {
        self.member.client.address > 1
    }

    /// Takes in everything that waits for it. Says whether there was something.
    fn read(&mut self, bench: &mut Bench) -> bool {
        let all = bench.incoming(&mut self.member);
        let any = !all.is_empty();
        for incoming in all {
            assert!(!self.closed, "{incoming:?} after a close");
            match incoming {
                Server(message) => self.hear(&message),
                Relayed(message) => {
                    assert!(self.peers.contains(&message[16]), "from nobody who was announced");
                    assert_eq!(message[17], self.member.client.address);
                }
                Close(_) => self.closed = true,
                Incoming::Pong => {}
                Incoming::Ping => panic!("nobody asked for pings"),
            }
        }
        any
    }

    fn hear(&mut self, message: &Value) {
        let id = field(message, "id").and_then(Value::as_u64).map(|id| u8::try_from(id).unwrap());
        match field(message, "type").and_then(Value::as_str).unwrap() {
            "server-auth" if self.is_responder() => {
                let initiator = field(message, "initiator_connected").and_then(Value::as_bool);
                self.peers.extend(initiator.unwrap().then_some(1));
            }
            "server-auth" => {
                let responders = field(message, "responders").and_then(Value::as_array).unwrap();
                self.peers.extend(responders.iter().map(|id| id.as_u64().unwrap() as u8));
            }
            "new-initiator" => {
                assert!(self.is_responder());
                self.peers.insert(1);
            }
            "new-responder" => {
                assert!(!self.is_responder());
                assert!(self.peers.insert(id.unwrap()), "the last one with this address left");
            }
            "disconnected" => assert!(self.peers.remove(&id.unwrap()), "was never there"),
            "send-error" => {
                let id = field(message, "id").and_then(Value::as_slice).unwrap();
                assert_eq!((id.len(), id[0]), (8, self.member.client.address));
            }
            other => panic!("{other}"),
        }
    }

    fn authenticate(&mut self, bench: &mut Bench) {
        let auth = self.member.client.client_auth();
        let message = self.member.client.sealed(&auth);
        bench.send(&self.member, message);
    }
}

fn run(seed: u64) {
    let stall_timeout = (seed & 2 != 0).then_some(Duration::from_secs(5));
    let mut bench =
        Bench::with(PathConfig { max_queue: 1000, stall_timeout, ..Default::default() });
    let mut dice = Dice(seed | 1);
    let mut actors: Vec<Actor> = Vec::new();
    for _ in 0..400 {
        if actors.is_empty() || dice.below(6) == 0 {
            let initiator = dice.below(5) == 0;
            let keys = match initiator {
                true => bench.initiator_keys.clone(),
                false => KeyPair::generate(&mut OsRandom),
            };
            let member = bench.connect(keys);
            actors.push(Actor::new(member, initiator));
            continue;
        }
        let who = dice.below(actors.len());
        let action = dice.below(20);
        let garbage: Vec<u8> = (0..dice.below(60)).map(|_| dice.below(256) as u8).collect();
        let actor = &mut actors[who];
        match action {
            0 => {
                bench.path.handle_closed(bench.now, actor.member.id);
                actors.remove(who);
            }
            1 => bench.send(&actor.member, garbage),
            2 => bench.path.handle_text(bench.now, actor.member.id),
            3 => bench.advance(Duration::from_secs(3)),
            _ if actor.closed => {
                bench.path.handle_closed(bench.now, actor.member.id);
                actors.remove(who);
            }
            4..8 => {
                actor.read(&mut bench);
            }
            _ if !actor.introduced => {
                let hello = actor.member.client.client_hello();
                let message = actor.member.client.plain(&hello);
                bench.send(&actor.member, message);
                actor.introduced = true;
            }
            _ if !actor.is_authenticated() => {
                actor.authenticate(&mut bench);
                actor.read(&mut bench);
            }
            // A paused one would be obeyed later, when it means somebody else.
            8 if !actor.is_responder() && !bench.path.is_paused(actor.member.id) => {
                // Knows what it does: a drop crosses nothing that is on its way to it.
                actor.read(&mut bench);
                if let (Some(&id), false) = (actor.peers.first(), actor.closed) {
                    let drop = ScriptedClient::drop_responder(id, None);
                    let message = actor.member.client.sealed(&drop);
                    bench.send(&actor.member, message);
                    actor.peers.remove(&id);
                }
            }
            _ => {
                let to = if actor.is_responder() { 1 } else { 2 + dice.below(6) as u8 };
                let message = actor.member.client.relay(to, &vec![0; 1 + dice.below(300)]);
                bench.send(&actor.member, message);
            }
        }
    }
    // Reading can lead to more to read, for the others too.
    while actors.iter_mut().fold(false, |any, actor| actor.read(&mut bench) | any) {}
    for actor in &actors {
        assert!(!bench.path.is_paused(actor.member.id), "everything was taken");
    }
    let on_path: Vec<&Actor> =
        actors.iter().filter(|actor| actor.is_authenticated() && !actor.closed).collect();
    let addresses: BTreeSet<u8> = on_path.iter().map(|actor| actor.member.client.address).collect();
    assert_eq!(addresses.len(), on_path.len(), "no address twice");
    for actor in on_path {
        let others = addresses.iter().copied().filter(|id| (*id > 1) != actor.is_responder());
        assert_eq!(actor.peers, others.collect(), "{:#04x}", actor.member.client.address);
    }
    for actor in &actors {
        bench.path.handle_closed(bench.now, actor.member.id);
    }
    assert!(bench.path.is_empty());
}

/// Covers P-015 P-147 P-172 P-173 P-177 P-179 P-197 P-199 P-200.
#[test]
fn everybody_knows_who_is_there_whatever_happens() {
    for seed in 1u64..=12 {
        println!("seed {seed}");
        run(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    }
}
