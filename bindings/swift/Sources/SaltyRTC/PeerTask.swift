import CSaltyRTC

/// What two clients can do with each other. They use the first of the initiator's tasks that the responder has too.
public enum PeerTask: Sendable, Hashable {
    /// All data goes over the server, end-to-end encrypted. Messages are values of MessagePack.
    case relayedData
    /// The built-in WebRTC: a direct connection to the peer, with channels. No other library is needed.
    case webRTC(WebRTC = WebRTC())
    /// A task of your own: the library negotiates it by its name and carries its messages.
    case custom(CustomTask)
    /// WebRTC with a stack of your own: the library carries descriptions and candidates, and hands the signalling over to a
    /// data channel of the stack.
    case ownWebRTC(OwnWebRTC = OwnWebRTC())
    /// ORTC with a stack of your own.
    case ortc(ORTC = ORTC())
}

/// The settings of the built-in WebRTC.
public struct WebRTC: Sendable, Hashable {
    /// STUN and TURN servers.
    public var iceServers: [ICEServer]
    /// Use TURN servers only, which hides the addresses of this device from the peer.
    public var relayOnly = false
    /// The largest message on a secure channel in either direction, in bytes; 16 MiB if `nil`.
    public var maxMessageSize: Int?
    /// How many bytes may wait to be sent on a channel; 4 MiB if `nil`.
    public var maxBuffered: Int?
    /// Ids (0 to 65534) of channels that both peers open themselves.
    public var negotiatedIDs: [UInt16] = []
    /// Hand the signalling over to the connection, so that the server is not needed any more.
    public var handover = true
    /// By which of the two tasks, WebRTC and ORTC, the connection is negotiated.
    public var tasks = RTCTasks.webrtc
    /// Which side of the DTLS handshake this client is. With the WebRTC task, the initiator always leaves it to the responder.
    public var dtlsRole = DTLSRole.auto
    /// Channels of the peer with these labels are not encrypted a second time.
    public var plainLabels: [String] = []
    /// Use these addresses of the device only; all if empty.
    public var addresses: [String]
    /// Use UDP ports in this range only.
    public var ports: ClosedRange<UInt16>?
    /// Without a sign of life of the peer for this long, what is sent waits. At least 1 s; 7 s if `nil`.
    public var disconnectedTimeout: Duration?
    /// Without a sign of life of the peer for this long, it is unreachable, which ends the client after the handover. From 1
    /// to 30 s; 30 s if `nil`. A shorter time notices the end of a peer sooner, and ends connections that would recover.
    public var unreachableTimeout: Duration?
    /// How long it may take until channels can be used. At least 1 s; 120 s if `nil`.
    public var setupTimeout: Duration?

    public init(iceServers: [ICEServer] = [], addresses: [String] = []) {
        self.iceServers = iceServers
        self.addresses = addresses
    }
}

/// A STUN server, which helps to find a path through NATs, or a TURN server, which relays if there is no other.
public struct ICEServer: Sendable, Hashable {
    /// `stun:host:port`, `turn:host:port`, `turn:host:port?transport=tcp` or `turns:host:port`; the port is optional.
    public var url: String
    public var username: String?
    public var password: String?

    public init(_ url: String, username: String? = nil, password: String? = nil) {
        self.url = url
        self.username = username
        self.password = password
    }
}

extension ICEServer: ExpressibleByStringLiteral {
    public init(stringLiteral url: String) { self.init(url) }
}

extension ICEServer: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "<ICEServer \(url)>" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["url": url]) }
}

/// A task of your own. Its messages are maps with a "type".
public struct CustomTask: Sendable, Hashable {
    /// As specific as a domain name, for example `v1.chess.tasks.example.org`.
    public var name: String
    /// What the peer gets with the handshake (``Session/taskData``): a map, or nothing.
    public var data: Message?

    public init(_ name: String, data: Message? = nil) {
        self.name = name
        self.data = data
    }
}

/// WebRTC with a stack of your own.
public struct OwnWebRTC: Sendable, Hashable {
    /// Ids of data channels (0 to 65534) that the app uses itself.
    public var exclude: [UInt16]
    /// Hand the signalling over to a data channel.
    public var handover = true
    /// Also the first version of the task, for old peers that know no other, with the largest message on a data channel in
    /// bytes; with 0, messages are not chunked.
    public var v0MaxPacketSize: UInt32?

