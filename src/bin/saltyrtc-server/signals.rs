//! What the operating system asks of the program.

use std::io;

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Reload,
    Stop,
}

#[cfg(unix)]
mod platform {
    use tokio::signal::unix::{self, SignalKind, signal};

    use super::{Signal, io};

    /// The signals that the program listens to. Those that come before anybody looks are kept.
    pub(crate) struct Signals {
        hangup: unix::Signal,
        terminate: unix::Signal,
        interrupt: unix::Signal,
    }

    impl Signals {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self {
                hangup: signal(SignalKind::hangup())?,
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
            })
        }

        pub(crate) async fn next(&mut self) -> Signal {
            tokio::select! {
                _ = self.terminate.recv() => Signal::Stop,
                _ = self.interrupt.recv() => Signal::Stop,
                _ = self.hangup.recv() => Signal::Reload,
            }
        }
    }
}

#[cfg(not(unix))]
mod platform {
    use super::{Signal, io};

    pub(crate) struct Signals(());

    impl Signals {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self(()))
        }

        pub(crate) async fn next(&mut self) -> Signal {
            match tokio::signal::ctrl_c().await {
                Ok(()) => Signal::Stop,
                Err(_) => std::future::pending().await,
            }
        }
    }
}

pub(crate) use platform::Signals;

impl Signals {
    /// Waits for the next request to stop. Others are too late.
    pub(crate) async fn next_stop(&mut self) {
        while self.next().await != Signal::Stop {}
    }
}
