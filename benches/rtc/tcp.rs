//! One end of a connection of plain TCP, without encryption: what can be had of a link.

use std::io::{self, Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use socket2::SockRef;

use crate::child::{Meter, Peer, Sender, fail, run, say};

/// The default of Linux. Others, as BBR, do not take a loss for a sign of congestion.
const CONGESTION_CONTROL: &str = "cubic";

pub(crate) fn serve(address: IpAddr) {
    let meter = Meter::new();
    run(&meter, &mut Tcp { meter: meter.clone(), address });
}

struct Tcp {
    meter: Arc<Meter>,
    address: IpAddr,
}

impl Peer for Tcp {
    fn connect(&mut self) -> Result<(), String> {
        let listen = || {
            let listener = TcpListener::bind((self.address, 0))?;
            say(&format!("signal {}", listener.local_addr()?));
            let meter = self.meter.clone();
            std::thread::spawn(move || talk(&meter, listener.accept().map(|(stream, _)| stream)));
            io::Result::Ok(())
        };
        listen().map_err(|error| error.to_string())
    }

    fn signal(&mut self, text: &str) -> Result<(), String> {
        let (meter, stream) = (self.meter.clone(), TcpStream::connect(text));
        std::thread::spawn(move || talk(&meter, stream));
        Ok(())
    }
}

fn talk(meter: &Meter, stream: io::Result<TcpStream>) {
    let mut message = Vec::new();
    let result = stream.and_then(|mut stream| {
        stream.set_nodelay(true)?;
        SockRef::from(&stream).set_tcp_congestion(CONGESTION_CONTROL.as_bytes())?;
        let channel = Arc::new(Channel { stream: Mutex::new(stream.try_clone()?) });
        meter.opened(channel.clone());
        loop {
            let mut size = [0; 4];
            stream.read_exact(&mut size)?;
            message.resize(u32::from_be_bytes(size) as usize, 0);
            stream.read_exact(&mut message)?;
            if let Some(answer) = meter.received(&message) {
                channel.put(&answer)?;
            }
        }
    });
    let result: io::Result<()> = result;
    fail(&result.err().map_or("the connection has ended".into(), |error| error.to_string()));
}

struct Channel {
    stream: Mutex<TcpStream>,
}

impl Channel {
    /// A message is its length and what is in it.
    fn put(&self, message: &[u8]) -> io::Result<()> {
        let length = u32::try_from(message.len()).map_err(io::Error::other)?.to_be_bytes();
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        stream.write_all(&[&length[..], message].concat())
    }
}

impl Sender for Channel {
    fn send(&self, message: &[u8]) -> Result<(), String> {
        self.put(message).map_err(|error| error.to_string())
    }
}
