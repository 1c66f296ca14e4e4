//! Connections that are described by parameters.

use super::*;
use crate::task::ConnectionFailure;
use crate::task::ortc::{DtlsParameters, DtlsRole, Labelled, OrtcMessage, SctpCapabilities};

/// Brings a candidate to the other side as ORTC has it.
pub(super) fn carry(now: Instant, candidate: Option<&Candidate>, to: &mut Connection) {
    let candidate = candidate.map(|it| Connection::ice_candidate(it).unwrap());
    to.handle_ice_candidates(now, &[Labelled::none(candidate)]).unwrap();
}

/// Both sides say what they are; `change` has what A says.
fn described(change: impl Fn(&mut DtlsParameters)) -> Net {
    let mut net = Net { ortc: true, ..Net::new() };
    let messages = [A, B].map(|index| net.sides[index].connection.describe(net.now));
    for (index, messages) in messages.into_iter().enumerate() {
        for mut message in messages {
            if let (A, OrtcMessage::DtlsParameters(dtls)) = (index, &mut message) {
                change(&mut dtls.value);
            }
            let answer = net.sides[1 - index].connection.handle_parameters(net.now, &message);
            assert_eq!(answer, Ok(None));
        }
    }
    net
}

fn connected() -> (Net, ChannelId) {
    let mut net = described(|_| {});
    assert!(net.run(Duration::from_secs(5), |net| net.both(&ConnectionState::Connected)));
    let now = net.now;
    let id = net.sides[A].open(now);
    assert_eq!(net.sides[B].open(now), id);
    net.exchange(id, "first");
    (net, id)
}

#[test]
fn two_sides_connect_and_exchange_messages() {
    let (net, _) = connected();
    for side in &net.sides {
        assert_eq!(side.states, [ConnectionState::Connecting, ConnectionState::Connected]);
        assert_eq!(side.problems, Vec::<String>::new());
        assert_eq!(side.connection.remote_max_message_size(), 65_535);
    }
}

/// The controlling side of ICE is the server, unless the peer says otherwise.
#[test]
fn roles_of_dtls_are_those_that_were_said() {
    let role = |net: &Net, index: usize| net.sides[index].connection.remote.as_ref().unwrap().role;
    use crate::rtc::association::DtlsRole as Role;
    for (said, at_b) in [
        (DtlsRole::Auto, Role::Client),
        (DtlsRole::Client, Role::Server),
        (DtlsRole::Server, Role::Client),
    ] {
        let net = described(|dtls| dtls.role = said);
        assert_eq!((role(&net, A), role(&net, B)), (Role::Server, at_b));
    }
}

#[test]
fn another_certificate_than_the_announced_one_ends_the_connection() {
    let mut net = described(|dtls| {
        for fingerprint in &mut dtls.fingerprints {
            fingerprint.value = fingerprint.value.replace(|c| c != ':', "0");
        }
    });
    let failed = ConnectionState::Failed(ConnectionFailure::OtherPeerCertificate);
    assert!(net.run(Duration::from_secs(10), |net| *net.sides[B].state() == failed));
    assert!(failed.to_string().contains("not the one that was announced"));
}

#[test]
fn a_fingerprint_that_cannot_be_checked_is_refused() {
    let mut net = Net { ortc: true, ..Net::new() };
    let mut result = Ok(None);
    for mut message in net.sides[A].connection.describe(net.now) {
        if let OrtcMessage::DtlsParameters(dtls) = &mut message {
            dtls.value.fingerprints[0].algorithm = "md5".into();
        }
        result = net.sides[B].connection.handle_parameters(net.now, &message);
    }
    assert_eq!(result, Err(DescriptionError::Fingerprint));
}

/// The one side makes new credentials, the other one answers with its own, and all goes on.
#[test]
fn ice_is_restarted_by_new_parameters() {
    let (mut net, id) = connected();
    for text in ["second", "third"] {
        let credentials = |net: &Net| {
            net.sides.each_ref().map(|side| side.connection.agent.local_credentials().clone())
        };
        let before = credentials(&net);
        assert_eq!(net.sides[B].connection.restart_parameters(net.now), None);
        let restart = net.sides[A].connection.restart_parameters(net.now).unwrap();
        // Another one has to wait for this one.
        assert_eq!(net.sides[A].connection.restart_parameters(net.now), None);
        assert!(!net.sides[A].connection.take_restart(net.now));
        let answer = net.sides[B].connection.handle_parameters(net.now, &restart).unwrap().unwrap();
        let done = net.sides[A].connection.handle_parameters(net.now, &answer);
        assert_eq!(done, Ok(None));
        assert!(net.sides[A].connection.take_restart(net.now));
        net.exchange(id, text);
        for (before, after) in before.iter().zip(credentials(&net)) {
            assert!(*before != after);
        }
        // The same again is nothing new.
        assert_eq!(net.sides[B].connection.handle_parameters(net.now, &restart), Ok(None));
    }
    assert_eq!(net.sides[B].problems, Vec::<String>::new());
}

#[test]
fn another_certificate_later_is_another_association() {
    let (mut net, _) = connected();
    let other = side(net.now, true, "192.0.2.3:1").connection.describe(net.now);
    let at_b = &mut net.sides[B].connection;
    assert!(at_b.handle_parameters(net.now, &other[0]).unwrap().is_some(), "it seems to restart");
    let result = at_b.handle_parameters(net.now, &other[1]);
    assert_eq!(result, Err(DescriptionError::OtherAssociation));
    // A new connection goes on with what is known.
    let mut new = side(net.now, false, "192.0.2.2:2001").connection;
    new.take_over(at_b);
    assert_eq!(new.handle_parameters(net.now, &other[1]), Ok(None));
    assert!(new.remote.is_some());
}

#[test]
fn a_peer_without_a_limit_for_messages_has_none() {
    let mut net = Net { ortc: true, ..Net::new() };
    for mut message in net.sides[A].connection.describe(net.now) {
        if let OrtcMessage::SctpCapabilities(sctp) = &mut message {
            sctp.value = SctpCapabilities { max_message_size: 0 };
        }
        net.sides[B].connection.handle_parameters(net.now, &message).unwrap();
    }
    assert_eq!(net.sides[B].connection.remote_max_message_size(), 0);
}
