//! The one definition of all commands and options. Help, manual page, completions, environment
//! variables and the keys of the configuration file come from it.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser};
use clap::{Subcommand, ValueHint};
use saltyrtc::server::IpNetwork;

use crate::error::CommandError;
use crate::values::{
    Admin, Count, EventLoop, Host, LogFormat, Mode, OrOff, ProxyHeader, Size, Span,
};
use crate::values::{message_size, port, queue_size};

/// The name of the program.
pub(crate) const NAME: &str = "saltyrtc-server";

const AFTER_HELP: &str = "\
Options come from, in this order of precedence: the command line; environment variables \
(SALTYRTC_SERVER_SERVE_ and the name of the option, as in SALTYRTC_SERVER_SERVE_PORT=8765; \
SALTYRTC_SERVER_ alone for --verbosity, --colored and --log-format); the file of --config, whose keys \
are the names of the options; the defaults.

To begin with:
  saltyrtc-server generate permanent.key
  saltyrtc-server serve -p 8765 -tc certificate.pem -tk certificate.key -k permanent.key

SIGHUP reloads certificate, permanent keys, limits and the log level. SIGTERM stops the server.";

/// SaltyRTC signalling server
///
/// Brings two programs together over a server that neither of them has to trust: it relays their
/// end-to-end encrypted messages and cannot read them.
// No -h for help: in the Python server it is the host.
#[derive(Debug, Parser)]
#[command(
    name = NAME,
    version,
    arg_required_else_help = true,
    subcommand_required = true,
    after_long_help = AFTER_HELP,
    disable_help_flag = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) log: LogOptions,
    /// Print help
    #[arg(long, global = true, action = ArgAction::HelpLong, help_heading = "Help")]
    help: Option<bool>,
    #[command(subcommand)]
    command: Command,
}

/// What the program can be asked to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the signalling server
    ///
    /// Runs in the foreground until SIGTERM or SIGINT. A TLS certificate and a permanent key are
    /// required, unless the environment variable SALTYRTC_SAFETY_OFF is
    /// 'yes-and-i-know-what-im-doing' (for tests, and behind a proxy that does TLS).
    #[command(after_long_help = AFTER_HELP)]
    Serve(Box<ServeOptions>),
    /// Generate a new permanent key pair of the server
    ///
    /// Writes the secret key in hexadecimal to KEY_FILE, which only its owner can read, and prints the
    /// public key. A file that exists is never overwritten.
    Generate {
        /// The file for the secret key
        #[arg(value_hint = ValueHint::FilePath)]
        key_file: PathBuf,
    },
    /// Show the version of the program and of the protocols
    Version,
    /// Check all that serve would use, without listening
    ///
    /// Takes the options of serve and looks at the same environment variables, file, certificate and
    /// keys. For use before a reload or a restart.
    CheckConfig(Box<ServeOptions>),
    /// Print a configuration file with all keys, their meaning and their defaults
    DefaultConfig,
    /// Ask a running server whether it is ready
    ///
    /// Ends with code 0 if it is, and with 1 if not. Finds the server by the option admin of serve,
    /// from the same sources.
    Healthcheck(HealthcheckOptions),
    /// Print a script that completes commands and options in a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff)
    Man,
}

impl Command {
    pub(crate) fn of(matches: &ArgMatches) -> Result<Self, CommandError> {
        Self::from_arg_matches(matches).map_err(|error| CommandError::new(error.to_string()))
    }
}

#[derive(Debug, Args)]
pub(crate) struct ServeOptions {
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    options: ServerOptions,
}

#[derive(Debug, Args)]
pub(crate) struct HealthcheckOptions {
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    admin: AdminOptions,
}

#[derive(Debug, Args)]
struct ConfigFile {
    /// A TOML file with options
    ///
    /// Each option can be a key of it, with its long name and without the dashes. See the command
    /// default-config.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
}

