//! All attacks.

use std::future::Future;
use std::pin::Pin;

use crate::pair::{Enough, Started};
use crate::target::Target;
use crate::{churn, crowd, flood, garbage, slow};

type Run = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What can be done to a server.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    /// Can be over before it is enough, and is to begin again then.
    pub(crate) run: fn(Target, Started, Enough) -> Run,
}

macro_rules! attacks {
    ($($name:literal: $run:path,)*) => {
        pub(crate) const ATTACKS: &[Attack] = &[$(Attack {
            name: $name,
            run: |target, started, enough| Box::pin($run(target, started, enough)),
        }),*];
    };
}

attacks! {
    "connections that are closed at once": churn::connections_without_words,
    "TLS handshakes and nothing else": churn::tls_and_nothing_else,
    "TLS handshakes in pieces": slow::tls_in_pieces,
    "requests in pieces": slow::requests_in_pieces,
    "half-closed connections": slow::half_closed,
    "clients that never authenticate": slow::never_authenticated,
    "a path full of silent connections": crowd::silence_on_a_full_path,
    "responders on every address of a path": crowd::responders_on_every_address,
    "responders that join and leave": churn::joining_and_leaving,
    "paths that are used once": churn::new_paths,
    "garbage at every stage": garbage::garbage_everywhere,
    "large maps before authentication": garbage::maps_before_authentication,
    "messages without an end": flood::messages_without_an_end,
    "receivers that stop reading": flood::stopped_receivers,
    "senders that ignore every error": flood::ignored_errors,
    "pairs that flood each other": flood::flooding_pairs,
    "silent connections to the admin listener": churn::silence_at_the_admin_listener,
}
