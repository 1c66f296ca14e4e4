//! One end of a connection of this library.

use std::net::IpAddr;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use saltyrtc::client::{ChannelError, ChannelOptions, Client, Config, Event, RtcConfig};
use saltyrtc::crypto::{KeyPair, OsRandom};
use saltyrtc::protocol::{Invitation, ServerUrl};
use saltyrtc::task::{ChannelEvent, ConnectionEvent, TaskEvent};

use crate::child::{MAX_BUFFERED, Meter, Peer, Sender, fail, run, say};

const LABEL: &str = "bench";

/// Runs as one end, with this address: the initiator, if a server is given. Messages of the channel are
/// encrypted with the keys of the clients if it is `secure`.
pub(crate) fn serve(address: IpAddr, server: Option<ServerUrl>, secure: bool) {
    let meter = Meter::new();
    run(&meter, &mut Ours { meter: meter.clone(), address, server, secure });
}

struct Ours {
    meter: Arc<Meter>,
    address: IpAddr,
    server: Option<ServerUrl>,
    secure: bool,
}

impl Peer for Ours {
    fn connect(&mut self) -> Result<(), String> {
        let server = self.server.take().ok_or("only the initiator begins")?;
        let config = Config::initiator(server, KeyPair::generate(&mut OsRandom));
        let invitation = config.invitation().ok_or("an initiator has an invitation")?;
        say(&format!("signal {}", invitation.to_uri()));
        self.start(config, true)
    }

    fn signal(&mut self, text: &str) -> Result<(), String> {
        let invitation = Invitation::parse(text).map_err(|error| error.to_string())?;
        self.start(Config::responder(invitation, KeyPair::generate(&mut OsRandom)), false)
    }
}

impl Ours {
    fn start(&self, config: Config, opens: bool) -> Result<(), String> {
        let rtc = RtcConfig {
            max_buffered: MAX_BUFFERED,
            // What the peer opens is secure otherwise.
            plain_labels: if self.secure { Vec::new() } else { vec![LABEL.into()] },
            addresses: vec![self.address],
            ..RtcConfig::default()
        };
        let config = config.with_rtc(rtc).map_err(|error| error.to_string())?;
        let client = Client::connect(config).map_err(|error| error.to_string())?;
        let (meter, secure) = (self.meter.clone(), self.secure);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|error| error.to_string())?;
        std::thread::spawn(move || {
            let error = runtime.block_on(receive(client, &meter, secure, opens));
            fail(&error.err().unwrap_or("the client has ended".into()));
        });
        Ok(())
    }
}

/// Takes events, until the client ends.
async fn receive(client: Client, meter: &Meter, secure: bool, opens: bool) -> Result<(), String> {
    let refused = |error: ChannelError| error.to_string();
    let mut room: Option<Arc<Room>> = None;
    while let Some(event) = client.next_event().await {
        match event {
            Event::PeerHandshakeDone { .. } => {
                say("stage handshake");
                if opens {
                    let options = ChannelOptions { secure, ..ChannelOptions::new(LABEL) };
                    client.open_channel(options).map_err(refused)?;
                }
            }
            Event::Task(TaskEvent::Channel(event)) => match event {
                ChannelEvent::Opened { channel, .. } => {
                    let new = Arc::new(Room::default());
                    room = Some(new.clone());
                    meter.opened(Arc::new(Channel { client: client.clone(), channel, room: new }));
                }
                ChannelEvent::Message { channel, data, .. } => {
                    if let Some(answer) = meter.received(&data) {
                        client.channel_send_bytes(channel, &answer).map_err(refused)?;
                    }
                }
                ChannelEvent::LowWater { .. } => {
                    if let Some(room) = &room {
                        room.there_is();
                    }
                }
                ChannelEvent::Closed { error, .. } => {
                    return Err(format!("the channel was closed: {error:?}"));
                }
                _ => {}
            },
            Event::Task(TaskEvent::Connection(ConnectionEvent::Problem(text))) => {
                eprintln!("problem: {text}");
            }
            Event::Closed(closed) => return Err(format!("the client was closed: {closed:?}")),
            _ => {}
        }
    }
    Ok(())
}

/// Whether there is room to send.
#[derive(Default)]
struct Room {
    there: Mutex<bool>,
    changed: Condvar,
}

impl Room {
    fn there_is(&self) {
        *self.there.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_one();
    }

    fn wait(&self) {
        let there = self.there.lock().unwrap_or_else(PoisonError::into_inner);
        let there = self.changed.wait_while(there, |there| !*there);
        *there.unwrap_or_else(PoisonError::into_inner) = false;
    }
}

struct Channel {
    client: Client,
    channel: u32,
    room: Arc<Room>,
}

impl Sender for Channel {
    fn send(&self, message: &[u8]) -> Result<(), String> {
        loop {
            match self.client.channel_send_bytes(self.channel, message) {
                Ok(()) => return Ok(()),
                Err(ChannelError::QueueFull) => self.room.wait(),
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}
