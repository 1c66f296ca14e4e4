//! `serve`: the life of the server, from its start over reloads to its end.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval, sleep};
use tracing::{error, info, warn};

use crate::admin::{self, State};
use crate::check::Checked;
use crate::config::{Config, Source};
use crate::failure::Failure;
use crate::library::Running;
use crate::logging::{self, Logging};
use crate::notify::Notifier;
use crate::signals::{Signal, Signals};
use crate::sockets;
use crate::values::Admin;

/// Runs the server until a signal ends it.
pub(crate) fn serve(source: Source) -> Result<(), Failure> {
    let checked = Checked::load(&source)?;
    // Before there are threads: both read environment variables, and the first one removes some.
    let inherited = sockets::inherited()?;
    let (notifier, problem) = Notifier::new(source.environment());
    let logging = logging::start(&checked.config.settings.log);
    for warning in checked.config.warnings.iter().chain(&problem) {
        warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("the program cannot start: {error}")))?;
    let program = Program { source, checked, notifier, logging };
    runtime.block_on(program.run(inherited))
}

struct Program {
    source: Source,
    /// The settings that are in use.
    checked: Checked,
    notifier: Notifier,
    logging: Logging,
}

impl Program {
    async fn run(mut self, inherited: Vec<TcpListener>) -> Result<(), Failure> {
        say("Starting");
        for (index, key) in self.checked.permanent_keys.iter().enumerate() {
            let key = key.public().to_hex();
            match index {
                0 => say(&format!("Primary public permanent key: {key}")),
                _ => say(&format!("Secondary key #{index}: {key}")),
            }
        }
        // From here on a signal does not kill the program any more.
        let mut signals = Signals::new()
            .map_err(|error| Failure::new(format!("signals cannot be received: {error}")))?;
        // Everything that can go wrong is done before the first client is let in.
        let admin = open_admin(&self.checked.config)?;
        let listeners = match inherited.is_empty() {
            true => sockets::open(&self.checked.config)?,
            false => inherited,
        };
        let addresses = addresses(&listeners);
        let server = Running::start(&self.checked, listeners)?;
        let state = State::new(server.metrics());
        if let Some(listener) = admin {
            let address =
                listener.local_addr().map_or(String::new(), |address| address.to_string());
            info!(%address, "admin listener");
            tokio::spawn(admin::serve(listener, state.clone(), admin::TIMEOUT));
        }
        state.ready.store(true, Relaxed);
        info!(addresses, tls = self.checked.tls.is_some(), "ready");
        self.notifier.ready("Ready");
        say("Started");

        let mut watchdog = self.notifier.watchdog().map(ticks);
        loop {
            tokio::select! {
                signal = signals.next() => match signal {
                    Signal::Reload => self.reload(&server, &state),
                    Signal::Stop => break,
                },
                () = tick(&mut watchdog) => {
                    // Takes the locks of the server: if one is never given back, this never comes back.
                    server.connections();
                    self.notifier.alive();
                }
            }
        }
        self.stop(server, &state, &mut signals, watchdog).await;
        Ok(())
    }

    fn reload(&mut self, server: &Running, state: &State) {
        self.notifier.reloading();
        match Checked::load(&self.source).and_then(|new| server.reload(&new).map(|()| new)) {
            Ok(new) => {
                for warning in new.config.warnings.iter().chain(&needs_restart(&self.checked, &new))
                {
                    warn!("{warning}");
                }
                self.logging.set(new.config.settings.log.verbosity);
                self.checked = new;
                state.reloads.fetch_add(1, Relaxed);
                info!("reload done");
                self.notifier.ready("Ready");
            }
            Err(failure) => {
                state.failed_reloads.fetch_add(1, Relaxed);
                error!("nothing was reloaded, the old configuration is still in use: {failure}");
                self.notifier.ready("Ready, but the last reload failed: see the log");
            }
        }
    }

    async fn stop(
        &self,
        server: Running,
        state: &State,
        signals: &mut Signals,
        mut watchdog: Option<Interval>,
    ) {
        say("Stopping");
        state.ready.store(false, Relaxed);
        self.notifier.stopping();
        info!(connections = server.connections(), "stopping");
        let drain_delay = self.checked.config.settings.server.stop.drain_delay.0;
        let end = async {
            if !drain_delay.is_zero() {
                sleep(drain_delay).await;
            }
            server.stop_accepting();
            server.shutdown().await;
        };
        tokio::pin!(end);
        loop {
            tokio::select! {
                () = &mut end => break,
                () = signals.next_stop() => {
                    warn!("second signal: ending at once");
                    break;
                }
                () = tick(&mut watchdog) => self.notifier.alive(),
            }
        }
        info!("stopped");
        say("Stopped");
    }
}

/// The lines that the Python server writes to standard output too. Nobody has to read them.
fn say(line: &str) {
    let _ = crate::print(format!("{line}\n").as_bytes());
}

fn addresses(listeners: &[TcpListener]) -> String {
    let addresses = listeners.iter().filter_map(|listener| listener.local_addr().ok());
    addresses.map(|address: SocketAddr| address.to_string()).collect::<Vec<_>>().join(" ")
}

/// Opens the admin listener, if there is to be one.
fn open_admin(config: &Config) -> Result<Option<tokio::net::TcpListener>, Failure> {
    let Admin::Listen(address) = config.settings.server.admin.admin else { return Ok(None) };
    match admin::listen(address) {
        Ok(listener) => Ok(Some(listener)),
        // A second server on the same machine, which worked before there was an admin listener.
        Err(error) if !config.is_set("admin") => {
            warn!(
                "there are no health checks and no metrics: cannot listen on {address}: {error}; give \
                 another address with --admin, or --admin=off"
            );
            Ok(None)
        }
        Err(error) => Err(Failure::new(format!(
            "{}: cannot listen on {address}: {error}; give another address, or off",
            config.origin("admin")
        ))),
    }
}

/// What has changed but is only looked at when the server starts.
fn needs_restart(old: &Checked, new: &Checked) -> Vec<String> {
    let (before, after) = (&old.config.settings.server, &new.config.settings.server);
    let changed = [
        ("tlscert", old.tls.is_some() && new.tls.is_none()),
        ("host", before.listen.host != after.listen.host),
        ("port", before.listen.port != after.listen.port),
        ("admin", before.admin.admin != after.admin.admin),
        ("trusted-proxy", before.proxy.trusted_proxy != after.proxy.trusted_proxy),
        ("proxy-header", before.proxy.proxy_header != after.proxy.proxy_header),
        (
            "accept-no-shared-task-drop",
            before.protocol.accept_no_shared_task_drop != after.protocol.accept_no_shared_task_drop,
        ),
        ("log-format", old.config.settings.log.log_format != new.config.settings.log.log_format),
        ("colored", old.config.settings.log.colored != new.config.settings.log.colored),
    ];
    changed
        .into_iter()
        .filter(|(_, changed)| *changed)
        .map(|(option, _)| {
            format!(
                "{}: this has changed, but takes effect after a restart only",
                new.config.origin(option)
            )
        })
        .collect()
}

fn ticks(period: Duration) -> Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

async fn tick(interval: &mut Option<Interval>) {
    match interval {
        Some(interval) => {
            interval.tick().await;
        }
        None => std::future::pending().await,
    }
}
