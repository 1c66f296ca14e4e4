import CSaltyRTC

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Application messages, which do not belong to the task.
public struct Application: Sendable {
    let core: _PeerCore

    /// Sends a message; waits while too much waits to be sent. If it throws, nothing was sent.
    public func send(_ message: Message) async throws {
        try await until(core.writable) { try core.trySendApplication(message) ? () : nil }
    }

    /// Sends a text.
    public func send(_ text: String) async throws { try await send(.text(text)) }

    /// Sends bytes.
    public func send(_ data: Data) async throws { try await send(.bytes(data)) }

    /// The next application message. Throws ``SaltyRTCError`` when there are no more.
    public func receive() async throws -> Message { try await core.receive(core.application) }

    /// What the peer has sent as application messages.
    public var messages: Messages { Messages(core, core.application) }
}

extension _PeerCore {
    func receive(_ inbox: Inbox<Message>) async throws -> Message {
        guard let message = try await inbox.next() else {
            throw SaltyRTCError(.closed, "the connection is closed: there are no more messages")
        }
        return message
    }

    /// False if there is no room for it now.
    func trySend(_ message: Message) throws -> Bool {
        let (handle, route) = try client.requireRoute()
        switch route {
        case .relayedData: return try sendRelayed(message, handle)
        case .custom:
            return try message.messagePack().withPointer { pointer, count in
                try attempt { saltyrtc_client_send_task_message(handle.pointer, pointer, count, $0) }
            }
        case .ortc:
            return try message.messagePack().withPointer { pointer, count in
                try attempt { saltyrtc_client_send_ortc_message(handle.pointer, pointer, count, $0) }
            }
        case .signals:
            throw SaltyRTCError(.otherTask, "the two clients have agreed on WebRTC of the app: send descriptions and candidates")
        case .channels:
            throw SaltyRTCError(
                .otherTask,
                "the two clients have agreed on the built-in WebRTC: send on a channel (openChannel), or an application "
                    + "message (application.send)")
        }
    }

    private func sendRelayed(_ message: Message, _ handle: Handle) throws -> Bool {
        switch message {
        case .bytes(let data):
            try data.withPointer { pointer, count in
                try attempt { saltyrtc_client_send_bytes(handle.pointer, pointer, count, $0) }
            }
        case .text(let text):
            try text.withPointer { pointer, count in
                try attempt { saltyrtc_client_send_text(handle.pointer, pointer, count, $0) }
            }
        default:
            try message.messagePack().withPointer { pointer, count in
                try attempt { saltyrtc_client_send_msgpack(handle.pointer, pointer, count, $0) }
            }
        }
    }

    func trySendApplication(_ message: Message) throws -> Bool {
        let handle = try client.require()
        switch message {
        case .bytes(let data):
            return try data.withPointer { pointer, count in
                try attempt { saltyrtc_client_send_application_bytes(handle.pointer, pointer, count, $0) }
            }
        case .text(let text):
            return try text.withPointer { pointer, count in
                try attempt { saltyrtc_client_send_application_text(handle.pointer, pointer, count, $0) }
            }
        default:
            return try message.messagePack().withPointer { pointer, count in
                try attempt { saltyrtc_client_send_application_msgpack(handle.pointer, pointer, count, $0) }
            }
        }
    }

    /// `nil` if there is no connection.
    var bufferedAmount: Int? {
        guard let handle = client.handle else { return nil }
        var amount = 0
        return saltyrtc_client_buffered_amount(handle.pointer, &amount, nil) == .SALTYRTC_STATUS_OK ? amount : nil
    }

    func setLowWater(_ amount: Int) throws {
        guard let handle = client.handle else { return }
        try call { saltyrtc_client_set_low_water(handle.pointer, amount, $0) }
    }
}
