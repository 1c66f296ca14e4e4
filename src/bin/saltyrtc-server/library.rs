//! The adapter to the server of the library: options in its terms.

use std::net::Ipv4Addr;

use saltyrtc::server::{
    AcceptRate, Listener, Probe, ProxyHeader, Reload, Server, ServerConfig, ServerError,
    ServerLimits, TrustedProxies,
};

use crate::args::ServerOptions;
use crate::check::Checked;
use crate::descriptors;
use crate::error::CommandError;
use crate::values;
use crate::values::{Count, OrOff, Size};

/// The running server.
pub(crate) struct RunningServer {
    server: Server,
    /// How many connections the operating system has room for.
    room: Option<usize>,
}

impl RunningServer {
    /// Begins to serve.
    pub(crate) fn start(checked: &Checked, listeners: Vec<Listener>) -> Result<Self, CommandError> {
        let room = descriptors::for_connections();
        let mut config = config(checked);
        let wanted = config.limits.connections;
        config.limits.connections = fitting(wanted, room);
        if let (Some(wanted), Some(room)) = (wanted, room)
            && wanted > room
        {
            tracing::warn!(
                "{}: {wanted} connections do not fit into the limit of open files, and no more than {room} are \
                 accepted: raise that limit (LimitNOFILE= in a unit of systemd, ulimit -n in a shell) or lower the \
                 option",
                checked.loaded.origin("max-connections")
            );
        }
        let server = Server::start_on(config, listeners).map_err(command_error)?;
        Ok(Self { server, room })
    }

    /// Where it listens.
    pub(crate) fn addresses(&self) -> String {
        let addresses = self.server.addresses().iter().map(ToString::to_string);
        addresses.collect::<Vec<_>>().join(" ")
    }

    /// What the server counts, as text for Prometheus. Stays valid when the server is gone.
    pub(crate) fn metrics(&self) -> Box<dyn Fn() -> String + Send + Sync> {
        let metrics = self.server.metrics();
        Box::new(move || metrics.prometheus())
    }

    /// Uses new certificates, keys and limits from now on, or none of them.
    pub(crate) fn reload(&self, checked: &Checked) -> Result<(), CommandError> {
        let mut reload = Reload::default();
        reload.tls.clone_from(&checked.tls);
        reload.permanent_keys = Some(checked.permanent_keys.clone());
        let mut limits = limits(&checked.loaded.options.server);
        limits.connections = fitting(limits.connections, self.room);
        reload.limits = Some(limits);
        self.server.reload(reload).map_err(command_error)
    }

    /// Whether the server responds, which it is asked where it serves its clients.
    pub(crate) fn probe(&self) -> Probe {
        self.server.probe()
    }

    pub(crate) fn connections(&self) -> usize {
        self.server.connections()
    }

    pub(crate) fn stop_accepting(&self) {
        self.server.stop_accepting();
    }

    /// Ends all connections, in the time that the limits give.
    pub(crate) async fn shutdown(self) {
        self.server.shutdown().await;
    }
}

/// As many connections as are wanted and as there is room for. If descriptors ran out, nobody could see how the server
/// is, either.
fn fitting(wanted: Option<usize>, room: Option<usize>) -> Option<usize> {
    wanted.into_iter().chain(room).min()
}

fn command_error(error: ServerError) -> CommandError {
    CommandError::new(error.to_string())
}

fn config(checked: &Checked) -> ServerConfig {
    let options = &checked.loaded.options.server;
    // The address is not looked at, because the sockets are open already.
    let mut config = ServerConfig::new((Ipv4Addr::UNSPECIFIED, options.listen.port).into());
    config.tls.clone_from(&checked.tls);
    config.permanent_keys.clone_from(&checked.permanent_keys);
    config.limits = limits(options);
    config.proxy = Some(proxies(options));
    config.accept_no_shared_task_as_drop_reason = options.protocol.accept_no_shared_task_drop;
    config
}

/// Also without any networks: Unix sockets are for proxies only.
fn proxies(options: &ServerOptions) -> TrustedProxies {
    let networks = options.proxy.trusted_proxy.clone();
    let header = match options.proxy.proxy_header {
        values::ProxyHeader::XForwardedFor => ProxyHeader::XForwardedFor,
        values::ProxyHeader::ProxyProtocol => ProxyHeader::ProxyProtocol,
    };
    TrustedProxies { networks, header }
}

