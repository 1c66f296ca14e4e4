//! A function for each message of the ORTC task that says something about a transport or a channel.

use std::ffi::c_char;

use crate::client::Client;
use crate::ffi::args::{self, handle, slice, text_field};
use crate::ffi::client::saltyrtc_client;
use crate::ffi::declare::c_struct;
use crate::ffi::error::{CallError, Outcome, entry, saltyrtc_error};
use crate::ffi::event::{
    saltyrtc_candidate_type, saltyrtc_dtls_fingerprint, saltyrtc_dtls_role, saltyrtc_ice_candidate,
    saltyrtc_ice_protocol, saltyrtc_ice_role,
};
use crate::ffi::growing;
use crate::ffi::status::saltyrtc_status;
use crate::task::ortc::{
    DataChannelParameters, DtlsFingerprint, DtlsParameters, IceCandidate, IceParameters, Labelled,
    OrtcMessage, SctpCapabilities,
};

c_struct! {
    /// The parameters of an ICE transport: an RTCIceParameters of the ORTC API, and the role. Set all bytes to 0,
    /// then struct_size, and then the fields that differ. A text with the length 0 ends with a NUL.
    pub struct saltyrtc_ice_parameters {
        /// sizeof(saltyrtc_ice_parameters).
        pub struct_size: usize,
        /// Which of several transports it is; NULL if there is one only.
        pub label: *const c_char,
        /// The size of the label in bytes.
        pub label_len: usize,
        /// The username fragment.
        pub username_fragment: *const c_char,
        /// The size of the username fragment in bytes.
        pub username_fragment_len: usize,
        /// The password.
        pub password: *const c_char,
        /// The size of the password in bytes.
        pub password_len: usize,
        /// The role of this client's transport. One of saltyrtc_ice_role.
        pub role: i32,
        /// Whether this client's transport only answers checks (ICE lite).
        pub ice_lite: bool,
    }
}

c_struct! {
    /// The parameters of a DTLS transport: an RTCDtlsParameters of the ORTC API. Otherwise like
    /// saltyrtc_ice_parameters.
    pub struct saltyrtc_dtls_parameters {
        /// sizeof(saltyrtc_dtls_parameters).
        pub struct_size: usize,
        /// Which of several transports it is; NULL if there is one only.
        pub label: *const c_char,
        /// The size of the label in bytes.
        pub label_len: usize,
        /// The hashes of the certificates of this client, at least one.
        pub fingerprints: *const saltyrtc_dtls_fingerprint,
        /// The number of hashes.
        pub fingerprints_len: usize,
        /// The role of this client's transport. One of saltyrtc_dtls_role.
        pub role: i32,
    }
}

c_struct! {
    /// The capabilities of an SCTP transport: an RTCSctpCapabilities of the ORTC API. Otherwise like
    /// saltyrtc_ice_parameters.
    pub struct saltyrtc_sctp_capabilities {
        /// sizeof(saltyrtc_sctp_capabilities).
        pub struct_size: usize,
        /// Which of several transports it is; NULL if there is one only.
        pub label: *const c_char,
        /// The size of the label in bytes.
        pub label_len: usize,
        /// The largest message that the transport takes, in bytes: up to 65535; 0 if it takes messages of any
        /// size.
        pub max_message_size: u32,
    }
}

c_struct! {
    /// What a data channel is like: an RTCDataChannelParameters of the ORTC API. Otherwise like
    /// saltyrtc_ice_parameters.
    pub struct saltyrtc_data_channel_parameters {
        /// sizeof(saltyrtc_data_channel_parameters).
        pub struct_size: usize,
        /// Which of several channels it is, in messages; NULL if there is one only. Not the label of the channel.
        pub label: *const c_char,
        /// The size of the label in bytes.
        pub label_len: usize,
        /// The label of the channel; NULL if it has none.
        pub channel_label: *const c_char,
        /// The size of the label of the channel in bytes.
        pub channel_label_len: usize,
        /// The name of the subprotocol on the channel; NULL if it has none.
        pub channel_protocol: *const c_char,
        /// The size of the name in bytes.
        pub channel_protocol_len: usize,
        /// For how many milliseconds it is tried to deliver a message, if it is given.
        pub max_packet_lifetime: u32,
        /// How many times it is tried again to deliver a message, if it is given.
        pub max_retransmits: u32,
        /// The id of the channel.
        pub id: u16,
        /// Whether max_packet_lifetime is given.
        pub has_max_packet_lifetime: bool,
        /// Whether max_retransmits is given.
        pub has_max_retransmits: bool,
        /// Whether messages may arrive in another order than they were sent in.
        pub unordered: bool,
    }
}

/// A text that has to be there; the empty one is a text.
unsafe fn required(text: *const c_char, len: usize, name: &str) -> Outcome<String> {
    optional(text, len, name)?.ok_or_else(|| CallError::null(name))
}

unsafe fn optional(text: *const c_char, len: usize, name: &str) -> Outcome<Option<String>> {
    Ok(text_field(text, len, name)?.map(str::to_owned))
}

pub(super) fn send(client: &Client, message: OrtcMessage, for_handover: bool) -> Outcome {
    match for_handover {
        true => Ok(client.send_ortc_for_handover(message)?),
        false => Ok(client.send_ortc(&message)?),
    }
}

