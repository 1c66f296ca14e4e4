//! The messages between two clients (protocol, *Client-to-Client Messages*).

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::fields::{FieldProblem, Fields, MapWriter, MessageError, is_nil, read_map};
use super::payload::Payload;
use super::task::TaskMessage;
use crate::crypto::PublicKey;
use crate::protocol::{CloseCode, Cookie};

/// 'token': a responder that holds an authentication token introduces its permanent key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The responder's public permanent key.
    pub key: PublicKey,
}

impl Token {
    /// Parses the message.
    pub fn parse(data: &[u8]) -> Result<Self, MessageError> {
        // Spec: P-242 ('token' Message)
        let fields = Fields::parse(data)?.of_type("token")?;
        Ok(Self { key: fields.public_key("key")? })
    }

    /// Serialises the message.
    pub fn serialise(&self) -> Vec<u8> {
        MapWriter::message("token").binary("key", self.key.as_bytes()).finish()
    }
}

/// 'key': a client announces its session key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The sender's public session key.
    pub key: PublicKey,
}

impl Key {
    /// Parses the message. The session key has to differ from the sender's `permanent` key.
    pub fn parse(data: &[u8], permanent: &PublicKey) -> Result<Self, MessageError> {
        let fields = Fields::parse(data)?.of_type("key")?;
        let key = fields.public_key("key")?;
        // Spec: P-251 ('key' Message)
        if key == *permanent {
            let problem = FieldProblem::Invalid("is the permanent key of the sender");
            return Err(fields.error("key", problem));
        }
        Ok(Self { key })
    }

    /// Serialises the message.
    pub fn serialise(&self) -> Vec<u8> {
        MapWriter::message("key").binary("key", self.key.as_bytes()).finish()
    }
}

/// What a task puts into 'auth': nothing, or a map that the task defines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskData(Option<Payload>);

impl TaskData {
    /// No data: `nil` on the wire.
    pub const NIL: Self = Self(None);

    /// A serialised MessagePack map with text keys.
    pub fn from_map(map: impl Into<Bytes>) -> Result<Self, MessageError> {
        let map = map.into();
        read_map(&map)?;
        let payload = Payload::from_msgpack(map).map_err(|_| MessageError::Malformed)?;
        Ok(Self(Some(payload)))
    }

    /// The serialised map; `None` for no data.
    pub fn as_map(&self) -> Option<&[u8]> {
        self.0.as_ref().map(Payload::as_msgpack)
    }

    fn as_msgpack(&self) -> &[u8] {
        self.as_map().unwrap_or(&[0xc0])
    }
}

type TaskDataByName = BTreeMap<String, TaskData>;

/// Reads the task data of an 'auth' message: exactly one entry for each of the tasks `named`.
fn parse_data(fields: &Fields<'_>, named: &[&str]) -> Result<TaskDataByName, MessageError> {
    let invalid = |why| fields.error("data", FieldProblem::Invalid(why));
    // Spec: P-270 ('auth' Message)
    let entries = fields.map("data")?;
    if entries.len() != named.len() {
        return Err(invalid("does not have exactly one entry for each task"));
    }
    let mut data = BTreeMap::new();
    let entries: BTreeMap<&str, &[u8]> = entries.into_iter().collect();
    for name in named {
        let value = entries
            .get(name)
            .ok_or_else(|| invalid("does not have exactly one entry for each task"))?;
        let value = if is_nil(value) {
            TaskData::NIL
        } else {
            TaskData::from_map(value.to_vec())
                .map_err(|_| invalid("has an entry that is neither a map nor nil"))?
        };
        data.insert((*name).to_owned(), value);
    }
    Ok(data)
}

// Spec: P-260 ('auth' Message)
fn data_map<'a>(data: impl Iterator<Item = (&'a str, &'a TaskData)>) -> Vec<u8> {
    data.fold(MapWriter::default(), |map, (name, value)| map.raw(name, value.as_msgpack())).finish()
}

/// 'auth' of the responder: the tasks it offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponderAuth {
    /// The cookie of the initiator.
    pub your_cookie: Cookie,
    /// The offered tasks with their data, most wanted first. Not empty, no name twice.
    pub tasks: Vec<(String, TaskData)>,
}

