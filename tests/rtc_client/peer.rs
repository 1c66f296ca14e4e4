//! Clients with the built-in engine, and what they are waited for.

#![allow(dead_code, reason = "not every test needs all of it")]

use std::future::Future;
use std::time::Duration;

use saltyrtc::client::{
    ChannelError, ChannelOptions, Client, Closed, Config, Event, RtcConfig, RtcTasks,
};
use saltyrtc::crypto::{KeyPair, OsRandom};
use saltyrtc::protocol::ServerUrl;
use saltyrtc::server::{Server, ServerConfig};
use saltyrtc::task::{ChannelEvent, ChannelFailure, ConnectionEvent, ConnectionState, TaskEvent};

/// Nothing here takes long; this is for the case that something never happens.
pub(crate) const NEVER: Duration = Duration::from_secs(60);

pub(crate) fn keys() -> KeyPair {
    KeyPair::generate(&mut OsRandom)
}

pub(crate) fn start_server() -> (Server, ServerUrl) {
    let server = Server::start(ServerConfig::new("127.0.0.1:0".parse().unwrap())).unwrap();
    let url = ServerUrl::parse(&format!("ws://{}", server.local_addr().unwrap())).unwrap();
    (server, url)
}

pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(NEVER, future).await.expect("something never happened")
}

/// A client and the events that nobody has asked for yet.
pub(crate) struct Peer {
    pub(crate) client: Client,
    pub(crate) unseen: Vec<Event>,
}

impl Peer {
    pub(crate) fn connect(config: Config, rtc: RtcConfig) -> Self {
        let client = Client::connect(config.with_rtc(rtc).unwrap()).unwrap();
        Self { client, unseen: Vec::new() }
    }

    /// The first event that `pick` is happy with, whether it came already or not. The others stay.
    pub(crate) async fn wait_for<T>(&mut self, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
        if let Some(index) = self.unseen.iter().position(|event| pick(event).is_some()) {
            return pick(&self.unseen.remove(index)).unwrap();
        }
        loop {
            match tokio::time::timeout(NEVER, self.client.next_event()).await {
                Ok(Some(event)) => match pick(&event) {
                    Some(found) => return found,
                    None => self.unseen.push(event),
                },
                Ok(None) => panic!("the client ended without the event: {:?}", self.unseen),
                Err(_) => panic!("the event never came: {:?}", self.unseen),
            }
        }
    }

    pub(crate) async fn channel<T>(
        &mut self,
        mut pick: impl FnMut(&ChannelEvent) -> Option<T>,
    ) -> T {
        self.wait_for(|event| match event {
            Event::Task(TaskEvent::Channel(event)) => pick(event),
            _ => None,
        })
        .await
    }

    pub(crate) async fn opened(&mut self, label: &str) -> u32 {
        self.channel(|event| match event {
            ChannelEvent::Opened { channel, label: it, .. } if it == label => Some(*channel),
            _ => None,
        })
        .await
    }

    pub(crate) async fn message(&mut self, of: u32) -> Vec<u8> {
        self.channel(|event| match event {
            ChannelEvent::Message { channel, data, .. } if *channel == of => Some(data.to_vec()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn channel_closed(&mut self, of: u32) -> Option<ChannelFailure> {
        self.channel(|event| match event {
            ChannelEvent::Closed { channel, error } if *channel == of => Some(error.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn state(&mut self, wanted: ConnectionState) {
        self.wait_for(|event| match event {
            Event::Task(TaskEvent::Connection(ConnectionEvent::State(state))) => {
                (*state == wanted).then_some(())
            }
            _ => None,
        })
        .await;
    }

    pub(crate) async fn handed_over(&mut self) {
        self.wait_for(|event| matches!(event, Event::HandedOver).then_some(())).await;
    }

    pub(crate) async fn end(&mut self) -> Closed {
        self.wait_for(|event| match event {
            Event::Closed(closed) => Some(closed.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn application(&mut self) -> String {
        self.wait_for(|event| match event {
            Event::Application(payload) => payload.as_text().map(str::to_owned),
            _ => None,
        })
        .await
    }
}

pub(crate) fn pair_with(url: ServerUrl, a: RtcConfig, b: RtcConfig) -> (Peer, Peer) {
    let config = Config::initiator(url, keys());
    let invitation = config.invitation().unwrap();
    let initiator = Peer::connect(config, a);
    let responder = Peer::connect(Config::responder(invitation, keys()), b);
    (initiator, responder)
}

/// Two clients that have handed over, and a channel between them with its number at either.
pub(crate) async fn connected(options: ChannelOptions) -> (Server, [(Peer, u32); 2]) {
    connected_with([RtcTasks::WebRtc; 2], options).await
}

/// The same, with these tasks.
pub(crate) async fn connected_with(
    tasks: [RtcTasks; 2],
    options: ChannelOptions,
) -> (Server, [(Peer, u32); 2]) {
    let (server, url) = start_server();
    let [a, b] = tasks.map(|tasks| RtcConfig { tasks, ..RtcConfig::default() });
    let (mut a, mut b) = pair_with(url, a, b);
    a.handed_over().await;
    b.handed_over().await;
    let label = options.label.clone();
    let number = a.client.open_channel(options).unwrap();
    assert_eq!(a.opened(&label).await, number);
    let theirs = b.opened(&label).await;
    (server, [(a, number), (b, theirs)])
}

/// Sends, and waits for room if there is none.
pub(crate) async fn send(peer: &mut Peer, channel: u32, data: &[u8]) {
    loop {
        match peer.client.channel_send_bytes(channel, data) {
            Ok(()) => return,
            Err(ChannelError::QueueFull) => {
                peer.channel(|event| match event {
                    ChannelEvent::LowWater { channel: it } if *it == channel => Some(()),
                    _ => None,
                })
                .await;
            }
            Err(error) => panic!("{error}"),
        }
    }
}
