//! What has to be right before anything is opened; and `check-config`, which does only that.

use saltyrtc::crypto::KeyPair;
use saltyrtc::server::TlsIdentity;

use crate::error::CommandError;
use crate::sources::{LoadedOptions, Sources};
use crate::values::Host;
use crate::{memory, permanent_key, tls};

const SAFETY_OFF: &str = "SALTYRTC_SAFETY_OFF";
const SAFETY_OFF_VALUE: &str = "yes-and-i-know-what-im-doing";

/// Options that were checked, and what their files hold.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) loaded: LoadedOptions,
    pub(crate) tls: Option<TlsIdentity>,
    pub(crate) permanent_keys: Vec<KeyPair>,
}

impl Checked {
    /// Reads all sources and all files. Listens nowhere.
    pub(crate) fn load(sources: &Sources) -> Result<Self, CommandError> {
        let mut loaded = sources.load()?;
        let keys = &loaded.options.server.keys;
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
            if sources.variable(SAFETY_OFF).is_none_or(|value| value != SAFETY_OFF_VALUE) {
                return Err(CommandError::unsafe_to_run(format!(
                    "this server would be unsafe to use. It is REQUIRED to give {missing}, unless the \
                     environment variable {SAFETY_OFF} is '{SAFETY_OFF_VALUE}'"
                )));
            }
            loaded.warnings.push(format!("safety is off; it is RECOMMENDED to give {missing}"));
        }
        for (option, why) in [
            ("dhparams", "the key exchange of TLS needs no parameters from files any more"),
            ("loop", "there is only one event loop"),
        ] {
            if loaded.is_set(option) {
                let origin = loaded.origin(option);
                loaded.warnings.push(format!("{origin} has no effect, because {why}"));
            }
        }
        if let Some(Host::Unix(_)) = loaded.options.server.listen.host
            && loaded.is_set("port")
        {
            let origin = loaded.origin("port");
            loaded.warnings.push(format!("{origin} has no effect, because a Unix socket has none"));
        }
        let mut warnings = Vec::new();
        let tls = tls::load(&loaded, &mut warnings)?;
        let permanent_keys = permanent_key::load(&loaded, &mut warnings)?;
        loaded.warnings.extend(warnings);
        Ok(Self { loaded, tls, permanent_keys })
    }
}

/// `check-config`.
pub(crate) fn check(sources: &Sources) -> Result<(), CommandError> {
    let checked = Checked::load(sources)?;
    for warning in &checked.loaded.warnings {
        eprintln!("saltyrtc-server: warning: {warning}");
    }
    let memory = memory::explanation(&checked.loaded.options.server);
    crate::print(format!("The configuration is right.\n{memory}\n").as_bytes())
}