    public init(exclude: [UInt16] = [], handover: Bool = true) {
        self.exclude = exclude
        self.handover = handover
    }
}

/// ORTC with a stack of your own: the library carries the parameters, capabilities and candidates of its objects, and hands
/// the signalling over to a data channel of the stack.
///
/// Messages are maps in the form of the specification of the task, with a "type": "ice-parameters", for example. They are
/// checked on both sides. One with the label "handover" is about a transport that the app makes for the signalling alone.
/// Candidates that follow each other closely arrive in one message.
public struct ORTC: Sendable, Hashable {
    /// Ids of data channels (0 to 65534) that the app uses itself.
    public var exclude: [UInt16]
    /// Hand the signalling over to a data channel.
    public var handover = true

    public init(exclude: [UInt16] = [], handover: Bool = true) {
        self.exclude = exclude
        self.handover = handover
    }
}

// MARK: - For the library

extension PeerTask {
    func add(to config: OpaquePointer) throws {
        switch self {
        case .relayedData: try call { saltyrtc_config_add_relayed_data_task(config, $0) }
        case .webRTC(let settings): try settings.add(to: config)
        case .custom(let task):
            guard let data = try task.data?.messagePack() else {
                return try call { saltyrtc_config_add_custom_task(config, task.name, nil, 0, $0) }
            }
            try data.withPointer { pointer, count in
                try call { saltyrtc_config_add_custom_task(config, task.name, pointer, count, $0) }
            }
        case .ownWebRTC(let settings):
            let exclude = settings.exclude
            try call { saltyrtc_config_add_webrtc_task(config, exclude, exclude.count, settings.handover, $0) }
            if let size = settings.v0MaxPacketSize {
                try call {
                    saltyrtc_config_add_webrtc_v0_task(config, exclude, exclude.count, settings.handover, size, $0)
                }
            }
        case .ortc(let settings):
            let exclude = settings.exclude
            try call { saltyrtc_config_add_ortc_task(config, exclude, exclude.count, settings.handover, $0) }
        }
    }

    static let relayedDataName = "v0.relayed-data.tasks.saltyrtc.org"
    static let ortcName = "v0.ortc.tasks.saltyrtc.org"
}

extension WebRTC {
    fileprivate func add(to config: OpaquePointer) throws {
        let handle = try makeHandle(free: saltyrtc_rtc_config_free) { saltyrtc_rtc_config_new($0, $1) }
        try withExtendedLifetime(handle) {
            let rtc = handle.pointer
            for server in iceServers {
                try call { saltyrtc_rtc_config_add_ice_server(rtc, server.url, server.username, server.password, $0) }
            }
            try call { saltyrtc_rtc_config_set_relay_only(rtc, relayOnly, $0) }
            if let size = maxMessageSize { try call { saltyrtc_rtc_config_set_max_message_size(rtc, size, $0) } }
            if let size = maxBuffered { try call { saltyrtc_rtc_config_set_max_buffered(rtc, size, $0) } }
            try call { saltyrtc_rtc_config_set_negotiated_ids(rtc, negotiatedIDs, negotiatedIDs.count, $0) }
            try call { saltyrtc_rtc_config_set_handover(rtc, handover, $0) }
            try call { saltyrtc_rtc_config_set_tasks(rtc, tasks.rawValue, $0) }
            try call { saltyrtc_rtc_config_set_dtls_role(rtc, dtlsRole.rawValue, $0) }
            for label in plainLabels {
                try label.withPointer { pointer, count in
                    try call { saltyrtc_rtc_config_add_plain_label(rtc, pointer, count, $0) }
                }
            }
            for address in addresses { try call { saltyrtc_rtc_config_add_address(rtc, address, $0) } }
            if let ports {
                try call { saltyrtc_rtc_config_set_ports(rtc, ports.lowerBound, ports.upperBound, $0) }
            }
            if let time = disconnectedTimeout?.milliseconds {
                try call { saltyrtc_rtc_config_set_disconnected_timeout(rtc, time, $0) }
            }
            if let time = unreachableTimeout?.milliseconds {
                try call { saltyrtc_rtc_config_set_unreachable_timeout(rtc, time, $0) }
            }
            if let time = setupTimeout?.milliseconds {
                try call { saltyrtc_rtc_config_set_setup_timeout(rtc, time, $0) }
            }
            try call { saltyrtc_config_add_rtc_task(config, rtc, $0) }
        }
    }
}