/// All that can be set, once all sources have been put together.
#[derive(Debug, Parser)]
#[command(no_binary_name = true, disable_help_flag = true)]
pub(crate) struct AllOptions {
    #[command(flatten)]
    pub(crate) log: LogOptions,
    #[command(flatten)]
    pub(crate) server: ServerOptions,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Logs")]
pub(crate) struct LogOptions {
    /// How much is logged to standard error, from 0 (nothing) to 7
    ///
    /// 1 and 2: errors; 3: warnings; 4 and 5: what the server itself does; 6 and 7: what happens on
    /// connections, for debugging. Up to 5, nothing about single clients is logged.
    #[arg(
        short, long, global = true, value_name = "LEVEL", default_value_t = 5,
        value_parser = clap::value_parser!(u8).range(0..=7)
    )]
    pub(crate) verbosity: u8,
    /// Colour the log
    #[arg(
        short, long, global = true, value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_value = "false", default_missing_value = "true", value_parser = BoolishValueParser::new()
    )]
    pub(crate) colored: bool,
    /// How the log looks
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
}

#[derive(Debug, Args)]
pub(crate) struct ServerOptions {
    #[command(flatten)]
    pub(crate) keys: KeyOptions,
    #[command(flatten)]
    pub(crate) listen: ListenOptions,
    #[command(flatten)]
    pub(crate) admin: AdminOptions,
    #[command(flatten)]
    pub(crate) limits: LimitOptions,
    #[command(flatten)]
    pub(crate) stop: StopOptions,
    #[command(flatten)]
    pub(crate) proxy: ProxyOptions,
    #[command(flatten)]
    pub(crate) protocol: ProtocolOptions,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Certificate and keys")]
pub(crate) struct KeyOptions {
    /// The TLS certificate, followed by those that lead to a root (PEM) [also: -tc]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) tlscert: Option<PathBuf>,
    /// The private key of the TLS certificate (PEM) [also: -tk]
    ///
    /// Without this option the key is read from the file of the certificate.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) tlskey: Option<PathBuf>,
    /// The old name of --tlscert
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) sslcert: Option<PathBuf>,
    /// The old name of --tlskey
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) sslkey: Option<PathBuf>,
    /// Has no effect: the key exchange of TLS needs no parameters from files [also: -dhp]
    #[arg(long, value_name = "FILE")]
    pub(crate) dhparams: Option<PathBuf>,
    /// A secret permanent key of the server: a file, or 64 hexadecimal digits
    ///
    /// Can be given more than once; the first one is the primary key. The others are for clients that
    /// still expect them, so that a key can be replaced. In the environment variable, separate keys
    /// with a colon. Prefer files: others on the machine can see the command line.
    #[arg(short, long, value_name = "KEY", value_hint = ValueHint::FilePath)]
    pub(crate) key: Vec<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Listening")]
