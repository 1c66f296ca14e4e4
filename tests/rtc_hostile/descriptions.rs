//! Session descriptions that are wrong, come at the wrong time, or from the wrong side.

use rmpv::Value;
use saltyrtc::client::{ClosedBy, Event, RtcConfig};
use saltyrtc::protocol::Role;
use saltyrtc::rtc::certificate::Certificate;
use saltyrtc::rtc::ice;
use saltyrtc::task::webrtc::SdpType;
use saltyrtc::task::{ChannelFailure, ConnectionFailure, ConnectionProblem, ConnectionState};

use super::scene::{Plan, Scene, is_state};

/// What is wrong, how it is made of a good description, and what the application reads.
type Malformed = (&'static str, fn(String) -> String, &'static str);

/// What can be wrong with an offer as well as with an answer.
const MALFORMED: [Malformed; 21] = [
    ("nothing", |_| String::new(), "v=0"),
    ("no SDP", |_| "hello".into(), "v=0"),
    ("binary", |_| "\0\u{1}\u{fffd}".repeat(100), "v=0"),
    ("only the beginning", |_| "v=0\r\n".into(), "m=application"),
    ("other version", |sdp| sdp.replacen("v=0", "v=1", 1), "v=0"),
    ("a line of nothing", |sdp| sdp + "nonsense\r\n", "\"=\""),
    ("no section", |sdp| without(&sdp, "m="), "m=application"),
    ("another section", |sdp| sdp.replace("m=application", "m=audio"), "m=application"),
    ("a rejected section", |sdp| sdp.replace("application 9", "application 0"), "m=application"),
    ("an incomplete section", |sdp| sdp + "m=audio 9\r\n", "m= line"),
    ("1000 sections", |sdp| sdp + &"m=audio 9 RTP/AVP 0\r\n".repeat(1000), "sections"),
    ("no user", |sdp| without(&sdp, "a=ice-ufrag"), "ice-ufrag"),
    ("no password", |sdp| without(&sdp, "a=ice-pwd"), "ice-pwd"),
    ("short password", |sdp| without(&sdp, "a=ice-pwd") + "a=ice-pwd:short\r\n", "ice-pwd"),
    ("no fingerprint", |sdp| without(&sdp, "a=fingerprint"), "fingerprint"),
    (
        "a weak fingerprint",
        |sdp| without(&sdp, "a=fingerprint") + "a=fingerprint:sha-1 00:11:22:33\r\n",
        "fingerprint",
    ),
    (
        "a short fingerprint",
        |sdp| without(&sdp, "a=fingerprint") + "a=fingerprint:sha-256 00:11\r\n",
        "fingerprint",
    ),
    ("1000 fingerprints", |sdp| sdp + &"a=fingerprint:x y\r\n".repeat(1000), "fingerprints"),
    ("no port", |sdp| sdp.replace("sctp-port:5000", "sctp-port:65536"), "sctp-port"),
    ("tiny messages", |sdp| sdp.replace("size:262144", "size:10"), "max-message-size"),
    ("far too long", |sdp| sdp + "a=x:" + &"y".repeat(900_000), "64 KiB"),
];

fn without(sdp: &str, line: &str) -> String {
    sdp.lines().filter(|kept| !kept.starts_with(line)).flat_map(|kept| [kept, "\r\n"]).collect()
}

async fn malformed(kind: SdpType, role: Role) {
    let setup = if role == Role::Responder { "active" } else { "actpass" };
    let mut scene = Scene::new(Plan { role, setup, ..Plan::default() }).await;
    if role == Role::Responder {
        scene.cooperative = false;
        scene.until("offer", |scene| scene.descriptions.pop()).await;
    }
    let mut first = true;
    for (name, change, expected) in MALFORMED {
        let sdp = change(scene.wire.description());
        scene.send_description(kind, sdp);
        let problem = scene.problem().await;
        assert!(matches!(problem, ConnectionProblem::Description(_)), "{name}: {problem:?}");
        if first {
            // The connection depends on it, so both sides give up.
            let failure = scene.failed().await;
            assert_eq!(failure.to_string(), problem.to_string());
            let rejection = scene.until("rejection", |scene| scene.descriptions.pop()).await;
            assert!(rejection.contains("\r\nm=application 0 "), "{rejection}");
        }
        first = false;
        let text = problem.to_string();
        assert!(text.contains(expected), "{name}: {text:?} does not mention {expected:?}");
        assert!(text.len() < 300, "{name}: {text}");
    }
    if role == Role::Responder {
        // An answer has to decide.
        let sdp = scene.wire.description().replace("setup:active", "setup:actpass");
        scene.send_description(kind, sdp);
        let text = scene.problem_text().await;
        assert!(text.contains("DTLS role"), "{text}");
    }
    assert_eq!((scene.problems(), scene.descriptions.len()), (0, 0), "nothing came of it");
    scene.signalling_works().await;
    scene.memory.stayed_below(16);
}

