//! Which paths there are, and what connects the task of a client with its path.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use futures_util::task::AtomicWaker;
use tracing::{debug, trace};

use super::metrics::{GaugeGuard, Metrics};
use crate::crypto::{OsRandom, PublicKey};
use crate::protocol::server::{ClientId, Event, Path, PathConfig};
use crate::sync::lock;

/// All paths that somebody is on.
///
/// A path is locked while one client hands over what came in one turn, or takes what it sends next, and
/// never across a wait. The lock of the registry is held to find a path, and to take away one that nobody is on:
/// nobody has both locks, so that what happens on a path keeps nobody else waiting.
pub(super) struct Registry {
    metrics: Arc<Metrics>,
    paths: Mutex<Paths>,
}

#[derive(Default)]
struct Paths {
    // Spec: P-032 (Connecting To a Signalling Server)
    by_key: HashMap<PublicKey, Arc<Mutex<SharedPath>>>,
    stopping: bool,
}

/// A path and the tasks of its clients.
struct SharedPath {
    path: Path,
    metrics: Arc<Metrics>,
    _gauge: GaugeGuard,
    /// Not a hash map: there are two clients as a rule, and one of them is looked up per message.
    places: BTreeMap<ClientId, Place>,
    /// Nobody can join any more: the path was left by the last client, or the server is shutting down.
    closed: Option<Closed>,
}

/// What there is of a client beside its state.
struct Place {
    waker: Arc<AtomicWaker>,
    /// Where it comes from, as addresses are counted.
    address: IpAddr,
}

/// Why nobody can join a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closed {
    /// It is not, or not much longer, in the registry. There is room for another one there.
    Left,
    Stopping,
}

/// How many connections a path may have, all together and from one address.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PathLimits {
    pub(super) all: Option<usize>,
    pub(super) per_address: Option<usize>,
}

impl SharedPath {
    /// Calls the state machine, logs what happened, and wakes whoever has something to send.
    fn with<T>(&mut self, call: impl FnOnce(&mut Path) -> T) -> T {
        let result = call(&mut self.path);
        while let Some(event) = self.path.poll_event() {
            log(&event);
            self.metrics.event(&event);
        }
        while let Some(id) = self.path.poll_ready() {
            if let Some(place) = self.places.get(&id) {
                place.waker.wake();
            }
        }
        result
    }

    /// Makes room for one more from this address, if it can be had from those who are not authenticated: the oldest
    /// one of the address that has most of them goes. A path is no secret, so everybody can fill it with such.
    fn make_room(&mut self, address: IpAddr, limits: PathLimits) -> Result<(), JoinError> {
        // Most paths have two clients, and limits of hundreds.
        let may_be_full = |most: Option<usize>| most.is_some_and(|most| self.places.len() >= most);
        if !may_be_full(limits.all) && !may_be_full(limits.per_address) {
            return Ok(());
        }
        // Those that are being closed need their place no more. They have only so much time to go.
        let open = || self.places.iter().filter(|(id, _)| !self.path.is_closing(**id));
        let own = open().filter(|(_, place)| place.address == address).count();
        let victim = if limits.per_address.is_some_and(|most| own >= most) {
            let mut own = open().filter(|(_, place)| place.address == address);
            own.find(|(id, _)| !self.path.is_authenticated(**id)).map(|(id, _)| *id)
        } else if limits.all.is_some_and(|most| open().count() >= most) {
            let mut waiting: HashMap<IpAddr, (usize, Reverse<ClientId>)> = HashMap::new();
            for (id, place) in open().filter(|(id, _)| !self.path.is_authenticated(**id)) {
                waiting.entry(place.address).or_insert((0, Reverse(*id))).0 += 1;
            }
            waiting.into_values().max().map(|(_, Reverse(oldest))| oldest)
        } else {
            return Ok(());
        };
        let victim = victim.ok_or(JoinError::PathFull)?;
        self.with(|path| path.displace(Instant::now(), victim));
        Ok(())
    }
}

fn log(event: &Event) {
    match event {
        Event::Authenticated { role } => debug!(%role, "client authenticated"),
        Event::Closing { role, cause } => {
            let role = role.map_or("unauthenticated".to_owned(), |role| role.to_string());
            debug!(role, code = cause.close_code().code(), %cause, "closing a connection");
        }
        Event::Left { role } => {
            let role = role.map_or("unauthenticated".to_owned(), |role| role.to_string());
            debug!(role, "client left");
        }
        Event::Relayed { messages, bytes } => trace!(messages, bytes, "messages relayed"),
        Event::Paused { why } => debug!(?why, "nothing more is read from a client"),
        Event::Resumed => debug!("a client goes on"),
        Event::RelayFailed { why } => debug!(?why, "message not relayed"),
    }
}

