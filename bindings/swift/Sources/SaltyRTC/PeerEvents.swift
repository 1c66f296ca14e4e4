import CSaltyRTC

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

// What a client does with its events, on the thread of the event loop.

extension _PeerCore: EventTarget {
    func take(_ records: Records) {
        // Messages that follow each other get into their inbox together.
        var inbox: Inbox<Message>?
        var channel: UInt32 = 0
        var batch: [(element: Message, size: Int)] = []
        func flush() {
            if !batch.isEmpty { inbox?.put(batch) }
            batch.removeAll(keepingCapacity: true)
        }
        let isClosing = state.withLock { $0.isClosing }
        for index in records.range {
            let record = records[index]
            let target: Inbox<Message>?
            switch record.pointer.pointee.kind {
            case EventKind.data, EventKind.taskMessage, EventKind.ortcMessage, EventKind.iceParameters,
                EventKind.iceCandidates, EventKind.dtlsParameters, EventKind.sctpCapabilities,
                EventKind.dataChannelParameters:
                target = messages
            case EventKind.application: target = application
            case EventKind.channelMessage:
                let number = record.pointer.pointee.channel
                if inbox != nil, channel == number {
                    target = inbox
                } else {
                    target = state.withLock { $0.channels[number]?.inbox }
                }
                channel = number
            default:
                flush()
                inbox = nil
                takeOther(record)
                continue
            }
            if isClosing { continue }
            if target !== inbox {
                flush()
                inbox = target
            }
            batch.append((record.message(decode: options.decodesMessages), record.contentSize))
        }
        flush()
    }

    private func takeOther(_ record: Record) {
        let event = record.event
        if let event {
            // The last event comes before the end of those who watch.
            for watcher in watchers { watcher.put(event, size: 0) }
            take(event)
        } else {
            takeContent(record)
        }
    }

    private func take(_ event: Event) {
        switch event {
        case .serverHandshakeDone(let address, _, let serverVerified):
            state.withLock { state in
                state.ownAddress = address
                state.serverVerified = serverVerified
            }
            changed.fire()
        case .peerHandshakeDone(let address, let peerKey, let task, let taskData):
            client.route = Route(task: task, options.tasks)
            state.withLock { state in
                state.session = Session(peerKey: peerKey, address: address, task: task, taskData: taskData)
                state.handedOver = false
                state.connectionState = .new
            }
            changed.fire()
            writable.fire()
        case .peerLeft:
            state.withLock { $0.session = nil }
            endChannels(SaltyRTCError(.channelNotOpen, "the peer left"))
            changed.fire()
            writable.fire()
        case .closed(let status, let text, let closedBy, let closeCode, _):
            end(SaltyRTCError(status == .ok ? .closed : status, text, closeCode: closeCode, closedBy: closedBy))
        case .handedOver:
            state.withLock { $0.handedOver = true }
            changed.fire()
        case .connectionState(let connectionState, _, _):
            state.withLock { $0.connectionState = connectionState }
            if connectionState == .closed {
                endChannels(SaltyRTCError(.channelNotOpen, "the connection to the peer has ended"))
            }
            changed.fire()
        case .channelOpened(let number, let label, let subprotocol, _, _, _, let openedByPeer):
            let opened = ChannelCore.Opened(label: label, subprotocol: subprotocol, openedByPeer: openedByPeer)
            let (channel, isNew) = state.withLock { state -> (ChannelCore, Bool) in
                if let channel = state.channels[number] { return (channel, false) }
                let channel = ChannelCore(client, number)
                state.channels[number] = channel
                return (channel, true)
            }
            channel.open(opened)
            if isNew { incoming.put(channel, size: 0) }
        case .channelClosed(let number, let status, let text):
            let channel = state.withLock { $0.channels.removeValue(forKey: number) }
            channel?.end(status == .ok ? nil : SaltyRTCError(status, text))
        default: break
        }
    }

    private func takeContent(_ record: Record) {
        let fields = record.fields
        switch fields.kind {
        case EventKind.writable: writable.fire()
        case EventKind.lowWater: lowWater.wasReached()
        case EventKind.channelLowWater:
            state.withLock { $0.channels[fields.channel] }?.lowWater.wasReached()
        case EventKind.offer, EventKind.answer:
            let type = record.text(fields.sdp_type_offset, fields.sdp_type_len) ?? ""
            let description = Description(type, sdp: record.text(fields.sdp_offset, fields.sdp_len))
            signals.put(.description(description), size: Int(fields.sdp_len))
        case EventKind.candidates: signals.put(record.candidates)
        case EventKind.transportSend:
            guard let transport = state.withLock({ $0.transport }) else { return }
            do {
                try transport.send(record.data(fields.data_offset, fields.data_len))
            } catch {
                transportClosed()
            }
        case EventKind.transportClose: state.withLock { $0.transport }?.close()
        default: break
        }
    }

    func transportClosed() {
        if let handle = client.handle { _ = saltyrtc_client_transport_closed(handle.pointer, nil) }
    }
}

extension Route {
    /// What `send` does with a task.
    init(task: String, _ tasks: [PeerTask]) {
        if task == PeerTask.relayedDataName {
            self = .relayedData
        } else if task == PeerTask.ortcName, tasks.contains(where: { if case .ortc = $0 { true } else { false } }) {
            self = .ortc
        } else if tasks.contains(where: { if case .custom(let custom) = $0 { custom.name == task } else { false } }) {
            self = .custom
        } else if tasks.contains(where: { if case .ownWebRTC = $0 { true } else { false } }) {
            self = .signals
        } else {
            self = .channels
        }
    }
}
