//! SaltyRTC: end-to-end encrypted signalling over a server that nobody has to trust.
//!
//! The specification is at <https://github.com/saltyrtc/saltyrtc-meta>. The documentation here quotes it by the name of
//! the document and the title of the section: (protocol, *'client-auth' Message*).
//!
//! # A first program
//!
//! An initiator that prints an invitation, greets the responder that accepts it, and prints what that one sends. The responder is the same with
//! `Config::responder`. Everything that happens is an `Event`.
//!
#![cfg_attr(feature = "client", doc = "```no_run")]
#![cfg_attr(not(feature = "client"), doc = "```ignore")]
//! use saltyrtc::client::{Client, Config, Event, TaskEvent};
//! use saltyrtc::crypto::{KeyPair, OsRandom};
//! use saltyrtc::protocol::ServerUrl;
//! use saltyrtc::task::RelayedData;
//!
//! # async fn initiate() -> Result<(), Box<dyn std::error::Error>> {
//! let server = ServerUrl::parse("wss://example.org")?;
//! let keys = KeyPair::generate(&mut OsRandom);
//! let config = Config::initiator(server, keys).with_task(RelayedData);
//! println!("{}", config.invitation().expect("initiators invite").qr_code());
//!
//! let client = Client::connect(config)?;
//! while let Some(event) = client.next_event().await {
//!     match event {
//!         Event::PeerHandshakeDone { .. } => client.send_text("hello")?,
//!         Event::Task(TaskEvent::Data(data)) => println!("{:?}", data.as_text()),
//!         Event::Closed(closed) => println!("{closed}"),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Layers
//!
//! A layer uses those below it only.
//!
//! | module | what it holds | feature |
//! |---|---|---|
//! | `client` | the driver of a client, the built-in WebRTC (`webrtc`), and the API for programs | `client` |
//! | `server` | the driver of a server, to embed it | `server` |
//! | `transport` | WebSocket and TLS | `client` or `server` |
//! | `rtc` | WebRTC with data channels: state machines without I/O | `rtc` |
//! | [`task`] | Relayed Data, WebRTC, custom tasks | |
//! | [`protocol`] | wire format, and the state machines of [client](protocol::client) and [server](protocol::server) | |
//! | [`chunking`], [`crypto`] | the chunking specification; keys, boxes, tokens | |
//!
//! The modules without a feature, and `rtc`, have no I/O, clock or threads either: with another runtime, or in a test
//! under a virtual clock, use them directly. [`protocol::client`] shows how.
//!
//! Two more features say which implementation of NaCl encrypts bulk data (secure channels, and relayed data above
//! 4 KiB): with `vectorised`, which is on by default, a fast one that is not audited; with `audited-only` always the
//! audited one, which encrypts everything else in any case.

pub mod chunking;
#[cfg(feature = "client")]
pub mod client;
pub mod crypto;
#[cfg(feature = "capi")]
mod ffi;
pub mod protocol;
#[cfg(feature = "rtc")]
pub mod rtc;
#[cfg(any(feature = "client", feature = "server"))]
mod runtime;
#[cfg(feature = "server")]
pub mod server;
#[cfg(any(feature = "client", feature = "server"))]
mod sync;
pub mod task;
#[cfg(any(feature = "client", feature = "server"))]
pub mod transport;

#[cfg(any(feature = "client", feature = "server"))]
pub use runtime::shutdown;

/// The Rust program in the README compiles.
#[cfg(all(doctest, feature = "client"))]
#[doc = include_str!("../README.md")]
struct Readme;