/// Covers W-064.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_offers() {
    malformed(SdpType::Offer, Role::Initiator).await;
}

/// Covers W-072.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_answers() {
    malformed(SdpType::Answer, Role::Responder).await;
}

/// What is wrong changes nothing: the next one is taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_offer_after_bad_ones() {
    let mut scene = Scene::new(Plan::default()).await;
    for _ in 0..100 {
        scene.send_description(SdpType::Offer, "nonsense");
    }
    scene.connect().await;
    assert_eq!(scene.problems(), 32, "there is a limit");
    let mut channel = scene.open_named("x").await;
    scene.works(&mut channel).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kinds_that_nobody_uses() {
    let mut scene = Scene::new(Plan { anything: true, ..Plan::default() }).await;
    for kind in [SdpType::Rollback, SdpType::PrAnswer, SdpType::Answer] {
        let description =
            Value::Map(vec![("type".into(), kind.name().into()), ("sdp".into(), "v=0".into())]);
        scene.send_message(&[("type", "offer".into()), ("offer", description)]);
        assert!(scene.problem_text().await.contains("not supported"));
    }

    drop(scene);
    let plan = Plan { role: Role::Responder, anything: true, ..Plan::default() };
    let mut scene = Scene::new(plan).await;
    for kind in [SdpType::Rollback, SdpType::PrAnswer, SdpType::Offer] {
        let description =
            Value::Map(vec![("type".into(), kind.name().into()), ("sdp".into(), "v=0".into())]);
        scene.send_message(&[("type", "answer".into()), ("answer", description)]);
        assert!(scene.problem_text().await.contains("not supported"));
    }
}

/// Covers W-058.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offers_and_answers_from_the_wrong_side() {
    for (role, name) in [(Role::Responder, "offer"), (Role::Initiator, "answer")] {
        let mut scene = Scene::new(Plan { role, anything: true, ..Plan::default() }).await;
        let sdp = scene.wire.description();
        let description =
            Value::Map(vec![("type".into(), name.into()), ("sdp".into(), sdp.into())]);
        scene.send_message(&[("type", name.into()), (name, description)]);
        let end = scene.end().await;
        assert_eq!((end.by, end.code), (ClosedBy::Us, Some(3001)), "{name}");
        // The peer is told.
        let theirs = scene
            .heard("close", |event| match event {
                Event::Closed(closed) => Some(closed.clone()),
                _ => None,
            })
            .await;
        assert_eq!((theirs.by, theirs.code), (ClosedBy::Peer, Some(3001)), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_without_an_offer() {
    let mut scene =
        Scene::connected(Plan { role: Role::Responder, setup: "active", ..Plan::default() }).await;
    let mut channel = scene.open_named("x").await;
    scene.send_description(SdpType::Answer, scene.wire.description());
    assert!(scene.problem_text().await.contains("answer to nothing"));
    scene.works(&mut channel).await;
}

/// Also a hundred of them: each is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_offers_at_once() {
    let mut scene = Scene::new(Plan::default()).await;
    scene.cooperative = false;
    let good = scene.wire.description();
    let credentials = scene.wire.agent.local_credentials().clone();
    for index in 0..100 {
        let other = format!("other{index}");
        scene.send_description(SdpType::Offer, good.replace(credentials.ufrag(), &other));
    }
    scene.until("answers", |scene| (scene.descriptions.len() == 100).then_some(())).await;
    scene.cooperative = true;
    scene.connect().await;
    assert_eq!(scene.problems(), 0);
    scene.memory.stayed_below(16);
}

/// Before the handover a peer may begin anew, with another certificate: that is another connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_fingerprint_in_a_later_offer() {
    let mut scene = Scene::connected(Plan::default()).await;
    let channel = scene.open_named("x").await;
    scene.cooperative = false;
    for _ in 0..20 {
        let certificate = Certificate::generate().unwrap();
        let ours = scene.wire.certificate.fingerprint().to_string();
        let other = certificate.fingerprint().to_string();
        scene.send_description(SdpType::Offer, scene.wire.description().replace(&ours, &other));
    }
    let error = scene.channel_closed(channel.number).await;
    assert_eq!(error, Some(ChannelFailure::ConnectionReplaced));
    scene.state(ConnectionState::Closed).await;
    // Those that were outdated already need not be answered.
    scene.until("answer", |scene| (scene.descriptions.len() > 1).then_some(())).await;
    assert_eq!(scene.problems(), 0);
    scene.signalling_works().await;
    scene.memory.stayed_below(16);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_dtls_role_in_a_later_offer() {
    let mut scene = Scene::connected(Plan::default()).await;
    let mut channel = scene.open_named("x").await;
    // We are the server, by what the other side chose.
    let sdp = scene.wire.description().replace("setup:actpass", "setup:active");
    scene.send_description(SdpType::Offer, sdp);
    assert!(scene.problem_text().await.contains("DTLS role"));
    scene.works(&mut channel).await;
}

/// Somebody else's certificate: whoever is at the other end is not who the peer said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_was_not_announced() {
    for setup in ["active", "passive"] {
        let mut scene = Scene::new(Plan { setup, ..Plan::default() }).await;
        let announced = Certificate::generate().unwrap().fingerprint().to_string();
        let ours = scene.wire.certificate.fingerprint().to_string();
        let wanted = scene.victim.open_channel(saltyrtc::client::ChannelOptions::new("x")).unwrap();
        let sdp = scene.wire.description().replace(&ours, &announced);
        scene.send_description(SdpType::Offer, sdp);
        let failure = ConnectionFailure::OtherPeerCertificate;
        assert_eq!(scene.failed().await, failure);
        let closed = scene.channel_closed(wanted).await;
        assert_eq!(closed, Some(ChannelFailure::Connection(failure)));
        assert!(!scene.wire.connected(), "nothing of SCTP was seen");
        scene.signalling_works().await;
        // The next connection can be a good one.
        scene.wire.association = None;
        scene.wire.path = None;
    }
}

