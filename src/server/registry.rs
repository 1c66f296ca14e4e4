//! Which paths there are, and what connects the task of a client with its path.

use std::collections::{BTreeMap, HashMap};
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
/// never across a wait. Whoever needs both locks takes the one of the registry first.
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
    wakers: BTreeMap<ClientId, Arc<AtomicWaker>>,
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
            if let Some(waker) = self.wakers.get(&id) {
                waker.wake();
            }
        }
        result
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

    /// Puts a client on the path of this key, with the time its connection came in. The path may have
    /// `most` connections then.
    pub(super) fn join(
        self: &Arc<Self>,
        key: PublicKey,
        since: Instant,
        subprotocol: &str,
        config: &Arc<PathConfig>,
        most: Option<usize>,
    ) -> Result<Member, JoinError> {
        let mut paths = lock(&self.paths);
        if paths.stopping {
            return Err(JoinError::Stopping);
        }
        let shared = paths.by_key.entry(key).or_insert_with(|| {
            Arc::new(Mutex::new(SharedPath {
                path: Path::new(key, config.clone(), Box::new(OsRandom)),
                metrics: self.metrics.clone(),
                _gauge: GaugeGuard::new(&self.metrics, |metrics| &metrics.paths),
                wakers: BTreeMap::new(),
            }))
        });
        let waker = Arc::new(AtomicWaker::new());
        let id = {
            let mut shared = lock(shared);
            // A new path has room in any case: the limit is 1 at least.
            if most.is_some_and(|most| shared.wakers.len() >= most) {
                return Err(JoinError::PathFull);
            }
            // For this client and those who come later; the others keep what they came under.
            shared.path.set_config(config.clone());
            let id = shared.path.connect(since, subprotocol);
            shared.wakers.insert(id, waker.clone());
            id
        };
        Ok(Member { registry: self.clone(), shared: shared.clone(), key, id, waker })
    }

    /// Takes the lock that every client needs to come and to go, and gives it back.
    pub(super) fn visit(&self) {
        drop(lock(&self.paths));
    }

    /// Closes all connections with 1001, and lets nobody join from now on.
    pub(super) fn shutdown(&self) {
        let mut paths = lock(&self.paths);
        paths.stopping = true;
        for shared in paths.by_key.values() {
            lock(shared).with(|path| path.shutdown(Instant::now()));
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
        // Both locks, so that nobody can join a path between its last client and its removal.
        let mut paths = lock(&self.registry.paths);
        let mut shared = lock(&self.shared);
        shared.wakers.remove(&self.id);
        shared.with(|path| path.handle_closed(Instant::now(), self.id));
        if shared.path.is_empty() {
            drop(shared);
            paths.by_key.remove(&self.key);
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
            self.registry.join(self.key, Instant::now(), SUBPROTOCOL, &self.config, most)
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

    #[test]
    fn a_path_may_have_so_many_connections() {
        let bench = Bench::new();
        let one = bench.join(Some(1)).ok().unwrap();
        assert_eq!(bench.join(Some(1)).err(), Some(JoinError::PathFull));
        drop(one);
        assert!(bench.join(Some(1)).is_ok());
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
