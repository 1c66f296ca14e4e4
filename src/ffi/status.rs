//! What functions return.

use std::ffi::c_char;

use super::declare::{CEnum, c_enum};

c_enum! {
    /// What came of a call: 0 is success, everything else is negative. A number is never used for something
    /// else later, and new ones may appear: treat those that you do not know as errors.
    pub enum saltyrtc_status {
        /// Success.
        Ok = 0,

        /* How the library is used: -1 to -99. */
        /// An argument is NULL that must not be.
        NullArgument = -1,
        /// An argument makes no sense.
        BadArgument = -2,
        /// The buffer is NULL or too small. The length output says how many bytes are needed.
        BufferTooSmall = -3,
        /// A function that waits was called from a callback, where waiting would never end.
        WouldDeadlock = -4,
        /// The function is for clients without callback, and this one has a callback.
        HasCallback = -5,
        /// Nothing happened in the time given.
        Timeout = -6,
        /// There will be no more events: the last one, CLOSED, was taken.
        NoMoreEvents = -7,
        /// What was asked for is not there, for example the token of an invitation without one.
        NotPresent = -8,
        /// The bytes or digits are not a key.
        BadKey = -9,
        /// The text is not the URL of a server.
        BadUrl = -10,
        /// The text is not an invitation.
        BadInvitation = -11,
        /// The bytes are not the MessagePack that is needed here.
        BadMsgpack = -12,
        /// The certificate or its private key cannot be used.
        BadCertificate = -13,
        /// The settings do not go together. The text says which.
        BadConfig = -14,
        /// The process has set a receiver for log messages (a tracing subscriber in Rust) of its own.
        LogTaken = -15,
        /// The operating system has no more of something: threads, file descriptors.
        OutOfResources = -16,
        /// The bytes are not a chunk, or contradict the chunks before.
        BadChunk = -17,

        /* What a client cannot do now: -100 to -199. */
        /// The connection is closed or being closed.
        Closed = -100,
        /// There is no authenticated peer (yet, or any more).
        NoPeer = -101,
        /// Too much is waiting to be sent. A WRITABLE event follows when there is room again.
        QueueFull = -102,
        /// The message is larger than allowed.
        TooLarge = -103,
        /// The two clients agreed on another task.
        OtherTask = -104,
        /// The call is for the other role.
        OtherRole = -105,
        /// The data was not encrypted for this session, or was changed on its way.
        DecryptionFailed = -106,
        /// The two clients did not agree on handing the signalling over to a data channel.
        NoHandover = -107,
        /// The signalling was handed over to a data channel already.
        HandedOver = -108,
        /// The messages of the data channel are too small to carry the signalling.
        ChannelTooNarrow = -109,
        /// The client has no built-in WebRTC (saltyrtc_config_add_rtc_task), or has ended.
        NoRtc = -110,
        /// The channel is not open: not yet, not any more, or there never was one with this number.
        ChannelNotOpen = -111,
        /// There are too many channels.
        TooManyChannels = -112,

        /* Network and server, mostly in events: -200 to -299. */
        /// The connection to the server could not be made.
        ConnectFailed = -200,
        /// The connection to the server broke.
        ConnectionLost = -201,
        /// The server is shutting down.
        ServerGoingAway = -202,
        /// The server closed the connection without a better reason.
        ServerClosed = -203,
        /// The handshake with the server took too long.
        ServerHandshakeTimeout = -204,
        /// The server gave up waiting for this client.
        ServerTimeout = -205,
        /// The server does not have the expected permanent key.
        ServerKeyMismatch = -206,
        /// The server does not speak this version of the protocol.
        NoSubprotocol = -207,
        /// All responder addresses of the path are in use.
        PathFull = -208,
        /// The server broke the protocol.
        ServerProtocolError = -209,
        /// The server or the peer had an internal error.
        RemoteInternalError = -210,
        /// A message was larger than the server accepts.
        MessageTooBig = -211,

        /* The peer, mostly in events: -300 to -399. */
        /// The peer closed the connection.
        PeerClosed = -300,
        /// The peer left the path.
        PeerLeft = -301,
        /// The two clients have no task in common.
        NoSharedTask = -302,
        /// The peer broke the protocol.
        PeerProtocolError = -303,
        /// The server or the peer found an error in what this client sent.
        AccusedOfProtocolError = -304,
        /// The handshake with the peer took too long.
        PeerHandshakeTimeout = -305,
        /// Responder: the initiator dropped this client.
        DroppedByInitiator = -306,
        /// Initiator: another initiator with the same key took the path.
        ReplacedByInitiator = -307,
        /// The initiator could not decrypt the responder's first message: the token or a stored key is not
        /// the right one.
        InitiatorCouldNotDecrypt = -308,
        /// A message of the peer was larger than this client accepts.
        ReceivedTooBig = -309,
        /// This client has used up the sequence numbers of the protocol.
        SequenceNumbersUsedUp = -310,
        /// The data channel that carried the signalling was closed or broke, or the connection under it was
        /// lost for good. Meet the peer again over the server, with a new client.
        SignallingChannelLost = -311,
        /// Only one of the two clients handed the signalling over to the data channel.
        HandoverTimeout = -312,

        /* The embedded server: -400 to -499. */
        /// The address cannot be listened on.
        ListenFailed = -400,

        /// A mistake in the library itself. The text says where; please report it.
        Panic = -900,
    }
}

/// The name of a status in a few words, for example "buffer too small". Never NULL; static. Any number
/// can be given.
#[unsafe(no_mangle)]
pub extern "C" fn saltyrtc_status_name(status: i32) -> *const c_char {
    saltyrtc_status::from_number(status).map_or(c"unknown status", CEnum::text).as_ptr()
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
