import CSaltyRTC

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Splits messages into chunks, for data channels that limit the size of a message. Each channel needs its own.
public final class Chunker: Sendable {
    // Chunks of two messages must not get mixed up.
    private let handle: Locked<Handle>

    public init(_ mode: ChunkingMode = .unreliableUnordered) throws {
        try Library.check()
        handle = Locked(try makeHandle(free: saltyrtc_chunker_free) { saltyrtc_chunker_new(mode.rawValue, $0, $1) })
    }

    /// The chunks of a message, which must not be empty, of at most `chunkSize` bytes each (at least 10).
    public func split(_ message: Data, chunkSize: Int) throws -> [Data] {
        try handle.withLock { handle in
            try message.withPointer { pointer, count in
                try call { saltyrtc_chunker_add(handle.pointer, pointer, count, chunkSize, $0) }
            }
            var chunks: [Data] = []
            while true {
                let chunk = try readData(sizeHint: chunkSize) {
                    saltyrtc_chunker_next(handle.pointer, $0, $1, $2, $3)
                }
                if chunk.isEmpty { return chunks }
                chunks.append(chunk)
            }
        }
    }
}

/// Puts messages together again. Each channel needs its own.
public final class Unchunker: Sendable {
    private let handle: Locked<Handle>

    /// The limits are for the memory that a peer can make it use.
    ///
    /// - `maxMessageSize`, `maxTotalSize`: of a message, and of all incomplete messages, in bytes.
    /// - `maxAge`: a message that gets no new chunk for so long is thrown away.
    /// - `remembered`: how many complete messages are remembered, if the transport duplicates.
    public init(
        _ mode: ChunkingMode = .unreliableUnordered, maxMessageSize: Int = 1 << 24, maxTotalSize: Int = 1 << 26,
        maxAge: Duration = .seconds(60), remembered: UInt32 = 0
    ) throws {
        try Library.check()
        handle = Locked(
            try makeHandle(free: saltyrtc_unchunker_free) {
                saltyrtc_unchunker_new(
                    mode.rawValue, maxMessageSize, maxTotalSize, maxAge.milliseconds, remembered, $0, $1)
            })
    }

    /// Adds a chunk; returns the message if that completes one. Throws if the chunk is none.
    public func add(_ chunk: Data) throws -> Data? {
        try handle.withLock { handle in
            var size = 0
            try chunk.withPointer { pointer, count in
                try call { saltyrtc_unchunker_add(handle.pointer, pointer, count, &size, $0) }
            }
            if size == 0 { return nil }
            return try readData(sizeHint: size) { saltyrtc_unchunker_next(handle.pointer, $0, $1, $2, $3) }
        }
    }

    /// Throws away messages that are too old; returns how many were thrown away so far, for any reason.
    @discardableResult
    public func expire() throws -> UInt64 {
        try handle.withLock { handle in
            var givenUp: UInt64 = 0
            try call { saltyrtc_unchunker_expire(handle.pointer, &givenUp, $0) }
            return givenUp
        }
    }
}