pub(crate) struct ListenOptions {
    /// The address or name to listen on; without it, or with ::, all addresses of the machine
    ///
    /// Or unix: and the path of a Unix socket, for a proxy on the same machine, which is trusted to say who its clients
    /// are (--proxy-header). The server makes the file, and removes it in the end.
    #[arg(short = 'h', long)]
    pub(crate) host: Option<Host>,
    /// The permissions of a Unix socket; who may write to it may connect
    #[arg(long, value_name = "MODE", default_value = "660")]
    pub(crate) socket_mode: Mode,
    /// The port to listen on
    ///
    /// With socket activation (LISTEN_FDS), host and port have no effect.
    #[arg(short, long, default_value_t = 443, value_parser = port)]
    pub(crate) port: u16,
    /// Has no effect: there is only one event loop
    #[arg(short = 'l', long = "loop", value_name = "NAME")]
    pub(crate) event_loop: Option<EventLoop>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Health checks and metrics")]
pub(crate) struct AdminOptions {
    /// Where /healthz, /readyz and /metrics are served over HTTP, or off
    ///
    /// If the default is taken already, for example by a second server on the machine, the server
    /// starts without it. Should not be reachable from outside: there is no password.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8766")]
    pub(crate) admin: Admin,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitOptions {
    /// Connections at once
    ///
    /// One more is closed at once, before TLS.
    #[arg(long, value_name = "COUNT|off", default_value = "16384")]
    pub(crate) max_connections: OrOff<Count>,
    /// Connections at once from one address
    ///
    /// An address is an IPv4 address, or the first 64 bits of an IPv6 one. 256 are plenty where
    /// clients connect directly. Behind a proxy, see --trusted-proxy.
    #[arg(long, value_name = "COUNT|off", default_value = "4096")]
    pub(crate) max_connections_per_address: OrOff<Count>,
    /// Connections at once on one signalling path
    ///
    /// One more takes the place of the oldest one that is not authenticated, from the address that has most of them.
    #[arg(long, value_name = "COUNT|off", default_value = "1024")]
    pub(crate) max_connections_per_path: OrOff<Count>,
    /// Connections at once on one signalling path from one address
    ///
    /// One more takes the place of the oldest one from there that is not authenticated.
    #[arg(long, value_name = "COUNT|off", default_value = "512")]
    pub(crate) max_connections_per_path_and_address: OrOff<Count>,
    /// Connections that one address may open per second, in the long run
    #[arg(long, value_name = "COUNT|off", default_value = "200")]
    pub(crate) accept_rate: OrOff<Count>,
    /// Connections that one address may open at once, after a time without any
    #[arg(long, value_name = "COUNT", default_value = "4096")]
    pub(crate) accept_burst: Count,
    /// Time from TCP connection to authentication
    ///
    /// Then the connection is closed, with 3008 once there is a WebSocket.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = Span::positive)]
    pub(crate) handshake_timeout: Span,
    /// Time for the answer to a ping; then the client is closed with 3008
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = Span::positive)]
    pub(crate) pong_timeout: Span,
    /// Time without any message from or to a client; then it is closed with 3008
    #[arg(long, value_name = "TIME|off", default_value = "off", value_parser = Span::positive_or_off)]
    pub(crate) idle_timeout: OrOff<Span>,
    /// Time that a client may take nothing of what waits for it; then it is cut off
    #[arg(long, value_name = "TIME|off", default_value = "60s", value_parser = Span::positive_or_off)]
    pub(crate) stall_timeout: OrOff<Span>,
    /// Time without any traffic, after which the operating system looks whether a client is there
    #[arg(long, value_name = "TIME|off", default_value = "300s", value_parser = Span::seconds_or_off)]
    pub(crate) tcp_keepalive: OrOff<Span>,
    /// Size of a message; who sends a larger one is closed with 1009
    #[arg(long, value_name = "SIZE", default_value = "1MiB", value_parser = message_size)]
    pub(crate) max_message_size: Size,
    /// Time from the first byte of a message to its last; then the client is closed with 3008
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = Span::positive)]
    pub(crate) message_timeout: Span,
    /// Bytes of messages that are not complete, of all clients together
    ///
    /// Beyond it the message goes that has been coming in for the longest time, and its client is closed with 3008. The
    /// first 16 KiB of each message do not count. 64 KiB more than --max-message-size at least.
    #[arg(long, value_name = "SIZE|off", default_value = "256MiB")]
    pub(crate) max_receiving: OrOff<Size>,
    /// Bytes that may wait for one client
    ///
    /// Nothing more is read from the sender of a message that does not fit, until half of that was taken.
    /// Responders have equal shares of what may wait for their initiator.
    #[arg(long, value_name = "SIZE", default_value = "4MiB", value_parser = queue_size)]
    pub(crate) max_queue: Size,
    /// Bytes that may wait for all clients together
    ///
    /// Beyond it only those for whom nothing waits are given messages, and messages above 16 KiB wait before they are
    /// read; clients that keep up with smaller ones notice nothing. For whom something waits longer than
    /// --stall-timeout then is cut off.
    #[arg(long, value_name = "SIZE|off", default_value = "512MiB")]
    pub(crate) max_all_queues: OrOff<Size>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Stopping")]
