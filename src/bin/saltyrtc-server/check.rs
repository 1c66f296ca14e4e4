//! What has to be right before anything is opened; and `check-config`, which does only that.

use saltyrtc::crypto::KeyPair;
use saltyrtc::server::TlsIdentity;

use crate::config::{Config, Source};
use crate::failure::Failure;
use crate::{permanent_key, tls};

const SAFETY_OFF: &str = "SALTYRTC_SAFETY_OFF";
const SAFETY_OFF_VALUE: &str = "yes-and-i-know-what-im-doing";

/// Settings that were checked, and what their files hold.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) config: Config,
    pub(crate) tls: Option<TlsIdentity>,
    pub(crate) permanent_keys: Vec<KeyPair>,
}

impl Checked {
    /// Reads all sources and all files. Listens nowhere.
    pub(crate) fn load(source: &Source) -> Result<Self, Failure> {
        let mut config = source.load()?;
        let keys = &config.settings.server.keys;
        let certificate = keys.tlscert.is_some() || keys.sslcert.is_some();
        if !certificate || keys.key.is_empty() {
            let missing = match (certificate, keys.key.is_empty()) {
                (false, false) => "a TLS certificate (--tlscert)",
                (true, _) => "a permanent key (--key; make one with saltyrtc-server generate)",
                (false, true) => {
                    "a TLS certificate (--tlscert) and a permanent key (--key; make one with \
                     saltyrtc-server generate)"
                }
            };
            if source.variable(SAFETY_OFF).is_none_or(|value| value != SAFETY_OFF_VALUE) {
                return Err(Failure::unsafe_to_run(format!(
                    "this server would be unsafe to use. It is REQUIRED to give {missing}, unless the \
                     environment variable {SAFETY_OFF} is '{SAFETY_OFF_VALUE}'"
                )));
            }
            config.warnings.push(format!("safety is off; it is RECOMMENDED to give {missing}"));
        }
        for (option, why) in [
            ("dhparams", "the key exchange of TLS needs no parameters from files any more"),
            ("loop", "there is only one event loop"),
        ] {
            if config.is_set(option) {
                let origin = config.origin(option);
                config.warnings.push(format!("{origin} has no effect, because {why}"));
            }
        }
        let tls = tls::load(&config)?;
        let permanent_keys = permanent_key::load(&config)?;
        Ok(Self { config, tls, permanent_keys })
    }
}

/// `check-config`.
pub(crate) fn check(source: &Source) -> Result<(), Failure> {
    let checked = Checked::load(source)?;
    for warning in &checked.config.warnings {
        eprintln!("saltyrtc-server: warning: {warning}");
    }
    crate::print(b"The configuration is right.\n")
}
