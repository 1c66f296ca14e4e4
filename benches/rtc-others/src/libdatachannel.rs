//! One end of a connection of libdatachannel. The argument is its address.

#[path = "../../rtc/child.rs"]
mod child;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use child::{MAX_BUFFERED, Meter, Peer, Sender, fail, run, say};
use datachannel::{
    DataChannelHandler, DataChannelInfo, DataChannelInit, IceCandidate, PeerConnectionHandler,
    RtcConfig, RtcDataChannel, RtcPeerConnection, SessionDescription,
};
use serde_json::Value;

fn main() {
    let meter = Meter::new();
    run(&meter, &mut Other { meter: meter.clone(), connection: None });
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Other {
    meter: Arc<Meter>,
    connection: Option<Box<RtcPeerConnection<Events>>>,
}

impl Peer for Other {
    fn connect(&mut self) -> Result<(), String> {
        let mut connection = self.start().map_err(|error| error.to_string())?;
        // That there is a channel leads to an offer.
        self.open(&mut connection).map_err(|error| error.to_string())?;
        self.connection = Some(connection);
        Ok(())
    }

    fn signal(&mut self, text: &str) -> Result<(), String> {
        let message: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if message.get("candidate").is_some() {
            let candidate = serde_json::from_value(message).map_err(|error| error.to_string())?;
            let connection = self.connection.as_mut().ok_or("a candidate came first")?;
            return connection.add_remote_candidate(&candidate).map_err(|error| error.to_string());
        }
        let sdp = serde_json::from_value(message).map_err(|error| error.to_string())?;
        if let Some(connection) = &mut self.connection {
            return connection.set_remote_description(&sdp).map_err(|error| error.to_string());
        }
        let mut connection = self.start().map_err(|error| error.to_string())?;
        connection.set_remote_description(&sdp).map_err(|error| error.to_string())?;
        // Before, it would have led to an offer of this side too.
        self.open(&mut connection).map_err(|error| error.to_string())?;
        self.connection = Some(connection);
        Ok(())
    }
}

impl Other {
    fn start(&self) -> Result<Box<RtcPeerConnection<Events>>, datachannel::Error> {
        let servers: [&str; 0] = [];
        let address = std::env::args().nth(1).unwrap_or("127.0.0.1".into());
        let config = RtcConfig::new(&servers).bind_address(&address);
        RtcPeerConnection::new(&config, Events)
    }

    fn open(&self, connection: &mut RtcPeerConnection<Events>) -> Result<(), datachannel::Error> {
        let shared = Arc::new(Channel::default());
        let handler = Handler { meter: self.meter.clone(), shared: shared.clone() };
        let options = DataChannelInit::default().negotiated().manual_stream().stream(1);
        let mut channel = connection.create_data_channel_ex("bench", handler, &options)?;
        channel.set_buffered_amount_low_threshold(MAX_BUFFERED / 2)?;
        let _ = shared.channel.set(Mutex::new(channel));
        Ok(())
    }
}

/// What the connection has to say.
struct Events;

impl PeerConnectionHandler for Events {
    type DCH = Nobody;

    fn data_channel_handler(&mut self, _: DataChannelInfo) -> Nobody {
        Nobody
    }

    fn on_description(&mut self, description: SessionDescription) {
        tell(serde_json::to_string(&description));
    }

    fn on_candidate(&mut self, candidate: IceCandidate) {
        tell(serde_json::to_string(&candidate));
    }
}

/// Tells the other side.
fn tell(json: serde_json::Result<String>) {
    match json {
        Ok(json) => say(&format!("signal {json}")),
        Err(error) => fail(&error.to_string()),
    }
}

/// Channels that the peer opens, of which there are none.
struct Nobody;

impl DataChannelHandler for Nobody {}

/// The channel, for the events and for those who send.
#[derive(Default)]
struct Channel {
    channel: OnceLock<Mutex<Box<RtcDataChannel<Handler>>>>,
    room: Mutex<()>,
    there_is_room: Condvar,
}

impl Channel {
    fn get(&self) -> Result<MutexGuard<'_, Box<RtcDataChannel<Handler>>>, String> {
        Ok(lock(self.channel.get().ok_or("there is no channel yet")?))
    }

    fn put(&self, message: &[u8]) -> Result<(), String> {
        self.get()?.send(message).map_err(|error| error.to_string())
    }

    fn full(&self) -> bool {
        self.get().is_ok_and(|channel| channel.buffered_amount() >= MAX_BUFFERED)
    }
}

impl Sender for Channel {
    fn send(&self, message: &[u8]) -> Result<(), String> {
        let room = lock(&self.room);
        drop(self.there_is_room.wait_while(room, |()| self.full()));
        self.put(message)
    }
}

struct Handler {
    meter: Arc<Meter>,
    shared: Arc<Channel>,
}

impl DataChannelHandler for Handler {
    fn on_open(&mut self) {
        self.meter.opened(self.shared.clone());
    }

    fn on_message(&mut self, message: &[u8]) {
        if let Some(answer) = self.meter.received(message) {
            self.shared.put(&answer).unwrap_or_else(|error| fail(&error));
        }
    }

    fn on_buffered_amount_low(&mut self) {
        drop(lock(&self.shared.room));
        self.shared.there_is_room.notify_one();
    }

    fn on_closed(&mut self) {
        fail("the channel was closed");
    }
}