pub(crate) struct StopOptions {
    /// Time that a closed connection may take to end; then it is cut off
    #[arg(long, value_name = "TIME", default_value = "5s")]
    pub(crate) close_timeout: Span,
    /// Time from not being ready any more to the end of listening
    ///
    /// For load balancers, which learn of it by their next health check.
    #[arg(long, value_name = "TIME", default_value = "0s")]
    pub(crate) drain_delay: Span,
    /// Time for all clients to get what waits for them and 1001, after --drain-delay
    ///
    /// Who is not gone by then is cut off. A second signal ends the server at once.
    #[arg(long, value_name = "TIME", default_value = "8s")]
    pub(crate) shutdown_timeout: Span,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Proxies")]
pub(crate) struct ProxyOptions {
    /// A network of proxies that say whose connections they forward
    ///
    /// Can be given more than once; in the environment variable, separate them with a comma. Only
    /// limits per address depend on it. What others say about addresses is not believed; but who connects over a Unix
    /// socket is such a proxy.
    #[arg(long, value_name = "NETWORK")]
    pub(crate) trusted_proxy: Vec<IpNetwork>,
    /// How the trusted proxies say it
    #[arg(long, value_name = "HOW", default_value = "x-forwarded-for")]
    pub(crate) proxy_header: ProxyHeader,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Protocol")]
pub(crate) struct ProtocolOptions {
    /// Let initiators drop responders with the reason 3006 (no shared task)
    ///
    /// The protocol does not allow it, but the JavaScript and Java clients do it.
    #[arg(
        long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false",
        default_missing_value = "true", value_parser = BoolishValueParser::new()
    )]
    pub(crate) accept_no_shared_task_drop: bool,
}

/// The commands and options of the command line.
pub(crate) fn command() -> clap::Command {
    Cli::command()
}

/// The same with everything on one page.
pub(crate) fn command_for_manual() -> clap::Command {
    let mut command = Cli::command();
    command.build();
    let Some(serve) = command.find_subcommand("serve").cloned() else { return command };
    // What is global is there already.
    let options = serve.get_arguments().filter(|arg| !arg.is_global_set() && !arg.is_hide_set());
    command.args(options.cloned().collect::<Vec<_>>())
}

/// The Python server's options of more than one letter behind a single dash, which clap does not know.
const PYTHON_OPTIONS: [(&str, &str); 5] = [
    ("-tc", "--tlscert"),
    ("-tk", "--tlskey"),
    ("-sc", "--sslcert"),
    ("-sk", "--sslkey"),
    ("-dhp", "--dhparams"),
];

/// Gives the Python server's options (`-tc FILE`, `-tc=FILE`) their long names.
pub(crate) fn python_options(
    arguments: impl Iterator<Item = OsString>,
) -> impl Iterator<Item = OsString> {
    let mut options = true;
    arguments.map(move |argument| {
        options &= argument != OsStr::new("--");
        match argument.to_str() {
            Some(text) if options => {
                let (name, value) = match text.split_once('=') {
                    Some((name, value)) => (name, Some(value)),
                    None => (text, None),
                };
                match (PYTHON_OPTIONS.iter().find(|(short, _)| *short == name), value) {
                    (Some((_, long)), None) => OsString::from(long),
                    (Some((_, long)), Some(value)) => OsString::from(format!("{long}={value}")),
                    (None, _) => argument,
                }
            }
            _ => argument,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
        AllOptions::command().debug_assert();
        command_for_manual().debug_assert();
    }

    #[test]
    fn options_of_the_python_server_get_their_long_names() {
        let given = ["x", "-tc", "a", "-tk=b", "-dhp", "-t", "-tcx", "-sc", "-sk", "--", "-tc"];
        let expected = [
            "x",
            "--tlscert",
            "a",
            "--tlskey=b",
            "--dhparams",
            "-t",
            "-tcx",
            "--sslcert",
            "--sslkey",
            "--",
            "-tc",
        ];
        let found: Vec<_> = python_options(given.into_iter().map(OsString::from)).collect();
        assert_eq!(found, expected);
    }
}
