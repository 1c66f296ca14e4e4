//! What the tests of the protocol core share. Each test file uses a part of it.

#![allow(dead_code, unreachable_pub)]

pub mod data_channel;
pub mod fake_peer;
pub mod fake_server;
pub mod keys;
pub mod log;
pub mod msg;
pub mod pair;
pub mod random;
pub mod severing;
pub mod task;