impl ResponderAuth {
    /// Parses the message.
    pub fn parse(data: &[u8]) -> Result<Self, MessageError> {
        let fields = Fields::parse(data)?.of_type("auth")?;
        let your_cookie = Cookie(fields.bytes("your_cookie")?);
        fields.absent("task")?;
        let names = fields.texts("tasks")?;
        // Spec: P-264 ('auth' Message)
        if names.is_empty() {
            return Err(fields.error("tasks", FieldProblem::Invalid("is empty")));
        }
        // A name that is offered twice has one entry in the data, so it is one offer.
        let mut seen = BTreeSet::new();
        let unique: Vec<&str> = names.into_iter().filter(|name| seen.insert(*name)).collect();
        let mut data = parse_data(&fields, &unique)?;
        let tasks = unique
            .into_iter()
            .map(|name| (name.to_owned(), data.remove(name).unwrap_or_default()))
            .collect();
        Ok(Self { your_cookie, tasks })
    }

    /// Serialises the message.
    pub fn serialise(&self) -> Vec<u8> {
        let names: Vec<&str> = self.tasks.iter().map(|(name, _)| name.as_str()).collect();
        // Spec: P-262 ('auth' Message)
        let data = data_map(self.tasks.iter().map(|(name, data)| (name.as_str(), data)));
        MapWriter::message("auth")
            .binary("your_cookie", &self.your_cookie.0)
            .texts("tasks", &names)
            .raw("data", &data)
            .finish()
    }
}

/// 'auth' of the initiator: the task it chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitiatorAuth {
    /// The cookie of the responder.
    pub your_cookie: Cookie,
    /// The name of the chosen task.
    pub task: String,
    /// The initiator's data for that task.
    pub data: TaskData,
}

impl InitiatorAuth {
    /// Parses the message, with the names of the tasks that were `offered`.
    pub fn parse<'o>(
        data: &[u8],
        mut offered: impl Iterator<Item = &'o str>,
    ) -> Result<Self, MessageError> {
        let fields = Fields::parse(data)?.of_type("auth")?;
        let your_cookie = Cookie(fields.bytes("your_cookie")?);
        fields.absent("tasks")?;
        let task = fields.text("task")?;
        // Spec: P-269 ('auth' Message)
        if !offered.any(|name| name == task) {
            return Err(fields.error("task", FieldProblem::Invalid("is not an offered task")));
        }
        let data = parse_data(&fields, &[task])?.remove(task).unwrap_or_default();
        Ok(Self { your_cookie, task: task.to_owned(), data })
    }

    /// Serialises the message.
    pub fn serialise(&self) -> Vec<u8> {
        MapWriter::message("auth")
            .binary("your_cookie", &self.your_cookie.0)
            .text("task", &self.task)
            .raw("data", &data_map(std::iter::once((self.task.as_str(), &self.data))))
            .finish()
    }
}

/// 'application': something the application sends beside the task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Any value, `nil` included.
    pub data: Payload,
}

impl Application {
    pub(crate) fn from_message(message: &TaskMessage) -> Result<Self, MessageError> {
        let fields = message.fields().of_type("application")?;
        // Spec: P-282 ('application' Message)
        Ok(Self { data: Payload::from_value(message.bytes(), fields.required("data")?) })
    }

    /// Serialises the message.
    pub fn serialise(&self) -> Vec<u8> {
        // Spec: P-280 ('application' Message)
        MapWriter::message("application").raw("data", self.data.as_msgpack()).finish()
    }
}

/// 'close': the other client ends the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// Why.
    // Spec: P-287 ('close' Message)
    pub reason: CloseCode,
}

impl Close {
    pub(crate) fn from_fields(fields: Fields<'_>) -> Result<Self, MessageError> {
        let fields = fields.of_type("close")?;
        // Spec: P-291 ('close' Message)
        let reason = CloseCode::from_code(fields.uint("reason")?).ok_or_else(|| {
            fields.error("reason", FieldProblem::Invalid("is not a close code of the protocol"))
        })?;
        Ok(Self { reason })
    }

    /// Serialises the message.
    pub fn serialise(&self) -> Vec<u8> {
        MapWriter::message("close").uint("reason", self.reason.code().into()).finish()
    }
}
