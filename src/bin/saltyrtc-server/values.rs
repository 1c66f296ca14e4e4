//! The values that options take: durations, sizes, addresses, and whose headers are believed.
//!
//! Durations and sizes are read by hand, strictly: a whole number, one unit, a range. The crates for
//! them take more than an operator can have meant (`1M` is a month, sizes too large become the largest
//! one), and do not take a number of seconds without a unit.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// A duration of a day at most: a whole number with `ms`, `s`, `m` or `h`; without a unit, seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

impl Span {
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

    /// For times that may not be 0.
    pub(crate) fn positive(text: &str) -> Result<Self, String> {
        match text.parse()? {
            Self(Duration::ZERO) => Err("this may not be 0".to_owned()),
            span => Ok(span),
        }
    }

    /// For times that may not be 0, but unlimited.
    pub(crate) fn positive_or_off(text: &str) -> Result<OrOff<Self>, String> {
        if text == "off" {
            return Ok(OrOff(None));
        }
        Self::positive(text)
            .map(|span| OrOff(Some(span)))
            .map_err(|error| format!("{error}; or off for no limit"))
    }

    /// For times that are counted in whole seconds.
    pub(crate) fn seconds_or_off(text: &str) -> Result<OrOff<Self>, String> {
        match Self::positive_or_off(text)? {
            OrOff(Some(Self(span))) if span.subsec_nanos() != 0 => {
                Err("give whole seconds".to_owned())
            }
            span => Ok(span),
        }
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "give a duration like 500ms, 30s, 5m or 1h".to_owned();
        let (number, unit) = split(text).ok_or_else(wrong)?;
        let milliseconds = match unit {
            "ms" => 1,
            "" | "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(wrong()),
        };
        number
            .checked_mul(milliseconds)
            .map(|total| Self(Duration::from_millis(total)))
            .filter(|span| span.0 <= Self::LONGEST)
            .ok_or_else(|| "give a day (24h) at most".to_owned())
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0.as_millis();
        match milliseconds % 1000 {
            0 => write!(f, "{}s", milliseconds / 1000),
            _ => write!(f, "{milliseconds}ms"),
        }
    }
}

/// A number of bytes: a whole number with `KiB`, `MiB`, `GiB`, `kB`, `MB` or `GB`; without a unit,
/// bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) usize);

const SIZE_UNITS: [(&str, u64); 8] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1000),
    ("B", 1),
    ("", 1),
];

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "give a number of bytes like 65536, 64KiB or 4MiB".to_owned();
        let (number, unit) = split(text).ok_or_else(wrong)?;
        let (_, factor) = SIZE_UNITS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit))
            .ok_or_else(wrong)?;
        number
            .checked_mul(*factor)
            .and_then(|bytes| usize::try_from(bytes).ok())
            .map(Self)
            .ok_or_else(|| "that is more than this machine can count".to_owned())
    }
}

/// The largest message, which has room for what the protocol itself needs.
pub(crate) fn message_size(text: &str) -> Result<Size, String> {
    match text.parse()? {
        Size(bytes) if bytes < 1024 => Err("give 1024 bytes at least".to_owned()),
        size => Ok(size),
    }
}

/// What may wait for one client: one message, or some of a handshake between clients at least.
pub(crate) fn queue_size(text: &str) -> Result<Size, String> {
    match text.parse()? {
        Size(1..1024) => Err("give 1024 bytes at least, or 0 to keep one message".to_owned()),
        size => Ok(size),
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0 as u64;
        let fits = |&&(_, factor): &&(&str, u64)| bytes != 0 && bytes.is_multiple_of(factor);
        match SIZE_UNITS.iter().take(3).find(fits) {
            Some((unit, factor)) => write!(f, "{}{unit}", bytes / factor),
            None => write!(f, "{bytes}"),
        }
    }
}

/// A whole number and what follows it.
fn split(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit.trim()))
}

/// A value, or `off` for having no such limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OrOff<T>(pub(crate) Option<T>);

impl<T: FromStr<Err: fmt::Display>> FromStr for OrOff<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self(None)),
            text => text
                .parse()
                .map(|value| Self(Some(value)))
                .map_err(|error: T::Err| format!("{error}, or off for no limit")),
        }
    }
}

impl<T: fmt::Display> fmt::Display for OrOff<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("off"),
        }
    }
}

/// How many of something. Never 0, with which nothing would work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) u32);

impl FromStr for Count {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(0) | Err(_) => Err("give a whole number from 1 on".to_owned()),
            Ok(count) => Ok(Self(count)),
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    /// An address or a name.
    Name(String),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("unix:") {
            Some("") => Err("after 'unix:' there has to be the path of a socket".to_owned()),
            Some(path) => Ok(Self::Unix(path.into())),
            None => Ok(Self::Name(text.to_owned())),
        }
    }
}