/// A client that wants to be on a path.
pub(super) struct Newcomer<'a> {
    /// What the path is named after.
    pub(super) key: PublicKey,
    /// Where it comes from, as addresses are counted.
    pub(super) address: IpAddr,
    /// When its connection came in.
    pub(super) since: Instant,
    /// What was agreed upon.
    pub(super) subprotocol: &'a str,
}

/// Why a client cannot be put on its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JoinError {
    /// The server is shutting down.
    Stopping,
    /// There are as many connections on the path as there may be.
    PathFull,
}

impl Registry {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, paths: Mutex::default() }
    }

    /// Puts a client on its path.
    pub(super) fn join(
        self: &Arc<Self>,
        newcomer: &Newcomer<'_>,
        config: &Arc<PathConfig>,
        limits: PathLimits,
    ) -> Result<Member, JoinError> {
        let Newcomer { key, address, since, subprotocol } = *newcomer;
        loop {
            let shared = self.find(key, config)?;
            let mut path = lock(&shared);
            match path.closed {
                None => {}
                Some(Closed::Stopping) => return Err(JoinError::Stopping),
                Some(Closed::Left) => {
                    drop(path);
                    self.remove(&key, &shared);
                    continue;
                }
            }
            path.make_room(address, limits)?;
            // For this client and those who come later; the others keep what they came under.
            path.path.set_config(config.clone());
            let id = path.path.connect(since, subprotocol);
            let waker = Arc::new(AtomicWaker::new());
            path.places.insert(id, Place { waker: waker.clone(), address });
            drop(path);
            return Ok(Member { registry: self.clone(), shared, key, id, waker });
        }
    }

    /// The path of this key, which may be a new one.
    fn find(
        &self,
        key: PublicKey,
        config: &Arc<PathConfig>,
    ) -> Result<Arc<Mutex<SharedPath>>, JoinError> {
        let mut paths = lock(&self.paths);
        if paths.stopping {
            return Err(JoinError::Stopping);
        }
        let shared = paths.by_key.entry(key).or_insert_with(|| {
            Arc::new(Mutex::new(SharedPath {
                path: Path::new(key, config.clone(), Box::new(OsRandom)),
                metrics: self.metrics.clone(),
                _gauge: GaugeGuard::new(&self.metrics, |metrics| &metrics.paths),
                places: BTreeMap::new(),
                closed: None,
            }))
        });
        Ok(shared.clone())
    }

    /// Takes away a path that nobody is on. Somebody else may have done so, and there may be a new one.
    fn remove(&self, key: &PublicKey, left: &Arc<Mutex<SharedPath>>) {
        let mut paths = lock(&self.paths);
        if paths.by_key.get(key).is_some_and(|shared| Arc::ptr_eq(shared, left)) {
            paths.by_key.remove(key);
        }
    }

    /// Takes the lock that every client needs to come and to go, and gives it back.
    pub(super) fn visit(&self) {
        drop(lock(&self.paths));
    }

    /// Closes all connections with 1001, and lets nobody join from now on.
    pub(super) fn shutdown(&self) {
        let all: Vec<_> = {
            let mut paths = lock(&self.paths);
            paths.stopping = true;
            paths.by_key.values().cloned().collect()
        };
        for shared in all {
            let mut shared = lock(&shared);
            shared.closed.get_or_insert(Closed::Stopping);
            shared.with(|path| path.shutdown(Instant::now()));
        }
    }

    #[cfg(test)]
    fn is_empty(&self) -> bool {
        lock(&self.paths).by_key.is_empty()
    }
}

/// The place of one client on its path. The client leaves when this is dropped.
pub(super) struct Member {
    registry: Arc<Registry>,
    shared: Arc<Mutex<SharedPath>>,
    key: PublicKey,
    id: ClientId,
    /// Is woken when there may be something to send.
    pub(super) waker: Arc<AtomicWaker>,
}

