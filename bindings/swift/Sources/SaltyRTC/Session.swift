import CSaltyRTC

/// The peer that was authenticated, and what was agreed with it.
public struct Session: Sendable, Hashable {
    /// The public permanent key of the peer.
    public let peerKey: PublicKey
    /// The peer's address on the path: 1 is the initiator, 2 to 255 are responders.
    public let address: UInt8
    /// The name of the task.
    public let task: String
    /// What the peer's task has to say: a map, or `nil`.
    public let taskData: Message?
}

/// A session description, for ``OwnWebRTC``. Only initiators send offers, only responders send answers.
public struct Description: Sendable, Hashable {
    /// `offer`, `answer`, `pranswer` or `rollback`.
    public var type: String
    /// `nil` with a `rollback` only.
    public var sdp: String?

    public init(_ type: String, sdp: String?) {
        self.type = type
        self.sdp = sdp
    }
}

extension Description: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    // Addresses and fingerprints are nothing for the log.
    public var description: String { "<Description of the type \(type)>" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["type": type]) }
}

/// An ICE candidate, for ``OwnWebRTC``.
public struct Candidate: Sendable, Hashable {
    /// The candidate-attribute. Empty: no more of this generation; `nil`: no more at all.
    public var candidate: String?
    public var sdpMid: String?
    public var sdpMLineIndex: UInt16?
    public var usernameFragment: String?

    public init(
        _ candidate: String?, sdpMid: String? = nil, sdpMLineIndex: UInt16? = nil, usernameFragment: String? = nil
    ) {
        self.candidate = candidate
        self.sdpMid = sdpMid
        self.sdpMLineIndex = sdpMLineIndex
        self.usernameFragment = usernameFragment
    }
}

/// What the WebRTC stacks of two peers tell each other, with ``OwnWebRTC``.
public enum Signal: Sendable, Hashable {
    case description(Description)
    case candidate(Candidate)
}

/// How to create the data channel that the signalling is handed over to: negotiated and ordered, with these values.
public struct SignallingChannel: Sendable, Hashable {
    public let id: UInt16
    public let label: String
    /// The subprotocol.
    public let subprotocol: String
}

/// The connection to the peer, with the built-in WebRTC.
public struct ConnectionStats: Sendable, Hashable {
    public let state: ConnectionState
    /// The type of this client's address on the path in use.
    public let localType: CandidateType
    /// The type of the peer's address.
    public let remoteType: CandidateType
    /// How packets get to the TURN server of this client.
    public let relayProtocol: RelayProtocol
    /// Address and port of this client; empty if there is no path.
    public let localAddress: String
    /// Address and port of the peer.
    public let remoteAddress: String
    /// Of the last check of the path; `nil` if it is not known.
    public let roundTripTime: Duration?
    /// How many bytes of UDP payload were sent, with everything that WebRTC adds.
    public let bytesSent: UInt64
    /// How many bytes of UDP payload were received.
    public let bytesReceived: UInt64
    /// How many channels are open, without that of the signalling.
    public let channels: Int

    init(_ stats: saltyrtc_rtc_stats) {
        var stats = stats
        state = ConnectionState(rawValue: stats.state.rawValue)
        localType = CandidateType(rawValue: stats.local_type.rawValue)
        remoteType = CandidateType(rawValue: stats.remote_type.rawValue)
        relayProtocol = RelayProtocol(rawValue: stats.relay_protocol.rawValue)
        localAddress = textIn(&stats.local_address)
        remoteAddress = textIn(&stats.remote_address)
        roundTripTime = stats.round_trip_time_us == 0 ? nil : .microseconds(stats.round_trip_time_us)
        bytesSent = stats.bytes_sent
        bytesReceived = stats.bytes_received
        channels = stats.channels
    }
}

/// The text in an array of characters, which ends with a NUL.
private func textIn<Array>(_ array: inout Array) -> String {
    withUnsafeBytes(of: &array) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}
