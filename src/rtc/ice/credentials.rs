//! User name fragment and password (RFC 8839 section 5.4).

use zeroize::Zeroizing;

use crate::crypto::RandomSource;

/// What the connectivity checks of one side are authenticated with. New ones mean an ICE restart.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    ufrag: String,
    password: Zeroizing<String>,
}

/// The password is not shown.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("ufrag", &self.ufrag).finish_non_exhaustive()
    }
}

/// These are no ICE credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialsError {
    /// The user name fragment does not consist of 4 to 256 letters, digits, `+` and `/`.
    Ufrag,
    /// The password does not consist of 22 to 256 letters, digits, `+` and `/`.
    Password,
}

impl std::fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ufrag => "ice-ufrag is not 4 to 256 letters, digits, '+' and '/'",
            Self::Password => "ice-pwd is not 22 to 256 letters, digits, '+' and '/'",
        })
    }
}

impl std::error::Error for CredentialsError {}

/// The characters allowed: `ice-char`. As many as fit into six bits.
const ICE_CHARS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl Credentials {
    /// Checks credentials that came from the peer.
    ///
    /// # Errors
    ///
    /// If they have another form than RFC 8839 section 5.4 says. Characters that are not `ice-char` but
    /// in use by some (`-`, `_`, `=`) are taken too.
    pub fn new(ufrag: &str, password: &str) -> Result<Self, CredentialsError> {
        let valid = |text: &str, min: usize| {
            (min..=256).contains(&text.len())
                && text.bytes().all(|byte| ICE_CHARS.contains(&byte) || b"-_=".contains(&byte))
        };
        if !valid(ufrag, 4) {
            return Err(CredentialsError::Ufrag);
        }
        if !valid(password, 22) {
            return Err(CredentialsError::Password);
        }
        Ok(Self { ufrag: ufrag.to_owned(), password: Zeroizing::new(password.to_owned()) })
    }

    /// Makes new ones: 48 random bits of name, 144 of password.
    pub(super) fn generate(random: &mut dyn RandomSource) -> Self {
        let ufrag = ice_chars(&random.array::<8>());
        let bytes = Zeroizing::new(random.array::<24>());
        Self { ufrag, password: Zeroizing::new(ice_chars(&*bytes)) }
    }

    /// The user name fragment: `a=ice-ufrag`.
    #[must_use]
    pub fn ufrag(&self) -> &str {
        &self.ufrag
    }

    /// The password: `a=ice-pwd`.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    pub(super) fn to_is(&self) -> is::IceCreds {
        is::IceCreds { ufrag: self.ufrag.clone(), pass: self.password.as_str().to_owned() }
    }
}

/// Six bits of each byte as a character.
fn ice_chars(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(ICE_CHARS[usize::from(byte & 0x3f)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::OsRandom;

    #[test]
    fn generated_ones_are_valid_and_differ() {
        let (a, b) = (Credentials::generate(&mut OsRandom), Credentials::generate(&mut OsRandom));
        assert_eq!((a.ufrag().len(), a.password().len()), (8, 24));
        assert_eq!(Credentials::new(a.ufrag(), a.password()), Ok(a.clone()));
        assert_ne!(a, b);
        assert!(!format!("{a:?}").contains(a.password()));
    }

    #[test]
    fn malformed_ones_are_refused() {
        let password = "p".repeat(22);
        assert!(Credentials::new("abcd", &password).is_ok());
        assert_eq!(Credentials::new("abc", &password), Err(CredentialsError::Ufrag));
        assert_eq!(Credentials::new("ab:d", &password), Err(CredentialsError::Ufrag));
        assert_eq!(Credentials::new("abcd", &password[1..]), Err(CredentialsError::Password));
        assert_eq!(Credentials::new("abcd", &"p".repeat(257)), Err(CredentialsError::Password));
        assert_eq!(
            Credentials::new("abcd", "with a space in its middle"),
            Err(CredentialsError::Password)
        );
    }
}
