import Foundation
import SaltyRTC

// What the example needs of a WebRTC stack, in the shape of the WebRTC framework of iOS: an app has a class that holds an
// RTCPeerConnection, is its delegate, and passes on what it is told.
//
// | here | in the framework |
// |---|---|
// | offer(), answer() | offer(for:), answer(for:), with constraints |
// | Description, Candidate | RTCSessionDescription, RTCIceCandidate |
// | generatedCandidates | peerConnection(_:didGenerate:); it ends with peerConnection(_:didChange:) and .complete |
// | sendData(_:) | sendData(_:), with RTCDataBuffer(data:isBinary: true) |
// | changes | dataChannelDidChangeState(_:), dataChannel(_:didReceiveMessageWith:) |

/// As `RTCDataChannelConfiguration`.
public struct DataChannelConfiguration: Sendable {
    public var channelId: UInt16
    public var subprotocol: String
    public var isOrdered = true
    public var isNegotiated = true
}

/// As `RTCPeerConnection`.
public protocol PeerConnection: AnyObject, Sendable {
    func offer() async throws -> Description
    func answer() async throws -> Description
    func setLocalDescription(_ description: Description) async throws
    func setRemoteDescription(_ description: Description) async throws
    func add(_ candidate: Candidate) async throws
    func dataChannel(forLabel label: String, configuration: DataChannelConfiguration) throws -> any DataChannel
    func close()

    /// What `peerConnection(_:didGenerate:)` gets. Ends when there are no more.
    var generatedCandidates: AsyncStream<Candidate> { get }
}

/// As `RTCDataChannel`.
public protocol DataChannel: AnyObject, Sendable {
    /// Queues a binary message; false if the channel is not open or its buffer is full.
    func sendData(_ data: Data) -> Bool
    func close()

    /// What the delegate is told.
    var changes: AsyncStream<DataChannelChange> { get }
}

public enum DataChannelChange: Sendable {
    case open
    case message(Data)
    case closed
}