fn limits(options: &ServerOptions) -> ServerLimits {
    let ServerOptions { limits: given, stop, .. } = options;
    let count = |OrOff(count): OrOff<Count>| {
        count.map(|Count(count)| usize::try_from(count).unwrap_or(usize::MAX))
    };
    let mut limits = ServerLimits::default();
    limits.connections = count(given.max_connections);
    limits.connections_per_address = count(given.max_connections_per_address);
    limits.connections_per_path = count(given.max_connections_per_path);
    limits.connections_per_path_and_address = count(given.max_connections_per_path_and_address);
    limits.accept_rate = given
        .accept_rate
        .0
        .map(|Count(per_second)| AcceptRate { per_second, burst: given.accept_burst.0 });
    limits.handshake_timeout = given.handshake_timeout.0;
    limits.idle_timeout = given.idle_timeout.0.map(|span| span.0);
    limits.stall_timeout = given.stall_timeout.0.map(|span| span.0);
    limits.pong_timeout = given.pong_timeout.0;
    limits.close_timeout = stop.close_timeout.0;
    limits.shutdown_timeout = stop.shutdown_timeout.0;
    limits.message_size = given.max_message_size.0;
    limits.message_timeout = given.message_timeout.0;
    limits.receiving_bytes = given.max_receiving.0.map(|Size(bytes)| bytes);
    limits.queue_bytes = given.max_queue.0;
    limits.all_queues_bytes = given.max_all_queues.0.map(|Size(bytes)| bytes);
    limits.tcp_keepalive = given.tcp_keepalive.0.map(|span| span.0);
    limits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::AllOptions;
    use clap::Parser as _;

    fn parse(arguments: &[&str]) -> ServerOptions {
        AllOptions::try_parse_from(arguments).unwrap().server
    }

    #[test]
    fn the_defaults_are_those_of_the_library() {
        assert_eq!(limits(&parse(&[])), ServerLimits::default());
        let nobody = TrustedProxies { networks: Vec::new(), header: ProxyHeader::XForwardedFor };
        assert_eq!(proxies(&parse(&[])), nobody);
    }

    /// The fields of the library's limits with their values.
    fn fields(limits: &ServerLimits) -> Vec<(String, String)> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in format!("{limits:#?}").lines() {
            match line.strip_prefix("    ").and_then(|line| line.split_once(": ")) {
                Some((name, value)) if !name.starts_with(' ') => {
                    fields.push((name.to_owned(), value.to_owned()));
                }
                // Values can go over several lines.
                _ => {
                    if let Some((_, value)) = fields.last_mut() {
                        value.push_str(line);
                    }
                }
            }
        }
        fields
    }

    #[test]
    fn every_limit_of_the_library_has_its_option() {
        let default = fields(&ServerLimits::default());
        let mut changed_by_some = Vec::new();
        for option in [
            "--max-connections=7",
            "--max-connections-per-address=off",
            "--max-connections-per-path=7",
            "--max-connections-per-path-and-address=off",
            "--accept-burst=7",
            "--handshake-timeout=7s",
            "--idle-timeout=7s",
            "--stall-timeout=off",
            "--pong-timeout=7s",
            "--close-timeout=0",
            "--shutdown-timeout=0",
            "--max-message-size=1024",
            "--message-timeout=7s",
            "--max-receiving=off",
            "--max-queue=0",
            "--max-all-queues=off",
            "--tcp-keepalive=1s",
        ] {
            let now = fields(&limits(&parse(&[option])));
            let changed: Vec<_> = now
                .into_iter()
                .filter(|field| !default.contains(field))
                .map(|(name, _)| name)
                .collect();
            assert_eq!(changed.len(), 1, "{option}: {changed:?}");
            changed_by_some.extend(changed);
        }
        let mut all: Vec<_> = default.into_iter().map(|(name, _)| name).collect();
        all.sort_unstable();
        changed_by_some.sort_unstable();
        assert_eq!(changed_by_some, all);
        let rate = limits(&parse(&["--accept-rate=7"])).accept_rate;
        assert_eq!(rate, Some(AcceptRate { per_second: 7, burst: 4096 }));
        assert_eq!(limits(&parse(&["--accept-rate=off"])).accept_rate, None);
    }

    #[test]
    fn the_proxies_that_are_named_are_trusted() {
        let options = parse(&["--trusted-proxy=10.0.0.0/8", "--proxy-header=proxy-protocol"]);
        let expected = TrustedProxies {
            networks: vec!["10.0.0.0/8".parse().unwrap()],
            header: ProxyHeader::ProxyProtocol,
        };
        assert_eq!(proxies(&options), expected);
    }

    /// What the options allow is nothing that the library refuses once the port is open.
    #[test]
    fn the_smallest_values_are_good_enough() {
        let options = [
            "--max-connections=1",
            "--max-connections-per-address=1",
            "--max-connections-per-path=1",
            "--max-connections-per-path-and-address=1",
            "--accept-rate=1",
            "--accept-burst=1",
            "--handshake-timeout=1ms",
            "--idle-timeout=1ms",
            "--stall-timeout=1ms",
            "--pong-timeout=1ms",
            "--close-timeout=0",
            "--shutdown-timeout=0",
            "--max-message-size=1024",
            "--message-timeout=1ms",
            "--max-receiving=65KiB",
            "--max-queue=0",
            "--max-all-queues=0",
            "--tcp-keepalive=1s",
        ];
        let longest = [
            "--handshake-timeout=24h",
            "--idle-timeout=24h",
            "--stall-timeout=24h",
            "--pong-timeout=24h",
            "--message-timeout=24h",
            "--close-timeout=24h",
            "--shutdown-timeout=24h",
            "--tcp-keepalive=24h",
        ];
        for options in [&options[..], &longest[..]] {
            let mut config = ServerConfig::new(([127, 0, 0, 1], 0).into());
            config.limits = limits(&parse(options));
            drop(Server::start(config).unwrap());
        }
    }
}