/// The permissions of a Unix socket, in octal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mode(pub(crate) u32);

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The number parser would take a sign, too.
        let digits = text.bytes().all(|digit| digit.is_ascii_digit());
        match u32::from_str_radix(text, 8) {
            Ok(mode @ 0..=0o777) if digits => Ok(Self(mode)),
            _ => Err("give permissions in octal digits like 660 or 666".to_owned()),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:o}", self.0)
    }
}

/// A TCP port.
pub(crate) fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "give a number from 0 to 65535 (0: any free port)".to_owned())
}

/// The listener for health checks and metrics, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admin {
    Off,
    Listen(SocketAddr),
}

impl FromStr for Admin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse().map(Self::Listen).map_err(|_| {
            "give an IP address with a port like 127.0.0.1:8766 or [::1]:8766, or off".to_owned()
        })
    }
}

/// How a trusted proxy tells whose connection it forwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ProxyHeader {
    /// The HTTP header X-Forwarded-For
    XForwardedFor,
    /// The PROXY protocol, version 1 or 2
    ProxyProtocol,
}

/// How logs look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object per line
    Json,
}

/// The event loops of the Python server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum EventLoop {
    Asyncio,
    Uvloop,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, milliseconds, shown) in [
            ("500ms", 500, "500ms"),
            ("30", 30_000, "30s"),
            ("30 s", 30_000, "30s"),
            ("5m", 300_000, "300s"),
            ("1h", 3_600_000, "3600s"),
            ("0", 0, "0s"),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.0, Duration::from_millis(milliseconds), "{text}");
            assert_eq!(span.to_string(), shown);
            assert_eq!(shown.parse(), Ok(span));
        }
        for wrong in ["", "s", "-1", "1.5s", "1 day", "25h", "18446744073709551615h", "1s 1s"] {
            assert!(wrong.parse::<Span>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_that_have_to_be_something() {
        assert!(Span::positive("0s").is_err());
        assert_eq!(Span::positive("1ms"), Ok(Span(Duration::from_millis(1))));
        assert_eq!(Span::positive_or_off("off"), Ok(OrOff(None)));
        assert!(Span::positive_or_off("0").is_err());
        assert!(Span::seconds_or_off("1500ms").is_err());
        assert_eq!(Span::seconds_or_off("1s"), Ok(OrOff(Some(Span(Duration::from_secs(1))))));
        assert!(message_size("1023").is_err());
        assert_eq!(message_size("1KiB"), Ok(Size(1024)));
        assert!(queue_size("1").is_err());
        assert!(queue_size("1023").is_err());
        assert_eq!(queue_size("0"), Ok(Size(0)));
        assert_eq!(queue_size("1KiB"), Ok(Size(1024)));
    }

    #[test]
    fn sizes() {
        for (text, bytes, shown) in [
            ("1000", 1000, "1000"),
            ("64KiB", 65536, "64KiB"),
            ("64kib", 65536, "64KiB"),
            ("1 MiB", 1 << 20, "1MiB"),
            ("1kB", 1000, "1000"),
            ("0", 0, "0"),
            ("5B", 5, "5"),
        ] {
            let size: Size = text.parse().unwrap();
            assert_eq!(size, Size(bytes), "{text}");
            assert_eq!(size.to_string(), shown);
            assert_eq!(shown.parse(), Ok(size));
        }
        for wrong in ["", "KiB", "-1", "1.5MiB", "1 elephant", "18446744073709551615GiB"] {
            assert!(wrong.parse::<Size>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn limits_can_be_off() {
        assert_eq!("off".parse(), Ok(OrOff::<Count>(None)));
        assert_eq!("7".parse(), Ok(OrOff(Some(Count(7)))));
        for wrong in ["0", "-1", "none", "4294967296"] {
            let error = wrong.parse::<OrOff<Count>>().unwrap_err();
            assert!(error.contains("off") && error.contains("number"), "{error}");
        }
        assert_eq!(OrOff::<Count>(None).to_string(), "off");
        assert_eq!(OrOff(Some(Count(7))).to_string(), "7");
    }

    #[test]
    fn places_to_listen() {
        assert_eq!("::1".parse(), Ok(Host::Name("::1".to_owned())));
        assert_eq!("unix:/run/x".parse(), Ok(Host::Unix("/run/x".into())));
        assert!("unix:".parse::<Host>().is_err());
        for (text, mode) in [("660", 0o660), ("0666", 0o666), ("0", 0)] {
            assert_eq!(text.parse(), Ok(Mode(mode)));
        }
        assert_eq!(Mode(0o660).to_string(), "660");
        for wrong in ["", "668", "1777", "-1", "+660", "rw-", "0o660"] {
            assert!(wrong.parse::<Mode>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn addresses_of_the_admin_listener() {
        assert_eq!("off".parse(), Ok(Admin::Off));
        assert_eq!("[::1]:80".parse(), Ok(Admin::Listen("[::1]:80".parse().unwrap())));
        assert!("localhost:80".parse::<Admin>().is_err());
    }
}