/// Sends the parameters of an ICE transport to the peer, which gets an event ICE_PARAMETERS.
/// `for_handover`, and how it fails, are as with saltyrtc_client_send_ortc_message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_send_ice_parameters(
    client: *mut saltyrtc_client,
    parameters: *const saltyrtc_ice_parameters,
    for_handover: bool,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let client = handle(client, "client")?.get()?;
        let it = growing::read(parameters, "parameters")?;
        let role: saltyrtc_ice_role = args::enumeration(it.role, "parameters.role")?;
        let value = IceParameters {
            username_fragment: required(
                it.username_fragment,
                it.username_fragment_len,
                "parameters.username_fragment",
            )?,
            password: required(it.password, it.password_len, "parameters.password")?,
            ice_lite: it.ice_lite,
            role: role.into(),
        };
        let label = optional(it.label, it.label_len, "parameters.label")?;
        send(client, OrtcMessage::IceParameters(Labelled { label, value }), for_handover)
    })
}

/// Sends an ICE candidate to the peer, which gets it with an event ICE_CANDIDATES; candidates that follow
/// each other within 10 ms are sent as one message. `for_handover`, and how it fails, are as with
/// saltyrtc_client_send_ortc_message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_send_ice_candidate(
    client: *mut saltyrtc_client,
    candidate: *const saltyrtc_ice_candidate,
    for_handover: bool,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let client = handle(client, "client")?.get()?;
        let it = handle(candidate, "candidate")?;
        let label = optional(it.label, it.label_len, "candidate.label")?;
        let value = if it.complete { None } else { Some(self::candidate(it)?) };
        send(client, OrtcMessage::IceCandidates(vec![Labelled { label, value }]), for_handover)
    })
}

unsafe fn candidate(it: &saltyrtc_ice_candidate) -> Outcome<IceCandidate> {
    let kind: saltyrtc_candidate_type =
        args::enumeration(it.candidate_type, "candidate.candidate_type")?;
    let kind = Option::from(kind).ok_or_else(|| {
        CallError::argument("candidate.candidate_type", "a candidate has to have a type")
    })?;
    let protocol: saltyrtc_ice_protocol = args::enumeration(it.protocol, "candidate.protocol")?;
    let related_address =
        optional(it.related_address, it.related_address_len, "candidate.related_address")?;
    Ok(IceCandidate {
        foundation: required(it.foundation, it.foundation_len, "candidate.foundation")?,
        priority: it.priority,
        ip: required(it.ip, it.ip_len, "candidate.ip")?,
        protocol: protocol.into(),
        port: it.port,
        kind,
        related_port: related_address.is_some().then_some(it.related_port),
        related_address,
    })
}

/// Sends the parameters of a DTLS transport to the peer, which gets an event DTLS_PARAMETERS.
/// `for_handover`, and how it fails, are as with saltyrtc_client_send_ortc_message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_send_dtls_parameters(
    client: *mut saltyrtc_client,
    parameters: *const saltyrtc_dtls_parameters,
    for_handover: bool,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let client = handle(client, "client")?.get()?;
        let it = growing::read(parameters, "parameters")?;
        let role: saltyrtc_dtls_role = args::enumeration(it.role, "parameters.role")?;
        let (mut fingerprints, name) = (Vec::new(), "parameters.fingerprints");
        for it in slice(it.fingerprints, it.fingerprints_len, name)? {
            fingerprints.push(DtlsFingerprint {
                algorithm: required(it.algorithm, it.algorithm_len, name)?,
                value: required(it.value, it.value_len, name)?,
            });
        }
        let value = DtlsParameters { role: role.into(), fingerprints };
        let label = optional(it.label, it.label_len, "parameters.label")?;
        send(client, OrtcMessage::DtlsParameters(Labelled { label, value }), for_handover)
    })
}

/// Sends the capabilities of an SCTP transport to the peer, which gets an event SCTP_CAPABILITIES.
/// `for_handover`, and how it fails, are as with saltyrtc_client_send_ortc_message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_send_sctp_capabilities(
    client: *mut saltyrtc_client,
    capabilities: *const saltyrtc_sctp_capabilities,
    for_handover: bool,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let client = handle(client, "client")?.get()?;
        let it = growing::read(capabilities, "capabilities")?;
        let max_message_size = it.max_message_size.try_into().map_err(|_| {
            let why = format!("must be 65535 at most, not {}", it.max_message_size);
            CallError::argument("capabilities.max_message_size", why)
        })?;
        let value = SctpCapabilities { max_message_size };
        let label = optional(it.label, it.label_len, "capabilities.label")?;
        send(client, OrtcMessage::SctpCapabilities(Labelled { label, value }), for_handover)
    })
}

/// Sends what a data channel is like to the peer, which gets an event DATA_CHANNEL_PARAMETERS.
/// `for_handover`, and how it fails, are as with saltyrtc_client_send_ortc_message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saltyrtc_client_send_data_channel_parameters(
    client: *mut saltyrtc_client,
    parameters: *const saltyrtc_data_channel_parameters,
    for_handover: bool,
    error: *mut *mut saltyrtc_error,
) -> saltyrtc_status {
    entry(error, || {
        let client = handle(client, "client")?.get()?;
        let it = growing::read(parameters, "parameters")?;
        let value = DataChannelParameters {
            id: it.id,
            label: optional(it.channel_label, it.channel_label_len, "parameters.channel_label")?,
            ordered: Some(!it.unordered),
            max_packet_lifetime: it.has_max_packet_lifetime.then_some(it.max_packet_lifetime),
            max_retransmits: it.has_max_retransmits.then_some(it.max_retransmits),
            protocol: optional(
                it.channel_protocol,
                it.channel_protocol_len,
                "parameters.channel_protocol",
            )?,
        };
        let label = optional(it.label, it.label_len, "parameters.label")?;
        send(client, OrtcMessage::DataChannelParameters(Labelled { label, value }), for_handover)
    })
}
