//! What functions return.

use std::ffi::c_char;

/// Declares the enum and the function that names its values.
macro_rules! statuses {
    ($($name:ident = $number:literal, $text:literal;)+) => {
        $(const _: () = assert!(saltyrtc_status::$name as i32 == $number);)+

        /// Every status with its number and name, for the tests.
        #[cfg(test)]
        pub(super) const ALL: &[(saltyrtc_status, i32, &str)] =
            &[$((saltyrtc_status::$name, $number, $text),)+];

        pub(super) fn name(number: i32) -> &'static str {
            match number {
                $($number => concat!($text, "\0"),)+
                _ => "unknown status\0",
            }
        }
    };
}

/// What came of a call: 0 is success, everything else is negative. A number is never used for something
/// else later, and new ones may appear: treat those that you do not know as errors.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

statuses! {
    Ok = 0, "ok";
    NullArgument = -1, "null argument";
    BadArgument = -2, "bad argument";
    BufferTooSmall = -3, "buffer too small";
    WouldDeadlock = -4, "would deadlock";
    HasCallback = -5, "has callback";
    Timeout = -6, "timeout";
    NoMoreEvents = -7, "no more events";
    NotPresent = -8, "not present";
    BadKey = -9, "bad key";
    BadUrl = -10, "bad url";
    BadInvitation = -11, "bad invitation";
    BadMsgpack = -12, "bad msgpack";
    BadCertificate = -13, "bad certificate";
    BadConfig = -14, "bad config";
    LogTaken = -15, "log taken";
    OutOfResources = -16, "out of resources";
    BadChunk = -17, "bad chunk";
    Closed = -100, "closed";
    NoPeer = -101, "no peer";
    QueueFull = -102, "queue full";
    TooLarge = -103, "too large";
    OtherTask = -104, "other task";
    OtherRole = -105, "other role";
    DecryptionFailed = -106, "decryption failed";
    NoHandover = -107, "no handover";
    HandedOver = -108, "handed over";
    ChannelTooNarrow = -109, "channel too narrow";
    NoRtc = -110, "no rtc";
    ChannelNotOpen = -111, "channel not open";
    TooManyChannels = -112, "too many channels";
    ConnectFailed = -200, "connect failed";
    ConnectionLost = -201, "connection lost";
    ServerGoingAway = -202, "server going away";
    ServerClosed = -203, "server closed";
    ServerHandshakeTimeout = -204, "server handshake timeout";
    ServerTimeout = -205, "server timeout";
    ServerKeyMismatch = -206, "server key mismatch";
    NoSubprotocol = -207, "no subprotocol";
    PathFull = -208, "path full";
    ServerProtocolError = -209, "server protocol error";
    RemoteInternalError = -210, "remote internal error";
    MessageTooBig = -211, "message too big";
    PeerClosed = -300, "peer closed";
    PeerLeft = -301, "peer left";
    NoSharedTask = -302, "no shared task";
    PeerProtocolError = -303, "peer protocol error";
    AccusedOfProtocolError = -304, "accused of protocol error";
    PeerHandshakeTimeout = -305, "peer handshake timeout";
    DroppedByInitiator = -306, "dropped by initiator";
    ReplacedByInitiator = -307, "replaced by initiator";
    InitiatorCouldNotDecrypt = -308, "initiator could not decrypt";
    ReceivedTooBig = -309, "received too big";
    SequenceNumbersUsedUp = -310, "sequence numbers used up";
    SignallingChannelLost = -311, "signalling channel lost";
    HandoverTimeout = -312, "handover timeout";
    ListenFailed = -400, "listen failed";
    Panic = -900, "panic";
}

/// The name of a status in a few words, for example "buffer too small". Never NULL; static. Any number
/// can be given.
#[unsafe(no_mangle)]
pub extern "C" fn saltyrtc_status_name(status: i32) -> *const c_char {
    name(status).as_ptr().cast()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    #[test]
    fn every_status_has_its_own_number_and_name() {
        for (i, (status, number, name)) in ALL.iter().enumerate() {
            assert_eq!(*status as i32, *number);
            assert!(ALL[..i].iter().all(|(_, n, t)| n != number && t != name), "{name}");
            let text = unsafe { CStr::from_ptr(saltyrtc_status_name(*number)) };
            assert_eq!(text.to_str(), Ok(*name));
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
