import Foundation
import SaltyRTC

/// WebRTC with a stack of your own: negotiates a connection between two peers whose task is `.ownWebRTC()`, and hands the
/// signalling over to a data channel of it, so that the server is not needed any more.
///
/// Data channels of the app itself are opened on the connection as always; `SecureChannel` encrypts what goes over them, so
/// that not even somebody who has broken the DTLS of the connection can read it.
public struct Negotiation: Sendable {
    let peer: any Peer
    let connection: any PeerConnection

    public init(_ peer: any Peer, over connection: any PeerConnection) {
        self.peer = peer
        self.connection = connection
    }

    /// Negotiates, and carries the signalling. Returns when the signalling has ended; `peer.handedOver()` returns as soon
    /// as the server is not needed any more.
    public func run() async throws {
        try await peer.connected()
        // Before the offer, so that it is in there.
        let how = try peer.signallingChannel()
        let channel = try connection.dataChannel(
            forLabel: how.label,
            configuration: DataChannelConfiguration(channelId: how.id, subprotocol: how.subprotocol))
        defer { connection.close() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sendCandidates() }
            group.addTask { try await carry(over: channel) }
            if peer is Initiator {
                let offer = try await connection.offer()
                try await connection.setLocalDescription(offer)
                try await peer.send(offer)
            }
            try await takeSignals()
            group.cancelAll()
        }
    }

    private func sendCandidates() async throws {
        for await candidate in connection.generatedCandidates { try await peer.send(candidate) }
        // There are no more.
        try await peer.send(Candidate(nil))
    }

    /// What the peer's stack has to say, until the signalling ends.
    private func takeSignals() async throws {
        for try await signal in peer.signals {
            switch signal {
            case .description(let description):
                try await connection.setRemoteDescription(description)
                guard description.type == "offer" else { continue }
                let answer = try await connection.answer()
                try await connection.setLocalDescription(answer)
                try await peer.send(answer)
            case .candidate(let candidate) where candidate.candidate?.isEmpty == false:
                try await connection.add(candidate)
            case .candidate: break
            }
        }
    }

    /// The signalling, on its data channel.
    private func carry(over channel: any DataChannel) async throws {
        for await change in channel.changes {
            switch change {
            case .open:
                try peer.handOver(
                    maxMessageSize: 0,
                    send: { data in
                        struct NotSent: Error {}
                        guard channel.sendData(data) else { throw NotSent() }
                    },
                    close: { channel.close() })
            case .message(let data): peer.transportReceive(data)
            case .closed: peer.transportClosed()
            }
        }
    }
}
