//! The program `saltyrtc-server`, as operators and service managers see it.

#![cfg(all(unix, feature = "server-bin", feature = "client"))]

mod admin;
#[cfg(target_os = "linux")]
mod balancer;
mod clients;
mod commands;
mod configuration;
mod documents;
mod logs;
#[cfg(target_os = "linux")]
mod service;
mod signals;
mod support;
