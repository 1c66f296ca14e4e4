//! What functions return: a status.

use std::ffi::c_char;

use super::declare::{CEnum, c_enum};

c_enum! {
    /// Whether, and when, it helps to create a new client with the same settings after one has ended. After a
    /// session this is for peers that trust each other (saltyrtc_client_trust_peer): a token that was used is of
    /// no use any more.
    pub enum saltyrtc_retry {
        /// Not before somebody has changed something.
        Never = 0,
        /// After a pause, for example of a second, and after a longer one each time.
        Later = 1,
        /// At once; and if that fails, later.
        AtOnce = 2,
    }
}

/// Each status is `Name = number`; and, if a client can end with it, `=> ` whether to try again. That gets into the
/// header and into `include/saltyrtc.json`.
macro_rules! statuses {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $($(#[$status_meta:meta])* $status:ident = $number:literal $(=> $retry:ident)?,)+
        }
    ) => {
        c_enum! {
            $(#[$meta])*
            pub enum $name {
                $($(#[$status_meta])* $status = $number,)+
            }
        }

        impl $name {
            /// Whether to try again when a client has ended with this.
            pub(super) const fn retry(self) -> saltyrtc_retry {
                match self {
                    $($(Self::$status => saltyrtc_retry::$retry,)?)+
                    _ => saltyrtc_retry::Never,
                }
            }
        }
    };
}

statuses! {
    /// The result of a call, or the reason of an event: 0 is success, errors are negative. Later
    /// versions may add numbers; treat those that you do not know as errors.
    ///
    /// -1 to -99 are about how the library is used, -100 to -199 about what a client cannot do at the
    /// moment, -200 to -299 about the network and the server, -300 to -399 about the peer, and -400 to
    /// -499 about the embedded server. What a client can end with says whether to try again then
    /// (saltyrtc_status_retry).
    pub enum saltyrtc_status {
        /// Success.
        Ok = 0 => Never,

        /* How the library is used: -1 to -99. */
        /// An argument is NULL but must not be.
        NullArgument = -1,
        /// An argument has a value that is not allowed.
        BadArgument = -2,
        /// The buffer is NULL or too small. The length output is the number of bytes needed.
        BufferTooSmall = -3,
        /// A function that blocks was called in a callback, where it would block for ever.
        WouldDeadlock = -4,
        /// The function is for clients without a callback, and this client has one.
        HasCallback = -5,
        /// The time given is over.
        Timeout = -6,
        /// The last event, CLOSED, was taken: there will be no more.
        NoMoreEvents = -7,
        /// There is no such thing, for example no token in the invitation.
        NotPresent = -8,
        /// The bytes or digits are not a valid key.
        BadKey = -9,
        /// The text is not a valid URL of a server, or the host in it is none.
        BadUrl = -10 => Never,
        /// The text is not a valid invitation.
        BadInvitation = -11,
        /// The bytes are not valid MessagePack, or not of the type that is needed.
        BadMsgpack = -12,
        /// The certificate or its private key cannot be used.
        BadCertificate = -13,
        /// The settings contradict each other. The text says which.
        BadConfig = -14,
        /// The program is written in Rust and has set a receiver for log messages (a tracing
        /// subscriber) itself.
        LogTaken = -15,
        /// The operating system has no threads, file descriptors or ports left.
        OutOfResources = -16,
        /// The bytes are not a valid chunk, or contradict earlier chunks.
        BadChunk = -17,
        /// The function is for clients without a queue, and the events of this client go to one.
        HasQueue = -18,
        /// The library was built without this part (saltyrtc_has_feature), or the system does not have
        /// such a thing.
        NotBuilt = -19,
        /// The process is the child of a fork() at a time when the library was in use: its threads are in
        /// the parent only.
        Forked = -20,

        /* What a client cannot do now: -100 to -199. */
        /// The connection is closed, or is being closed.
        Closed = -100,
        /// There is no authenticated peer: not yet, or not any more.
        NoPeer = -101,
        /// Too much is waiting to be sent. An event follows when there is room again: WRITABLE, or
        /// CHANNEL_LOW_WATER for a channel of the built-in WebRTC.
        QueueFull = -102,
        /// The message is larger than allowed.
        TooLarge = -103,
        /// The two clients have agreed on another task.
        OtherTask = -104,
        /// Only a client of the other role can do this.
        OtherRole = -105,
        /// The data was not encrypted by the peer in this session, or was modified.
        DecryptionFailed = -106,
        /// The two clients have not agreed on a handover of the signalling to a data channel.
        NoHandover = -107,
        /// The signalling has been handed over to a data channel already.
        HandedOver = -108,
        /// The maximum message size of the data channel is too small for the signalling.
        ChannelTooNarrow = -109,
        /// The client does not use the built-in WebRTC (saltyrtc_config_add_rtc_task), or has ended.
        NoRtc = -110,
        /// The channel is not open: not yet, not any more, or it never existed.
        ChannelNotOpen = -111,
        /// No more channels can be opened.
        TooManyChannels = -112,

        /* Network and server, mostly in events: -200 to -299. */
        /// The connection to the server could not be established.
        ConnectFailed = -200 => Later,
        /// The connection to the server was lost.
        ConnectionLost = -201 => AtOnce,
        /// The server is shutting down.
        ServerGoingAway = -202 => Later,
        /// The server closed the connection for another reason.
        ServerClosed = -203 => Later,
        /// The handshake with the server took too long.
        ServerHandshakeTimeout = -204 => Later,
        /// The server closed the connection because this client did not answer in time.
        ServerTimeout = -205 => AtOnce,
        /// The server did not prove that it has the expected permanent key.
        ServerKeyMismatch = -206 => Never,
        /// The server does not speak this version of the protocol.
        NoSubprotocol = -207 => Never,
        /// There are as many responders on the path as there can be.
        PathFull = -208 => Later,
        /// The server violated the protocol.
        ServerProtocolError = -209 => Never,
        /// The server or the peer had an internal error.
        RemoteInternalError = -210 => Later,
        /// This client sent a message larger than the server accepts.
        MessageTooBig = -211 => Never,
        /// Built-in WebRTC: an ICE server cannot be used.
        IceServerUnusable = -212,
        /// The TLS certificate of the server is not trusted, or there are no root certificates to trust.
        ServerCertificate = -213 => Never,
        /// No TLS connection to the server, for example because it does not speak TLS.
        TlsFailed = -214 => Never,
        /// There is something else than a SaltyRTC server at this address.
        NotASaltyrtcServer = -215 => Never,
        /// The server, or a proxy in front of it, cannot take the connection now.
        ServerBusy = -216 => Later,
        /// The proxy on the way to the server refuses to connect to it.
        ProxyRefused = -217 => Never,

        /* The peer, mostly in events: -300 to -399. */
        /// The peer closed the connection.
        PeerClosed = -300 => Later,
        /// The peer left the signalling path.
        PeerLeft = -301 => AtOnce,
        /// The two clients have no task in common.
        NoSharedTask = -302 => Never,
        /// The peer violated the protocol.
        PeerProtocolError = -303 => Never,
        /// The server or the peer closed the connection because this client, it says, violated the
        /// protocol.
        AccusedOfProtocolError = -304 => Never,
        /// The handshake with the peer took too long.
        PeerHandshakeTimeout = -305 => Later,
        /// Responder: the initiator dropped this client.
        DroppedByInitiator = -306 => Never,
        /// Initiator: another initiator with the same permanent key has taken over the path.
        ReplacedByInitiator = -307 => Never,
        /// The initiator could not decrypt the responder's first message: the token, or a stored key,
        /// is the wrong one.
        InitiatorCouldNotDecrypt = -308 => Never,
        /// A message from the peer was larger than this client accepts.
        ReceivedTooBig = -309 => Never,
        /// All sequence numbers of this connection or channel are used up.
        SequenceNumbersUsedUp = -310 => AtOnce,
        /// The data channel that carried the signalling was closed or lost. To reach the peer again,
        /// create a new client, which connects to the server.
        SignallingChannelLost = -311 => AtOnce,
        /// Only one of the two clients handed the signalling over to the data channel in time.
        HandoverTimeout = -312 => Later,
        /// Built-in WebRTC: the peer did not accept the channel.
        ChannelRefused = -313,
        /// Built-in WebRTC: the connection to the peer failed.
        RtcFailed = -314,
        /// Built-in WebRTC: the certificate of the peer cannot be used, or is not the one that was
        /// announced.
        PeerCertificate = -315,
        /// Built-in WebRTC: the connection to the peer was made anew, and the channels of the old one are
        /// gone.
        RtcReplaced = -316,
        /// Built-in WebRTC: a candidate of the peer cannot be used.
        PeerCandidate = -317,
        /// Built-in WebRTC: an offer or answer of the peer cannot be used.
        PeerDescription = -318,
        /// Responder: the handshake with the initiator went wrong, perhaps because one of the two took what
        /// was still under way from an earlier connection for a part of it.
        HandshakeDisturbed = -319 => Later,
        /// Responder: the server could not deliver a message to the initiator, which has not left and may not
        /// know that its peer has forgotten it.
        PeerUnreachable = -320 => AtOnce,

        /* The embedded server: -400 to -499. */
        /// The server cannot listen on this address.
        ListenFailed = -400,

        /// A bug in the library. Please report the text.
        Panic = -900,
    }
}

/// The name of a status in a few words, for example "buffer too small"; for a number that is none,
/// "unknown status". The text is static. `status` is one of saltyrtc_status.
#[unsafe(no_mangle)]
pub extern "C" fn saltyrtc_status_name(status: i32) -> *const c_char {
    saltyrtc_status::from_number(status).map_or(c"unknown status", CEnum::text).as_ptr()
}

/// Whether, and when, to try again when a client has ended with `status`, which is one of saltyrtc_status. For
/// any other number: SALTYRTC_RETRY_NEVER. The field `retryable` of the event CLOSED is true if it is not that.
#[unsafe(no_mangle)]
pub extern "C" fn saltyrtc_status_retry(status: i32) -> saltyrtc_retry {
    saltyrtc_status::from_number(status).map_or(saltyrtc_retry::Never, saltyrtc_status::retry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    #[test]
    fn every_status_has_its_own_number_and_name() {
        let mut seen = Vec::new();
        for status in saltyrtc_status::ALL {
            let name = unsafe { CStr::from_ptr(saltyrtc_status_name(status.number())) };
            assert_eq!(name, status.text());
            assert!(!seen.contains(&(status.number(), name)), "{name:?}");
            seen.push((status.number(), name));
        }
    }

    #[test]
    fn any_number_has_a_name() {
        for number in [1, -99_999, i32::MIN, i32::MAX] {
            let text = unsafe { CStr::from_ptr(saltyrtc_status_name(number)) };
            assert_eq!(text.to_str(), Ok("unknown status"));
        }
    }
}
