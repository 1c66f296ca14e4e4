//! Sending. No function here waits: it takes the message, or says why not.

use std::ffi::c_char;

use crate::ffi::args::{bytes, handle, msgpack, text};
use crate::ffi::client::saltyrtc_client;
use crate::ffi::error::{Failure, entry, saltyrtc_error};
use crate::ffi::status::saltyrtc_status;
use crate::protocol::message::{Payload, TaskMessage};

/// Sends bytes with the Relayed Data task. The peer gets a DATA event.
///
/// This and the other functions that send copy the message, put it into the queue, and return. They
/// fail with SALTYRTC_STATUS_NO_PEER before PEER_HANDSHAKE_DONE and after PEER_LEFT,
/// SALTYRTC_STATUS_CLOSED, SALTYRTC_STATUS_TOO_LARGE, SALTYRTC_STATUS_OTHER_TASK, and
/// SALTYRTC_STATUS_QUEUE_FULL, after which a WRITABLE event follows. Nothing is sent then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_send_bytes(
    client: *mut saltyrtc_client,
    data: *const u8,
    data_len: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let client = handle(client, "client")?.get()?;
        Ok(client.send_bytes(bytes(data, data_len, "data")?)?)
    })
}

/// Sends text (UTF-8) with the Relayed Data task; otherwise like saltyrtc_client_send_bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_send_text(
    client: *mut saltyrtc_client,
    text: *const c_char,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let client = handle(client, "client")?.get()?;
        Ok(client.send_text(self::text(text, "text")?)?)
    })
}

/// Sends any serialised MessagePack value with the Relayed Data task; otherwise like
/// saltyrtc_client_send_bytes. Fails with SALTYRTC_STATUS_BAD_MSGPACK if it is not exactly one value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_send_msgpack(
    client: *mut saltyrtc_client,
    data: *const u8,
    data_len: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let client = handle(client, "client")?.get()?;
        Ok(client.send_data(&msgpack(data, data_len, "data")?)?)
    })
}

/// Sends bytes to the peer's application beside the task, whatever the task is. The peer gets an
/// APPLICATION event. Fails like saltyrtc_client_send_bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_send_application_bytes(
    client: *mut saltyrtc_client,
    data: *const u8,
    data_len: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let client = handle(client, "client")?.get()?;
        let data = bytes(data, data_len, "data")?;
        Ok(client.send_application(Payload::from_bytes(data))?)
    })
}

/// Sends text (UTF-8) to the peer's application; like saltyrtc_client_send_application_bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_send_application_text(
    client: *mut saltyrtc_client,
    text: *const c_char,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let client = handle(client, "client")?.get()?;
        let text = self::text(text, "text")?;
        Ok(client.send_application(Payload::from_text(text))?)
    })
}

/// Sends any serialised MessagePack value to the peer's application; like
/// saltyrtc_client_send_application_bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_send_application_msgpack(
    client: *mut saltyrtc_client,
    data: *const u8,
    data_len: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let client = handle(client, "client")?.get()?;
        Ok(client.send_application(msgpack(data, data_len, "data")?)?)
    })
}

/// Sends a message of a custom task: a serialised MessagePack map with text keys, among them "type"
/// with a text that the peer's task knows ("application" and "close" are not allowed). The peer gets a
/// TASK_MESSAGE event. Fails like saltyrtc_client_send_bytes, and with SALTYRTC_STATUS_BAD_MSGPACK.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_send_task_message(
    client: *mut saltyrtc_client,
    message: *const u8,
    message_len: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let client = handle(client, "client")?.get()?;
        let map = bytes(message, message_len, "message")?.to_vec();
        let message = TaskMessage::from_msgpack(map).map_err(|error| {
            Failure::new(saltyrtc_status::BadMsgpack, format!("message: {error}"))
        })?;
        Ok(client.send_task_message(&message)?)
    })
}
