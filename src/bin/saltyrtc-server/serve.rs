//! `serve`: the life of the server, from its start over reloads to its end.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use saltyrtc::server::Listener;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tracing::{error, info, warn};

use crate::admin::{self, Health};
use crate::check::Checked;
use crate::error::CommandError;
use crate::library::RunningServer;
use crate::logging::{self, Logging};
use crate::notify::Notifier;
use crate::signals::{Signal, Signals};
use crate::sockets;
use crate::sources::{LoadedOptions, Sources};
use crate::values::Admin;

/// Runs the server until a signal ends it.
pub(crate) fn serve(sources: Sources) -> Result<(), CommandError> {
    let checked = Checked::load(&sources)?;
    // Before there are threads: both read environment variables, and the first one removes some.
    let inherited = sockets::inherited()?;
    let (notifier, problem) = Notifier::new(sources.environment());
    let logging = logging::start(&checked.loaded.options.log);
    for warning in checked.loaded.warnings.iter().chain(&problem) {
        warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::new(format!("the program cannot start: {error}")))?;
    let program = Program { sources, checked, notifier: Arc::new(notifier), logging };
    runtime.block_on(program.run(inherited))
}

struct Program {
    sources: Sources,
    /// The options that are in use.
    checked: Checked,
    notifier: Arc<Notifier>,
    logging: Logging,
}

impl Program {
    async fn run(mut self, inherited: Vec<Listener>) -> Result<(), CommandError> {
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
            .map_err(|error| CommandError::new(format!("signals cannot be received: {error}")))?;
        // Everything that can go wrong is done before the first client is let in.
        let admin = open_admin(&self.checked.loaded)?;
        let listeners = match inherited.is_empty() {
            true => sockets::open(&self.checked.loaded)?,
            false => inherited,
        };
        let server = RunningServer::start(&self.checked, listeners)?;
        let health = Health::new(server.metrics(), Some(server.probe()));
        if let Some(listener) = admin {
            let address =
                listener.local_addr().map_or(String::new(), |address| address.to_string());
            info!(%address, "admin listener");
            tokio::spawn(admin::serve(listener, health.clone(), admin::TIMEOUT));
        }
        health.ready.store(true, Relaxed);
        info!(addresses = server.addresses(), tls = self.checked.tls.is_some(), "ready");
        self.notifier.ready("Ready");
        say("Started");

        // To the end of the program, so that a shutdown that hangs is noticed, too.
        if let Some(period) = self.notifier.watchdog() {
            tokio::spawn(feed_watchdog(self.notifier.clone(), period, health.clone()));
        }
        while let Signal::Reload = signals.next().await {
            self.reload(&server, &health);
        }
        self.stop(server, &health, &mut signals).await;
        Ok(())
    }

    fn reload(&mut self, server: &RunningServer, health: &Health) {
        self.notifier.reloading();
        match Checked::load(&self.sources).and_then(|new| server.reload(&new).map(|()| new)) {
            Ok(new) => {
                for warning in new.loaded.warnings.iter().chain(&needs_restart(&self.checked, &new))
                {
                    warn!("{warning}");
                }
                self.logging.set(new.loaded.options.log.verbosity);
                self.checked = new;
                health.reloads.fetch_add(1, Relaxed);
                info!("reload done");
                self.notifier.ready("Ready");
            }
            Err(failure) => {
                health.failed_reloads.fetch_add(1, Relaxed);
                error!("nothing was reloaded, the old configuration is still in use: {failure}");
                self.notifier.ready("Ready, but the last reload failed: see the log");
            }
        }
    }

    async fn stop(&self, server: RunningServer, health: &Health, signals: &mut Signals) {
        say("Stopping");
        health.ready.store(false, Relaxed);
        self.notifier.stopping();
        info!(connections = server.connections(), "stopping");
        let drain_delay = self.checked.loaded.options.server.stop.drain_delay.0;
        let end = async {
            if !drain_delay.is_zero() {
                sleep(drain_delay).await;
            }
            server.stop_accepting();
            server.shutdown().await;
        };
        tokio::select! {
            () = end => {}
            () = signals.next_stop() => warn!("second signal: ending at once"),
        }
        info!("stopped");
        say("Stopped");
    }
}

/// The lines that the Python server writes to standard output too. Nobody has to read them.
fn say(line: &str) {
    let _ = crate::print(format!("{line}\n").as_bytes());
}

/// Opens the admin listener, if there is to be one.
fn open_admin(loaded: &LoadedOptions) -> Result<Option<tokio::net::TcpListener>, CommandError> {
    let Admin::Listen(address) = loaded.options.server.admin.admin else { return Ok(None) };
    match admin::listen(address) {
        Ok(listener) => Ok(Some(listener)),
        // A second server on the same machine, which worked before there was an admin listener.
        Err(error) if !loaded.is_set("admin") => {
            warn!(
                "there are no health checks and no metrics: cannot listen on {address}: {error}; give \
                 another address with --admin, or --admin=off"
            );
            Ok(None)
        }
        Err(error) => Err(CommandError::new(format!(
            "{}: cannot listen on {address}: {error}; give another address, or off",
            loaded.origin("admin")
        ))),
    }
}

/// What has changed but is only looked at when the server starts.
fn needs_restart(old: &Checked, new: &Checked) -> Vec<String> {
    let (before, after) = (&old.loaded.options.server, &new.loaded.options.server);
    let changed = [
        ("tlscert", old.tls.is_some() && new.tls.is_none()),
        ("host", before.listen.host != after.listen.host),
        ("socket-mode", before.listen.socket_mode != after.listen.socket_mode),
        ("port", before.listen.port != after.listen.port),
        ("admin", before.admin.admin != after.admin.admin),
        ("trusted-proxy", before.proxy.trusted_proxy != after.proxy.trusted_proxy),
        ("proxy-header", before.proxy.proxy_header != after.proxy.proxy_header),
        (
            "accept-no-shared-task-drop",
            before.protocol.accept_no_shared_task_drop != after.protocol.accept_no_shared_task_drop,
        ),
        ("log-format", old.loaded.options.log.log_format != new.loaded.options.log.log_format),
        ("colored", old.loaded.options.log.colored != new.loaded.options.log.colored),
    ];
    changed
        .into_iter()
        .filter(|(_, changed)| *changed)
        .map(|(option, _)| {
            format!(
                "{}: this has changed, but takes effect after a restart only",
                new.loaded.origin(option)
            )
        })
        .collect()
}

/// Says that the server is alive for as long as it responds. If it does not, the service manager ends the program.
async fn feed_watchdog(notifier: Arc<Notifier>, period: Duration, health: Arc<Health>) {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if health.responds(period).await {
            notifier.alive();
        }
    }
}
