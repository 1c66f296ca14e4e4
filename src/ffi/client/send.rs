//! Sending. No function here blocks: it takes the message, or says why not.

use std::ffi::c_char;

use crate::ffi::args::{self, bytes, handle, msgpack, text_bytes};
use crate::ffi::client::saltyrtc_client;
use crate::ffi::error::{CallError, entry, saltyrtc_error};
use crate::ffi::status::saltyrtc_status;
use crate::protocol::message::{Payload, TaskMessage};

/// Sends bytes with the Relayed Data task. The peer gets an event DATA.
///
/// Like all functions that send, it puts a copy of the message into the queue and returns. If it fails,
/// nothing is sent: with SALTYRTC_STATUS_NO_PEER before PEER_HANDSHAKE_DONE and after PEER_LEFT; with
/// SALTYRTC_STATUS_CLOSED; with SALTYRTC_STATUS_TOO_LARGE; with SALTYRTC_STATUS_OTHER_TASK; and with
/// SALTYRTC_STATUS_QUEUE_FULL, after which an event WRITABLE follows.
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

/// Sends text with the Relayed Data task: `text_len` bytes of UTF-8, which may contain NULs. Otherwise
/// like saltyrtc_client_send_bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_send_text(
    client: *mut saltyrtc_client,
    text: *const c_char,
    text_len: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let client = handle(client, "client")?.get()?;
        Ok(client.send_text(text_bytes(text, text_len, "text")?)?)
    })
}

/// Sends a serialised MessagePack value of any type with the Relayed Data task; otherwise like
/// saltyrtc_client_send_bytes. Fails also with SALTYRTC_STATUS_BAD_MSGPACK if the bytes are not exactly
/// one value.
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

/// How many bytes of messages wait to be sent, including what encryption adds: those that the operating
/// system has not taken. This is about all that is sent with the functions of this section, and not about
/// channels of the built-in WebRTC. 0 once the client is closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_buffered_amount(
    client: *const saltyrtc_client,
    amount: *mut usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    let amount = args::out(amount, 0);
    entry(error, || {
        let amount = amount.required("amount")?;
        amount.set(handle(client, "client")?.get()?.buffered_amount());
        Ok(())
    })
}

/// Sets the low-water mark of a client in bytes. From now on there is an event LOW_WATER whenever the
/// number of bytes that wait to be sent (saltyrtc_client_buffered_amount) falls from above the mark to the
/// mark or below it; with 0, when all was taken. Without a mark there are no such events. SIZE_MAX is a mark
/// that is never reached.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_set_low_water(
    client: *mut saltyrtc_client,
    bytes: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        handle(client, "client")?.get()?.set_low_water(bytes);
        Ok(())
    })
}

/// Sends bytes to the peer's application independently of the task. The peer gets an event APPLICATION.
/// Fails like saltyrtc_client_send_bytes.
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

/// Sends text to the peer's application: `text_len` bytes of UTF-8, which may contain NULs. Otherwise
/// like saltyrtc_client_send_application_bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_send_application_text(
    client: *mut saltyrtc_client,
    text: *const c_char,
    text_len: usize,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let client = handle(client, "client")?.get()?;
        let text = text_bytes(text, text_len, "text")?;
        Ok(client.send_application(Payload::from_text(text))?)
    })
}

/// Sends a serialised MessagePack value of any type to the peer's application; otherwise like
/// saltyrtc_client_send_application_bytes. Fails also with SALTYRTC_STATUS_BAD_MSGPACK.
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

/// Sends a message of a custom task (saltyrtc_config_add_custom_task): a serialised MessagePack map
/// whose keys are texts, one of them "type", whose value is a text other than "application" and
/// "close". The peer gets an event TASK_MESSAGE. Fails like saltyrtc_client_send_bytes, and with
/// SALTYRTC_STATUS_BAD_MSGPACK.
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
            CallError::new(saltyrtc_status::BadMsgpack, format!("message: {error}"))
        })?;
        Ok(client.send_task_message(&message)?)
    })
}
