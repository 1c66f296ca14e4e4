//! The messages of the protocol: parsing, which is where they are validated, and serialising.
//!
//! Each message is a type that can only hold valid values. `parse` takes the serialised MessagePack
//! map, `serialise` makes one.

mod client;
mod fields;
mod payload;
mod server;
mod task;

pub use client::{Application, Close, InitiatorAuth, Key, ResponderAuth, TaskData, Token};
pub use fields::{FieldProblem, MessageError};
pub use payload::{Payload, PayloadError};
pub use server::{
    ClientAuth, ClientHello, Disconnected, DropResponder, NewInitiator, NewResponder, Notification,
    SendError, ServerAuth, ServerAuthRole, ServerHello,
};
pub use task::TaskMessage;

pub(crate) use fields::{Fields, MapWriter, is_nil, read_str, read_uint};
