//! Which paths there are, and the connection between a client's task and its path.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures_util::task::AtomicWaker;
use tracing::{debug, trace};

use crate::crypto::{OsRandom, PublicKey};
use crate::protocol::server::{ClientId, Event, Path, PathConfig};

/// All paths that somebody is on.
///
/// A path is locked for the time of one call of its state machine. Whoever needs both locks takes
/// the one of the registry first.
pub(super) struct Registry {
    config: Arc<PathConfig>,
    paths: Mutex<Paths>,
}

#[derive(Default)]
struct Paths {
    by_key: HashMap<PublicKey, Arc<Mutex<Shared>>>,
    stopping: bool,
}

/// A path and the tasks of its clients.
struct Shared {
    path: Path,
    /// Not a hash map: there are two clients as a rule, and one of them is looked up per message.
    wakers: BTreeMap<ClientId, Arc<AtomicWaker>>,
}

/// A panic in one task is reported by the runtime. The others go on with what they have.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Calls the state machine, logs what happened, and wakes whoever has something to send.
    fn with<T>(&mut self, call: impl FnOnce(&mut Path) -> T) -> T {
        let result = call(&mut self.path);
        while let Some(event) = self.path.poll_event() {
            log(&event);
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
        Event::Relayed { bytes } => trace!(bytes, "message relayed"),
        Event::RelayFailed { why } => debug!(?why, "message not relayed"),
    }
}

impl Registry {
    pub(super) fn new(config: PathConfig) -> Self {
        Self { config: Arc::new(config), paths: Mutex::default() }
    }

    pub(super) fn config(&self) -> &PathConfig {
        &self.config
    }

    /// Puts a client on the path of this key, with the time its connection came in. `None` if the
    /// server is shutting down.
    pub(super) fn join(
        self: &Arc<Self>,
        key: PublicKey,
        since: Instant,
        subprotocol: &str,
    ) -> Option<Member> {
        let mut paths = lock(&self.paths);
        if paths.stopping {
            return None;
        }
        let shared = paths.by_key.entry(key).or_insert_with(|| {
            let path = Path::new(key, self.config.clone(), Box::new(OsRandom));
            Arc::new(Mutex::new(Shared { path, wakers: BTreeMap::new() }))
        });
        let waker = Arc::new(AtomicWaker::new());
        let id = {
            let mut shared = lock(shared);
            let id = shared.path.connect(since, subprotocol);
            shared.wakers.insert(id, waker.clone());
            id
        };
        Some(Member { registry: self.clone(), shared: shared.clone(), key, id, waker })
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
    pub(super) fn is_empty(&self) -> bool {
        lock(&self.paths).by_key.is_empty()
    }
}

/// The place of one client on its path. The client leaves when this is dropped.
pub(super) struct Member {
    registry: Arc<Registry>,
    shared: Arc<Mutex<Shared>>,
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

    #[test]
    fn a_path_exists_as_long_as_somebody_is_on_it() {
        let registry = Arc::new(Registry::new(PathConfig::default()));
        let key = *KeyPair::generate(&mut OsRandom).public();
        let one = registry.join(key, Instant::now(), SUBPROTOCOL).unwrap();
        let two = registry.join(key, Instant::now(), SUBPROTOCOL).unwrap();
        assert!(Arc::ptr_eq(&one.shared, &two.shared));
        drop(one);
        assert!(!registry.is_empty());
        drop(two);
        assert!(registry.is_empty());
    }

    #[test]
    fn nobody_joins_during_a_shutdown() {
        let registry = Arc::new(Registry::new(PathConfig::default()));
        let key = *KeyPair::generate(&mut OsRandom).public();
        let member = registry.join(key, Instant::now(), SUBPROTOCOL).unwrap();
        registry.shutdown();
        assert!(member.with(|path, id| path.is_closing(id)));
        assert!(registry.join(key, Instant::now(), SUBPROTOCOL).is_none());
    }
}
