//! Who is who: in DTLS, and in ICE if the peer only answers checks. Described in SDP, and by parameters.

use super::*;
use crate::task::ortc::OrtcMessage;

use DtlsRole::{Client, Server};

fn role(net: &Net, index: usize) -> DtlsRole {
    net.sides[index].connection.remote.as_ref().unwrap().role
}

/// Both sides describe themselves. `lite`: which one is ICE lite. Returns the first error.
fn describe(net: &mut Net, lite: Option<usize>) -> Result<(), DescriptionError> {
    if let Some(index) = lite {
        net.sides[index].connection.agent.become_lite();
    }
    if !net.ortc {
        let says_so = |index, sdp: String| match lite == Some(index) {
            true => sdp.replacen("t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n", 1),
            false => sdp,
        };
        let offer = says_so(A, net.sides[A].connection.create_offer(net.now).unwrap());
        let answer = says_so(B, net.sides[B].connection.handle_offer(net.now, &offer)?);
        assert_eq!(lite.is_some(), (offer + &answer).contains("ice-lite"));
        return net.sides[A].connection.handle_answer(net.now, &answer);
    }
    let messages = [A, B].map(|index| net.sides[index].connection.describe(net.now));
    for (index, messages) in messages.into_iter().enumerate() {
        for mut message in messages {
            if let OrtcMessage::IceParameters(ice) = &mut message {
                ice.value.ice_lite = lite == Some(index);
            }
            net.sides[1 - index].connection.handle_parameters(net.now, &message)?;
        }
    }
    Ok(())
}

fn net(ortc: bool, wanted: [Option<DtlsRole>; 2]) -> Net {
    let mut net = Net { ortc, ..Net::new() };
    for (side, wanted) in net.sides.iter_mut().zip(wanted) {
        side.connection.dtls_role = wanted;
    }
    net
}

/// Data goes both ways, and still does after this time.
fn works(mut net: Net, time: Duration) -> Net {
    assert!(net.run(Duration::from_secs(5), |net| net.both(&ConnectionState::Connected)));
    let now = net.now;
    let id = net.sides[A].open(now);
    assert_eq!(net.sides[B].open(now), id);
    net.exchange(id, "first");
    net.run(time, |_| false);
    net.exchange(id, "later");
    net
}

#[test]
fn the_role_in_dtls_can_be_chosen() {
    for (ortc, wanted, at_a) in [
        (true, [None, None], Server),
        (true, [Some(Client), None], Client),
        (true, [Some(Server), None], Server),
        (true, [None, Some(Client)], Server),
        (true, [None, Some(Server)], Client),
        (true, [Some(Client), Some(Server)], Client),
        (true, [Some(Server), Some(Client)], Server),
        (false, [None, None], Server),
        (false, [None, Some(Client)], Server),
        (false, [None, Some(Server)], Client),
        // An offer leaves it to the other side.
        (false, [Some(Client), None], Server),
        (false, [Some(Server), Some(Server)], Client),
    ] {
        let mut net = net(ortc, wanted);
        assert_eq!(describe(&mut net, None), Ok(()));
        let at_b = if at_a == Client { Server } else { Client };
        assert_eq!((role(&net, A), role(&net, B)), (at_a, at_b), "{ortc} {wanted:?}");
        works(net, Duration::from_secs(60));
    }
}

#[test]
fn two_that_insist_on_the_same_role_are_told_so() {
    for role in [Client, Server] {
        let mut net = net(true, [Some(role); 2]);
        let error = describe(&mut net, None).unwrap_err();
        assert_eq!(error, DescriptionError::Setup);
        assert!(error.to_string().contains("DTLS role contradicts ours"), "{error}");
    }
    // An offer that leaves no choice.
    let mut net = net(false, [None, Some(Client)]);
    let offer = net.sides[A].connection.create_offer(net.now).unwrap();
    let offer = offer.replace("setup:actpass", "setup:active");
    let answer = net.sides[B].connection.handle_offer(net.now, &offer);
    assert_eq!(answer, Err(DescriptionError::Setup));
}

/// Whoever has a peer that is ICE lite makes the checks, and chooses the path.
#[test]
fn a_peer_with_ice_lite_is_controlled() {
    for ortc in [false, true] {
        for lite in [A, B] {
            let mut net = net(ortc, [None, None]);
            assert_eq!(describe(&mut net, Some(lite)), Ok(()));
            let full = 1 - lite;
            assert!(net.sides[full].connection.agent.is_controlling());
            assert!(!net.sides[lite].connection.agent.is_controlling());
            // The lite side is one of ours that was told not to check, and gives up if nobody answers its checks.
            let net = works(net, Duration::from_secs(20));
            let states = &net.sides[full].states;
            assert_eq!(*states, [ConnectionState::Connecting, ConnectionState::Connected]);
        }
    }
}
