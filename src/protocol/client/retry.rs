//! Whether it helps to connect again.

use crate::protocol::ConnectError;

/// Whether, and when, connecting again with the same settings may help after a connection has ended. After a session
/// this is for peers that trust each other: a token that was used is of no use any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// Not before somebody has changed something.
    Never,
    /// After a pause, and after a longer one each time.
    Later,
    /// At once; and if that fails, later.
    AtOnce,
}

impl ConnectError {
    /// Whether, and when, connecting again may help.
    pub const fn retry(&self) -> Retry {
        match self {
            Self::UnknownHost { .. }
            | Self::Refused { .. }
            | Self::Unreachable { .. }
            | Self::Interrupted { .. }
            | Self::TimedOut { .. } => Retry::Later,
            Self::Status { .. } if self.is_busy() => Retry::Later,
            Self::InvalidHost { .. }
            | Self::ProxyRefused { .. }
            | Self::InvalidProxy { .. }
            | Self::Certificate { .. }
            | Self::NoRoots { .. }
            | Self::Tls { .. }
            | Self::Status { .. }
            | Self::NotAWebSocket { .. }
            | Self::NoSubprotocol { .. } => Retry::Never,
        }
    }

    /// Whether there is a server, which cannot take the connection now.
    pub const fn is_busy(&self) -> bool {
        matches!(self, Self::Status { status: 429 | 500 | 502..=504, .. })
    }
}
