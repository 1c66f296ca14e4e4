//! The built-in engine with the ORTC task, and a peer that shares nothing with the library (`rtc_aiortc/peer.py`). Run by
//! `scripts/test-aiortc.sh`, which installs what the peer needs.

#![cfg(all(feature = "webrtc", feature = "server"))]

#[path = "rtc_client/peer.rs"]
mod peer;

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use peer::*;
use saltyrtc::client::{ChannelOptions, Config, RtcConfig, RtcTasks};
use saltyrtc::crypto::{AuthToken, PublicKey};
use saltyrtc::protocol::message::Payload;
use saltyrtc::protocol::{Invitation, ServerUrl};
use saltyrtc::rtc::association::DtlsRole;
use saltyrtc::task::{ConnectionFailure, ConnectionState};

/// The peer, and what it says.
struct Foreign {
    process: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Foreign {
    fn start(arguments: &[&str], wrong_fingerprint: bool) -> Self {
        let python = std::env::var("SALTYRTC_AIORTC_PYTHON").expect("run scripts/test-aiortc.sh");
        let mut command = Command::new(python);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rtc_aiortc/peer.py"));
        command.args(arguments).stdout(Stdio::piped());
        if wrong_fingerprint {
            command.env("WRONG_FINGERPRINT", "1");
        }
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    /// The rest of the next line that begins so.
    async fn says(&mut self, beginning: &str) -> String {
        tokio::task::block_in_place(|| {
            for line in &mut self.lines {
                let line = line.unwrap();
                if let Some(rest) = line.strip_prefix(beginning) {
                    return rest.trim().to_owned();
                }
            }
            panic!("the peer never said {beginning:?}");
        })
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> [u8; 32] {
    let byte = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap();
    std::array::from_fn(byte)
}

fn rtc(dtls_role: Option<DtlsRole>) -> RtcConfig {
    RtcConfig { tasks: RtcTasks::Ortc, dtls_role, ..RtcConfig::default() }
}

/// The library as initiator or as responder, and the peer in the other role; and what they say of their role in DTLS.
async fn meeting(
    url: &ServerUrl,
    initiator: bool,
    (our_dtls, dtls): (Option<DtlsRole>, &str),
    wrong_fingerprint: bool,
) -> (Peer, Foreign) {
    let server = url.to_string();
    let server = server.trim_end_matches('/');
    if initiator {
        let config = Config::initiator(url.clone(), keys());
        let invitation = config.invitation().unwrap();
        let path = hex(invitation.initiator_key.as_bytes());
        let token = hex(invitation.token.unwrap().as_bytes());
        let ours = Peer::connect(config, rtc(our_dtls));
        (ours, Foreign::start(&["responder", server, dtls, &path, &token], wrong_fingerprint))
    } else {
        let mut theirs = Foreign::start(&["initiator", server, dtls], wrong_fingerprint);
        let said = theirs.says("invitation").await;
        let (path, token) = said.split_once(' ').unwrap();
        let invitation = Invitation {
            server: url.clone(),
            initiator_key: PublicKey::from_bytes(bytes(path)).unwrap(),
            server_key: None,
            token: Some(AuthToken::from_bytes(&bytes(token))),
        };
        (Peer::connect(Config::responder(invitation, keys()), rtc(our_dtls)), theirs)
    }
}

/// Covers O-017 O-023 O-034 O-036 O-048 O-055 O-072 O-089 O-096 O-109 O-121.
#[tokio::test(flavor = "multi_thread")]
async fn both_roles_and_all_roles_of_dtls() {
    let (_server, url) = start_server();
    for initiator in [true, false] {
        for dtls in [
            (None, "auto"),
            (None, "client"),
            (None, "server"),
            (Some(DtlsRole::Client), "auto"),
            (Some(DtlsRole::Server), "auto"),
            (Some(DtlsRole::Server), "client"),
        ] {
            let (mut ours, mut theirs) = meeting(&url, initiator, dtls, false).await;
            theirs.says("met").await;
            ours.state(ConnectionState::Connected).await;
            ours.handed_over().await;
            theirs.says("handed over").await;
            ours.client.send_application(Payload::from_text("hello")).unwrap();
            assert_eq!(ours.application().await, "hello");
            let label = "echo";
            let channel = ours.client.open_channel(ChannelOptions::new(label)).unwrap();
            ours.opened(label).await;
            for size in [0, 1, 1000, 60_000, 200_000] {
                ours.client.channel_send_bytes(channel, &vec![7; size]).unwrap();
                assert!(
                    ours.message(channel).await == vec![7; size],
                    "{initiator} {dtls:?} {size}"
                );
            }
            ours.client.close();
            theirs.says("closed").await;
            ours.end().await;
        }
    }
}

/// Covers O-095.
#[tokio::test(flavor = "multi_thread")]
async fn another_certificate_than_the_announced_one_is_an_error_that_says_so() {
    let (_server, url) = start_server();
    for initiator in [true, false] {
        let (mut ours, _theirs) = meeting(&url, initiator, (None, "auto"), true).await;
        ours.state(ConnectionState::Failed(ConnectionFailure::OtherPeerCertificate)).await;
    }
}
