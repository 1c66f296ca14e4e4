import CSaltyRTC

/// Why something did not work: what happened, and what to do about it.
///
/// What is thrown besides is only `CancellationError`, by what waits in a task that was cancelled.
public struct SaltyRTCError: Error, Sendable, Hashable {
    /// Whose fault it is, in short.
    public enum Kind: Sendable, Hashable {
        /// A value that the library does not take.
        case invalidArgument
        /// What the client cannot do at the moment, or not any more: there is no peer, the channel is closed …
        case notPossible
        /// Too much waits to be sent; only from functions that do not wait.
        case queueFull
        /// The network, or the server.
        case connectionFailed
        /// The peer: it left, it could not be authenticated, it broke the protocol.
        case peerFailed
        /// The embedded server.
        case serverFailed
        /// A bug in the library: please report the text.
        case internalError
        /// Something that later versions of the library report.
        case unknown
    }

    /// What it is, as a number with a name.
    public let status: Status
    /// What happened and what to do about it, in English. Never contains secrets.
    public let text: String
    /// The close code of WebSocket or SaltyRTC (1000 to 4999), if a connection ended with one.
    public let closeCode: UInt16?
    /// Who ended the connection, if that is what happened.
    public let closedBy: ClosedBy?
    /// Whether, and when, the same may succeed with a new client, if this is why one has ended.
    public var retry: Retry { Retry(rawValue: saltyrtc_status_retry(status.rawValue).rawValue) }

    /// Whose fault it is, in short.
    public var kind: Kind {
        switch status {
        case .queueFull: .queueFull
        case .panic: .internalError
        case .forked, .notBuilt, .outOfResources, .wouldDeadlock: .notPossible
        default:
            switch status.rawValue {
            case -99 ... -1: .invalidArgument
            case -199 ... -100: .notPossible
            case -299 ... -200: .connectionFailed
            case -399 ... -300: .peerFailed
            case -499 ... -400: .serverFailed
            default: .unknown
            }
        }
    }

    init(
        _ status: Status, _ text: String? = nil, closeCode: UInt16? = nil, closedBy: ClosedBy? = nil
    ) {
        self.status = status
        self.text = text ?? status.description
        self.closeCode = closeCode
        self.closedBy = closedBy
    }

    /// Takes over an error of the library.
    init(_ status: saltyrtc_status, taking error: OpaquePointer?) {
        let text = String(cString: saltyrtc_error_message(error))
        saltyrtc_error_free(error)
        self.init(Status(rawValue: status.rawValue), text)
    }
}

extension SaltyRTCError: CustomStringConvertible {
    public var description: String {
        let code = closeCode.map { ", \($0)" } ?? ""
        return "\(text) (\(status)\(code))"
    }
}
