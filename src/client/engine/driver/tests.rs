use super::*;
use crate::protocol::client::handover_orders;

/// The peer was replaced while the engine was at work for the one before.
#[tokio::test]
async fn nothing_of_a_peer_is_taken_for_its_successor() {
    let now = Instant::now();
    let [machine, _] = handover_orders::met();
    let signalling = machine.signalling_channel().unwrap();
    let shared = Shared::new(machine, Box::new(()));
    let limits = ChannelLimits { max_message_size: 1, max_buffered: 1, max_channels: 1 };
    let channels = Arc::new(Channels::new(limits));
    let [before, now_there] = [(); 2].map(|()| channels.start(Role::Initiator));
    let peer = |epoch| {
        let config = ConnectionConfig {
            ice_servers: Vec::new(),
            ice_policy: ice::Policy::All,
            offerer: true,
            dtls_role: None,
            max_message_size: MAX_SCTP_MESSAGE,
            ice_timeouts: ice::Timeouts::default(),
            setup_timeout: Duration::from_secs(120),
        };
        let io = Io::new(IoConfig::default());
        let mut session = Session::new(
            now,
            Connection::with_new_certificate(now, config).unwrap(),
            io,
            channels.clone(),
            Arc::from([]),
            Some(signalling),
            false,
        );
        session.signalling_opened = true;
        session.signalling_messages.push(vec![1, 0, 0, 0, 0, 0, 0, 0, 0, 7].into());
        session.signals.push_back(Signal::Candidates(vec![None]));
        Peer {
            initiator: true,
            epoch,
            signalling: Some(signalling),
            ortc: false,
            session: Some(session),
            waiting: Vec::new(),
            handed_over: false,
            closing: None,
            shut_down: false,
            beginnings: Beginnings::default(),
            held: VecDeque::new(),
        }
    };
    for epoch in [before, now_there] {
        let mut peer = peer(epoch);
        assert!(peer.send_signals(now, &shared, &channels));
        peer.signal(now, &shared, &channels, false);
        let heard = shared.with(By::Application, |machine| {
            (machine.has_transmits(), machine.has_waiting_input())
        });
        let is_its_peer = epoch == now_there;
        assert_eq!((heard, peer.handed_over), ((is_its_peer, is_its_peer), is_its_peer));
    }
}

/// Otherwise it would look when the system says something, or much later.
#[tokio::test]
async fn word_of_a_changed_network_has_the_addresses_looked_at() {
    const SOON: Duration = Duration::from_secs(1);
    let now = Instant::now();
    let [machine, _] = handover_orders::met();
    let signalling = Some(machine.signalling_channel().unwrap());
    let config = RtcConfig { addresses: vec![[127, 0, 0, 1].into()], ..RtcConfig::default() };
    let (_, parts) = EngineParts::new(config).unwrap();
    let shared = Arc::new(Shared::new(machine, Box::new(())));
    let mut engine = Engine::new(shared, parts, Roots::System, Proxy::None);
    let epoch = engine.channels.start(Role::Initiator);
    engine.handle(now, Item::Start { role: Role::Initiator, epoch, signalling, ortc: false });
    let looks_soon = |engine: &Engine| {
        let session = engine.peer.as_ref().and_then(|peer| peer.session.as_ref()).unwrap();
        session.io.next_scan(now).is_some_and(|at| at < now + SOON)
    };
    engine.turn(now);
    assert!(!looks_soon(&engine), "there is no reason");

    network::network_changed();
    let told = async {
        while !looks_soon(&engine) {
            engine.wait(None).await;
            engine.turn(now);
        }
    };
    tokio::time::timeout(Duration::from_secs(60), told).await.expect("nobody has told the engine");
    engine.turn(now + SOON);
    assert!(!looks_soon(&engine), "it has looked");
}