/// Both wait for the other to begin, or both begin.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dtls_role_that_does_not_match() {
    for (said, done) in [("active", "passive"), ("passive", "active")] {
        let mut scene = Scene::new(Plan { setup: done, ..Plan::default() }).await;
        let wanted = scene.victim.open_channel(saltyrtc::client::ChannelOptions::new("x")).unwrap();
        let sdp = scene.wire.description();
        let sdp = sdp.replace(&format!("setup:{done}"), &format!("setup:{said}"));
        scene.send_description(SdpType::Offer, sdp);
        scene.until("path", |scene| scene.wire.path).await;
        scene.signalling_works().await;
        // Nothing comes of it, and everything ends with the peer.
        scene.hostile.close();
        assert_eq!(scene.end().await.by, ClosedBy::Peer);
        scene.is_over(wanted).await;
        assert!(!scene.wire.connected());
        scene.memory.stayed_below(16);
    }
}

/// As a peer does that could not use our description. Who hears it does not say it back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_rejects_the_connection() {
    for role in [Role::Initiator, Role::Responder] {
        let setup = if role == Role::Responder { "active" } else { "actpass" };
        let mut scene = Scene::new(Plan { role, setup, ..Plan::default() }).await;
        scene.cooperative = false;
        let good = scene.wire.description();
        if role == Role::Initiator {
            scene.send_description(SdpType::Offer, good.clone());
        }
        scene.until("description", |scene| scene.descriptions.pop()).await;
        let kind = if role == Role::Initiator { SdpType::Offer } else { SdpType::Answer };
        scene.send_description(kind, good.replace("application 9", "application 0"));
        let failure = scene.failed().await;
        assert!(matches!(failure, ConnectionFailure::Description(_)), "{failure:?}");
        assert!(failure.to_string().contains("it rejects the data channels"), "{failure}");
        scene.signalling_works().await;
        assert_eq!(scene.descriptions.len(), 0);
    }
}

/// Each beginning costs the host a connection to its TURN server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_begins_anew_again_and_again_has_to_wait() {
    let turn = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    turn.set_nonblocking(true).unwrap();
    let url = format!("turn:{}?transport=tcp", turn.local_addr().unwrap());
    let ice_servers = vec![ice::Server::new(&url, "user", "password").unwrap()];
    let victim = RtcConfig { ice_servers, ..RtcConfig::default() };
    let mut scene = Scene::new(Plan { victim, ..Plan::default() }).await;
    scene.cooperative = false;
    for _ in 0..100 {
        let other = Certificate::generate().unwrap().fingerprint().to_string();
        let ours = scene.wire.certificate.fingerprint().to_string();
        scene.send_description(SdpType::Offer, scene.wire.description().replace(&ours, &other));
    }
    scene.signalling_works().await;
    // Two begin anew at once, and the last one after a pause.
    let ended = |scene: &mut Scene| {
        let closed = |event: &&_| is_state(event) == Some(&ConnectionState::Closed);
        scene.unseen.iter().filter(closed).count()
    };
    scene.until("new beginnings", |scene| (ended(scene) >= 3).then_some(())).await;
    scene.signalling_works().await;
    assert_eq!(ended(&mut scene), 3);
    let connections = std::iter::from_fn(|| turn.accept().ok()).count();
    assert!(connections <= 4, "{connections}");
    assert_eq!(scene.problems(), 0);
}
