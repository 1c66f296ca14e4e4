import CSaltyRTC

/// A message of the library for the log. It never contains secrets, or what peers send.
public struct LogMessage: Sendable, Hashable {
    /// How important it is.
    public let level: LogLevel
    /// The part of the library that logs.
    public let target: String
    /// What it has to say, in English.
    public let text: String
    /// How many messages before this one were dropped, because too many waited.
    public let dropped: UInt64

    init(_ record: Record) {
        let fields = record.fields
        level = LogLevel(rawValue: fields.log_level)
        target = record.text(fields.log_target_offset, fields.log_target_len) ?? ""
        text = record.text(fields.text_offset, fields.text_len) ?? ""
        dropped = fields.dropped
    }
}

extension Library {
    /// Has messages of this level, and of more important ones, passed to a function: to an `os.Logger`, for example. It
    /// replaces what was set before; ``LogLevel/off`` ends it.
    ///
    /// The function is called on the thread that takes the events of all clients, so it must not wait. While 1,024
    /// messages wait for it, others are dropped, and the next one says how many.
    public static func setLog(_ level: LogLevel, _ handler: (@Sendable (LogMessage) -> Void)? = nil) throws {
        let loop = try EventLoop.shared()
        loop.setLog(handler)
        let level = handler == nil ? LogLevel.off : level
        try call { saltyrtc_queue_set_log(loop.queue.pointer, level.rawValue, 1024, $0) }
    }
}
