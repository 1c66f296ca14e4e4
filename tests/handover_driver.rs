//! The client driver in a handover: over a real server, with a data channel in memory.

#![cfg(all(feature = "client", feature = "server"))]

use std::cell::RefCell;
use std::time::Duration;

use saltyrtc::client::{Client, Closed, ClosedBy, Config, EndReason, Event, SendFailure};
use saltyrtc::crypto::{KeyPair, OsRandom};
use saltyrtc::protocol::message::Payload;
use saltyrtc::protocol::{ChannelTransmit, ServerUrl};
use saltyrtc::server::{Server, ServerConfig};
use saltyrtc::task::TaskEvent;
use saltyrtc::task::webrtc::{Candidate, Options, WebRtc};

/// Nothing here takes long; this is for the case that something never happens.
const NEVER: Duration = Duration::from_secs(60);

/// Two clients, and the data channel between them. Whatever one of them has for it, the other one gets.
struct Pair {
    clients: [Client; 2],
    /// Events that nobody asked for yet.
    seen: RefCell<[Vec<Event>; 2]>,
}

impl Pair {
    /// Two clients that have met, and handed over.
    async fn handed_over(server: &Server) -> Self {
        let url = ServerUrl::parse(&format!("ws://{}", server.local_addr().unwrap())).unwrap();
        let task = || WebRtc::v1(Options::default()).unwrap();
        let keys = || KeyPair::generate(&mut OsRandom);
        let config = Config::initiator(url, keys()).with_task(task());
        let invitation = config.invitation().unwrap();
        let initiator = Client::connect(config).unwrap();
        let responder = Config::responder(invitation, keys()).with_task(task());
        let clients = [initiator, Client::connect(responder).unwrap()];
        let pair = Self { clients, seen: RefCell::default() };
        for client in [0, 1] {
            let met = |event: &Event| matches!(event, Event::PeerHandshakeDone { .. });
            pair.wait_for(client, met).await;
        }
        for client in &pair.clients {
            assert_eq!(client.signalling_channel().unwrap().id, 0);
            client.hand_over(0).unwrap();
            assert_eq!(client.hand_over(0), Err(SendFailure::HandedOver));
        }
        for client in [0, 1] {
            pair.wait_for(client, |event| *event == Event::HandedOver).await;
        }
        pair
    }

    /// Carries what there is for the channel, until a client has an event that `is` describes.
    async fn wait_for(&self, client: usize, is: impl Fn(&Event) -> bool) -> Event {
        let search = async {
            // A client that has ended says so at once, as often as it is asked.
            let mut ended = [false; 2];
            loop {
                let found = self.seen.borrow()[client].iter().position(&is);
                if let Some(found) = found {
                    return self.seen.borrow_mut()[client].remove(found);
                }
                let event = tokio::select! {
                    event = self.clients[0].next_event(), if !ended[0] => (0, event),
                    event = self.clients[1].next_event(), if !ended[1] => (1, event),
                    else => panic!("both clients have ended before"),
                };
                match event {
                    (from, Some(Event::SignallingChannel(ChannelTransmit::Message(message)))) => {
                        assert!(self.clients[1 - from].channel_receive(&message));
                    }
                    (who, Some(event)) => self.seen.borrow_mut()[who].push(event),
                    (who, None) => ended[who] = true,
                }
            }
        };
        tokio::time::timeout(NEVER, search).await.expect("it happens")
    }

    async fn end(&self, client: usize) -> Closed {
        match self.wait_for(client, |event| matches!(event, Event::Closed(_))).await {
            Event::Closed(closed) => closed,
            event => unreachable!("not {event:?}"),
        }
    }
}

fn start_server() -> Server {
    Server::start(ServerConfig::new("127.0.0.1:0".parse().unwrap())).unwrap()
}

/// Waits until the server has no connections.
async fn nobody_at(server: &Server) {
    let nobody = async {
        while server.connections() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(NEVER, nobody).await.expect("the clients leave the server");
}

fn is_text(event: &Event, text: &str) -> bool {
    *event == Event::Application(Payload::from_text(text))
}

async fn life_after_the_server() {
    let server = start_server();
    let pair = Pair::handed_over(&server).await;
    nobody_at(&server).await;
    server.shutdown().await;
    let [initiator, responder] = &pair.clients;
    initiator.send_application(Payload::from_text("to the responder")).unwrap();
    pair.wait_for(1, |event| is_text(event, "to the responder")).await;
    responder.send_application(Payload::from_text("to the initiator")).unwrap();
    pair.wait_for(0, |event| is_text(event, "to the initiator")).await;
    // The timers still run: this one is sent by a timer alone.
    let candidate = Candidate { candidate: "candidate:1".into(), ..Candidate::default() };
    responder.send_candidates(&[Some(candidate), None]).unwrap();
    let candidates = |event: &Event| matches!(event, Event::Task(TaskEvent::Candidates(_)));
    pair.wait_for(0, candidates).await;

    initiator.close();
    let end = pair.end(1).await;
    assert_eq!((end.by, end.code), (ClosedBy::Peer, Some(1001)));
}

async fn end_of_the_channel() {
    let server = start_server();
    let pair = Pair::handed_over(&server).await;
    nobody_at(&server).await;
    for client in [0, 1] {
        pair.clients[client].channel_closed();
        assert_eq!(pair.end(client).await.reason, EndReason::SignallingChannelLost);
        assert!(pair.clients[client].ended());
    }
    server.shutdown().await;
}

/// One after the other, because the last one ends what the others need.
#[test]
fn driver_goes_on_without_a_socket_and_ends_with_the_channel_or_the_library() {
    let block_on = |future: std::pin::Pin<Box<dyn Future<Output = ()>>>| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(future);
    };
    block_on(Box::pin(life_after_the_server()));
    block_on(Box::pin(end_of_the_channel()));

    let (send, receive) = std::sync::mpsc::channel();
    block_on(Box::pin(async move {
        let server = start_server();
        let pair = Pair::handed_over(&server).await;
        nobody_at(&server).await;
        server.shutdown().await;
        send.send(pair).unwrap();
    }));
    let pair = receive.recv().unwrap();
    assert!(saltyrtc::shutdown(NEVER), "nobody is closing, so there is nothing to wait for");
    block_on(Box::pin(async move {
        for client in [0, 1] {
            let end = pair.end(client).await;
            let lost = |text: &str| text.contains("shut down");
            assert!(matches!(&end.reason, EndReason::ConnectionLost(text) if lost(text)), "{end}");
        }
    }));
}
