//! Tests with foreign implementations: the JavaScript client in Node and in Chromium, alone and in the page of
//! `examples-web`, and the Python server.
//!
//! `scripts/test-interop.sh` installs them and runs these tests. `tests/interop/README.md` says how the
//! parts work together.

#![allow(unreachable_pub, missing_docs)]

mod interop {
    pub mod certificates;
    pub mod driver;
    pub mod example;
    pub mod hex;
    pub mod javascript;
    pub mod library;
    pub mod library_initiator;
    pub mod library_over_python;
    pub mod library_responder;
    pub mod library_server;
    pub mod meeting;
    pub mod page;
    pub mod page_and_gstreamer;
    pub mod page_and_program;
    pub mod page_on_screen;
    pub mod python;
    pub mod reference;
    pub mod scenarios;
    pub mod value;

    /// Where a server listens on the loopback interface, and its permanent public key in hexadecimal.
    #[derive(Clone, Debug)]
    pub struct ServerAddress {
        pub port: u16,
        pub public_key: String,
    }
}
