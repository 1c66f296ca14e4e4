//! One end of a connection of webrtc-rs.

#[path = "../../rtc/child.rs"]
mod child;

use std::sync::{Arc, Mutex, PoisonError};

use bytes::BytesMut;
use child::{MAX_BUFFERED, Meter, Peer, Sender, fail, run, say};
use serde_json::Value;
use tokio::runtime::Runtime;
use webrtc::data_channel::{DataChannel, DataChannelEvent, RTCDataChannelInit};
use webrtc::error::Error;
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCPeerConnectionIceEvent,
    RTCPeerConnectionState, RTCSessionDescription,
};

/// Bytes that may wait to be sent. Of 128 KiB to 4 MiB this is what it is at its best with.
const SEND_BUFFER: usize = MAX_BUFFERED / 4;

fn main() {
    let runtime = Runtime::new().unwrap_or_else(|error| fail(&error.to_string()));
    let meter = Meter::new();
    let candidates = Arc::new(Candidates::default());
    run(&meter, &mut Other { runtime, meter: meter.clone(), candidates, connection: None });
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

struct Other {
    runtime: Runtime,
    meter: Arc<Meter>,
    candidates: Arc<Candidates>,
    connection: Option<Arc<dyn PeerConnection>>,
}

impl Peer for Other {
    fn connect(&mut self) -> Result<(), String> {
        let connection = self.connection()?;
        self.runtime.block_on(async {
            let offer = connection.create_offer(None).await.map_err(text)?;
            self.describe(&*connection, offer).await
        })
    }

    fn signal(&mut self, signal: &str) -> Result<(), String> {
        let connection = self.connection()?;
        let message: Value = serde_json::from_str(signal).map_err(text)?;
        self.runtime.block_on(async {
            if message.get("candidate").is_some() {
                let candidate = serde_json::from_value(message).map_err(text)?;
                return connection.add_ice_candidate(candidate).await.map_err(text);
            }
            let offered = message.get("type").is_some_and(|kind| kind == "offer");
            let description = serde_json::from_value(message).map_err(text)?;
            connection.set_remote_description(description).await.map_err(text)?;
            if offered {
                let answer = connection.create_answer(None).await.map_err(text)?;
                self.describe(&*connection, answer).await?;
            }
            Ok(())
        })
    }
}

impl Other {
    /// The connection with its channel, which is made when it is asked for first.
    fn connection(&mut self) -> Result<Arc<dyn PeerConnection>, String> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.runtime.block_on(self.start()).map_err(text)?,
        };
        Ok(self.connection.insert(connection).clone())
    }

    async fn start(&self) -> Result<Arc<dyn PeerConnection>, Error> {
        let connection = PeerConnectionBuilder::new()
            .with_handler(self.candidates.clone())
            .with_udp_addrs(vec!["127.0.0.1:0"])
            .with_data_channel_send_buffer_limit(SEND_BUFFER)
            .build()
            .await?;
        let options = RTCDataChannelInit { negotiated: Some(1), ..RTCDataChannelInit::default() };
        let channel = connection.create_data_channel("bench", Some(options)).await?;
        let sender =
            Arc::new(Channel { runtime: self.runtime.handle().clone(), channel: channel.clone() });
        let meter = self.meter.clone();
        self.runtime.spawn(async move {
            while let Some(event) = channel.poll().await {
                match event {
                    DataChannelEvent::OnOpen => meter.opened(sender.clone()),
                    DataChannelEvent::OnMessage(message) => {
                        let Some(answer) = meter.received(&message.data) else { continue };
                        let result = channel.send(BytesMut::from(&answer[..])).await;
                        result.unwrap_or_else(|error| fail(&error.to_string()));
                    }
                    _ => {}
                }
            }
            fail("the channel was closed");
        });
        Ok(Arc::new(connection))
    }

    /// Begins with an offer or an answer of ours, and tells the other side.
    async fn describe(
        &self,
        connection: &dyn PeerConnection,
        description: RTCSessionDescription,
    ) -> Result<(), String> {
        connection.set_local_description(description).await.map_err(text)?;
        let description = connection.local_description().await.ok_or("no description is left")?;
        say(&format!("signal {}", serde_json::to_string(&description).map_err(text)?));
        self.candidates.told();
        Ok(())
    }
}

/// The candidates, which follow the description.
#[derive(Default)]
struct Candidates {
    /// `None` once the description was told.
    early: Mutex<Early>,
}

#[derive(Default)]
struct Early {
    told: bool,
    waiting: Vec<String>,
}

impl Candidates {
    fn told(&self) {
        let mut early = self.early.lock().unwrap_or_else(PoisonError::into_inner);
        early.told = true;
        early.waiting.drain(..).for_each(|line| say(&line));
    }
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Candidates {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        let json = event.candidate.to_json().map_err(text);
        let json = json.and_then(|candidate| serde_json::to_string(&candidate).map_err(text));
        let line = format!("signal {}", json.unwrap_or_else(|error| fail(&error)));
        let mut early = self.early.lock().unwrap_or_else(PoisonError::into_inner);
        if early.told { say(&line) } else { early.waiting.push(line) }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        if state == RTCPeerConnectionState::Failed {
            fail("the connection failed");
        }
    }
}

struct Channel {
    runtime: tokio::runtime::Handle,
    channel: Arc<dyn DataChannel>,
}

impl Sender for Channel {
    fn send(&self, message: &[u8]) -> Result<(), String> {
        // Waits by itself until there is room.
        self.runtime.block_on(self.channel.send(BytesMut::from(message))).map_err(text)
    }
}
