import CSaltyRTC

// Channels of the built-in WebRTC, and the connection below them.

extension Peer {
    /// Opens a channel, and waits until messages can be sent on it. Needs ``PeerTask/webRTC(_:)``.
    ///
    /// - `isPlain`: messages are encrypted by WebRTC only, and not also with the keys of the two peers; both have to say so.
    /// - `negotiatedID`: both peers open the channel themselves, with this id.
    ///
    /// If the task is cancelled, the channel is closed.
    public func openChannel(
        _ label: String = "", subprotocol: String = "", reliability: Reliability = .reliable, isOrdered: Bool = true,
        isPlain: Bool = false, negotiatedID: UInt16? = nil
    ) async throws -> Channel {
        let handle = try _core.client.require()
        let channel = try _core.openChannel(handle, label, subprotocol) { options in
            switch reliability {
            case .reliable: break
            case .maxRetransmits(let limit):
                options.reliability = saltyrtc_reliability.SALTYRTC_RELIABILITY_MAX_RETRANSMITS.rawValue
                options.reliability_limit = UInt32(limit)
            case .maxLifetime(let limit):
                options.reliability = saltyrtc_reliability.SALTYRTC_RELIABILITY_MAX_LIFETIME.rawValue
                options.reliability_limit = limit.milliseconds
            }
            options.unordered = !isOrdered
            options.plain = isPlain
            options.negotiated = negotiatedID != nil
            options.id = negotiatedID ?? 0
        }
        do {
            try await channel.waitUntilOpen()
        } catch {
            channel.close()
            throw error
        }
        return Channel(_core, channel)
    }

    /// The next channel that the peer opens. Throws ``SaltyRTCError`` when there are no more.
    public func acceptChannel() async throws -> Channel {
        try _core.requireChannels()
        guard let channel = try await _core.incoming.next() else {
            throw SaltyRTCError(.closed, "the connection is closed: there are no more channels")
        }
        return Channel(_core, channel)
    }

    /// The channels that the peer opens, until the end of the connection.
    public var channels: Channels { Channels(peer: _core) }

    /// The state of the connection to the peer.
    public var connectionState: ConnectionState { _core.state.withLock { $0.connectionState } }

    /// Waits until the connection to the peer is in one of these states. Throws ``SaltyRTCError`` if the client ends.
    @discardableResult
    public func connectionState(in states: ConnectionState...) async throws -> ConnectionState {
        let core = _core
        return try await until(core.changed) {
            let state = core.state.withLock { $0.connectionState }
            if states.contains(state) { return state }
            if let ended = core.client.ended { throw ended }
            try core.client.requireStarted()
            try core.requireChannels()
            return nil
        }
    }

    /// Statistics of the connection to the peer.
    public func stats() throws -> ConnectionStats {
        let handle = try _core.client.require()
        var stats = saltyrtc_rtc_stats()
        stats.struct_size = MemoryLayout<saltyrtc_rtc_stats>.size
        try call { saltyrtc_client_rtc_stats(handle.pointer, &stats, $0) }
        return ConnectionStats(stats)
    }

    /// Initiator: looks for a new path to the peer. That happens by itself when addresses of this device change.
    public func restartICE() throws {
        let handle = try _core.client.require()
        try call { saltyrtc_client_restart_ice(handle.pointer, $0) }
    }

    /// Uses these addresses of this device for the connection to the peer and no others; all if empty.
    public func setAddresses(_ addresses: [String]) throws {
        let handle = try _core.client.require()
        try call { saltyrtc_client_set_addresses(handle.pointer, addresses.joined(separator: ","), $0) }
    }

    /// Waits until the signalling was handed over, by the built-in WebRTC or with ``handOver(maxMessageSize:send:close:)``.
    public func handedOver() async throws {
        let core = _core
        try await until(core.changed) {
            let (handedOver, session) = core.state.withLock { ($0.handedOver, $0.session) }
            if handedOver { return () }
            if let ended = core.client.ended { throw ended }
            try core.client.requireStarted()
            if session != nil, !core.client.route.hasDataChannels {
                throw SaltyRTCError(.noHandover, "the task that was agreed on has no data channels")
            }
            return nil
        }
    }
}

extension _PeerCore {
    /// Nobody waits for what only the built-in WebRTC brings, if it is not there.
    func requireChannels() throws {
        let isPossible =
            if state.withLock({ $0.session != nil }) {
                client.route == .channels
            } else {
                options.tasks.contains { if case .webRTC = $0 { true } else { false } }
            }
        if !isPossible, client.ended == nil {
            throw SaltyRTCError(
                .noRtc, "the two clients have not agreed on the built-in WebRTC: give both the task .webRTC()")
        }
    }

    fileprivate func openChannel(
        _ handle: Handle, _ label: String, _ subprotocol: String, _ set: (inout saltyrtc_channel_options) -> Void
    ) throws -> ChannelCore {
        try label.withPointer { label, labelCount in
            try subprotocol.withPointer { subprotocol, subprotocolCount in
                var options = saltyrtc_channel_options()
                options.struct_size = MemoryLayout<saltyrtc_channel_options>.size
                // With a length of 0, a text would end with a NUL.
                options.label = labelCount == 0 ? nil : label
                options.label_len = labelCount
                options.protocol = subprotocolCount == 0 ? nil : subprotocol
                options.protocol_len = subprotocolCount
                set(&options)
                // With the lock: its events find it.
                return try state.withLock { state in
                    var number: UInt32 = 0
                    try call { saltyrtc_client_open_channel(handle.pointer, &options, &number, $0) }
                    let channel = ChannelCore(client, number)
                    state.channels[number] = channel
                    return channel
                }
            }
        }
    }
}