impl Member {
    /// Calls the state machine of the path for this client.
    pub(super) fn with<T>(&self, call: impl FnOnce(&mut Path, ClientId) -> T) -> T {
        lock(&self.shared).with(|path| call(path, self.id))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut shared = lock(&self.shared);
        shared.places.remove(&self.id);
        shared.with(|path| path.handle_closed(Instant::now(), self.id));
        let left = shared.path.is_empty();
        if left {
            // Whoever finds the path before it is removed takes another one.
            shared.closed = Some(Closed::Left);
        }
        drop(shared);
        if left {
            self.registry.remove(&self.key, &self.shared);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::KeyPair;
    use crate::protocol::SUBPROTOCOL;

    struct Bench {
        registry: Arc<Registry>,
        config: Arc<PathConfig>,
        key: PublicKey,
    }

    impl Bench {
        fn new() -> Self {
            let key = *KeyPair::generate(&mut OsRandom).public();
            Self { registry: Arc::new(Registry::new(Arc::default())), config: Arc::default(), key }
        }

        fn join(&self, most: Option<usize>) -> Result<Member, JoinError> {
            self.join_from(1, PathLimits { all: most, per_address: None })
        }

        fn join_from(&self, address: u8, limits: PathLimits) -> Result<Member, JoinError> {
            let newcomer = Newcomer {
                key: self.key,
                address: [192, 0, 2, address].into(),
                since: Instant::now(),
                subprotocol: SUBPROTOCOL,
            };
            self.registry.join(&newcomer, &self.config, limits)
        }
    }

    #[test]
    fn a_path_exists_as_long_as_somebody_is_on_it() {
        let bench = Bench::new();
        let (one, two) = (bench.join(None).ok().unwrap(), bench.join(None).ok().unwrap());
        assert!(Arc::ptr_eq(&one.shared, &two.shared));
        assert_eq!(bench.registry.metrics.paths.get(), 1);
        drop(one);
        assert!(!bench.registry.is_empty());
        drop(two);
        assert!(bench.registry.is_empty());
        assert_eq!(bench.registry.metrics.paths.get(), 0);
    }

    fn is_closing(member: &Member) -> bool {
        member.with(|path, id| path.is_closing(id))
    }

    /// Who has shown nothing yet makes room: of those from the address with most of them the oldest.
    #[test]
    fn a_newcomer_takes_the_place_of_one_who_is_not_authenticated() {
        let bench = Bench::new();
        let limits = PathLimits { all: Some(5), per_address: Some(3) };
        let join = |address| bench.join_from(address, limits).ok().unwrap();
        let members = [1, 2, 1, 2, 2].map(join);
        let late = join(3);
        assert_eq!(members.each_ref().map(is_closing), [false, true, false, false, false]);
        // Both addresses have two by now.
        let later = join(3);
        assert_eq!(members.each_ref().map(is_closing), [true, true, false, false, false]);
        let [.., last] = [(); 3].map(|()| join(3));
        assert!(is_closing(&late) && is_closing(&later) && !is_closing(&last), "its own");
        assert!(!is_closing(&members[4]), "an address cannot have all of a path");
        // Those who make room are gone before they have closed.
        assert_eq!(bench.registry.metrics.paths.get(), 1);
    }

    /// What happens on one path keeps nobody else waiting.
    #[test]
    fn a_path_that_is_busy_stops_nobody_on_another_one() {
        let (bench, mut other) = (Bench::new(), Bench::new());
        other.registry = bench.registry.clone();
        let busy = bench.join(None).ok().unwrap();
        std::thread::scope(|scope| {
            let (held, release) = std::sync::mpsc::channel::<()>();
            let (began, begin) = std::sync::mpsc::channel();
            let busy = &busy;
            scope.spawn(move || {
                busy.with(|_, _| {
                    began.send(()).unwrap();
                    let _ = release.recv();
                });
            });
            begin.recv().unwrap();
            // Somebody waits for the busy path, too.
            scope.spawn(|| drop(bench.join(None)));
            for _ in 0..100 {
                drop(other.join(None).ok().unwrap());
            }
            drop(held);
        });
    }

    #[test]
    fn a_path_that_everybody_has_left_is_replaced() {
        let bench = Bench::new();
        let registry = &bench.registry;
        let left = registry.find(bench.key, &bench.config).ok().unwrap();
        // As between the moment that the last one left and that in which the path is removed.
        lock(&left).closed = Some(Closed::Left);
        let member = bench.join(None).ok().unwrap();
        assert!(!Arc::ptr_eq(&member.shared, &left));
        registry.remove(&bench.key, &left);
        assert!(!registry.is_empty(), "the new one stays");
    }

    #[test]
    fn nobody_joins_during_a_shutdown() {
        let bench = Bench::new();
        let member = bench.join(None).ok().unwrap();
        bench.registry.shutdown();
        assert!(member.with(|path, id| path.is_closing(id)));
        assert_eq!(bench.join(None).err(), Some(JoinError::Stopping));
    }
}
