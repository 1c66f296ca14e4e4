//! Real clients and a real path of the server: what the tests of the protocol have.

#![allow(dead_code, unreachable_pub, reason = "the tests use all of it")]

#[path = "../../../tests/support/keys.rs"]
mod keys;
#[expect(clippy::module_inception, reason = "the name that it has among the tests")]
#[path = "../../../tests/support/pair.rs"]
mod pair;
#[path = "../../../tests/support/random.rs"]
mod random;
#[path = "../../../tests/support/severing.rs"]
mod severing;

pub use severing::World;
