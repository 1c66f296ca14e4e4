import CSaltyRTC

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An event in a buffer of the library, which is valid while it is given out.
struct Record {
    let buffer: UnsafeRawPointer
    let pointer: UnsafePointer<saltyrtc_record>

    var fields: saltyrtc_record {
        @inline(__always) get { pointer.pointee }
    }

    func data(_ offset: UInt32, _ size: UInt32) -> Data {
        offset == 0 ? Data() : Data(bytes: buffer + Int(offset), count: Int(size))
    }

    func text(_ offset: UInt32, _ size: UInt32) -> String? {
        guard offset != 0 else { return nil }
        return String(decoding: UnsafeRawBufferPointer(start: buffer + Int(offset), count: Int(size)), as: UTF8.self)
    }

    var contentSize: Int { Int(pointer.pointee.data_len) }

    /// The content. Without `decode`, what is neither bytes nor a text stays as it is.
    func message(decode: Bool) -> Message {
        let offset = pointer.pointee.data_offset
        let size = pointer.pointee.data_len
        switch pointer.pointee.payload {
        case saltyrtc_payload.SALTYRTC_PAYLOAD_BYTES.rawValue: return .bytes(data(offset, size))
        case saltyrtc_payload.SALTYRTC_PAYLOAD_TEXT.rawValue: return .text(text(offset, size) ?? "")
        default:
            let data = data(offset, size)
            return decode ? (try? Message(messagePack: data)) ?? .raw(data) : .raw(data)
        }
    }

    /// What the peer's task has to say with the handshake.
    var taskData: Message? {
        guard fields.payload == saltyrtc_payload.SALTYRTC_PAYLOAD_MSGPACK.rawValue else { return nil }
        let data = message(decode: true)
        return data == .null ? nil : data
    }

    /// The candidates of the peer, with the size of each.
    var candidates: [(element: Signal, size: Int)] {
        let first = (buffer + Int(fields.candidates_offset)).assumingMemoryBound(to: saltyrtc_record_candidate.self)
        return UnsafeBufferPointer(start: first, count: Int(fields.candidates_len)).map { it in
            let index = it.sdp_m_line_index < 0 ? nil : UInt16(truncatingIfNeeded: it.sdp_m_line_index)
            let candidate = Candidate(
                text(it.candidate_offset, it.candidate_len), sdpMid: text(it.sdp_mid_offset, it.sdp_mid_len),
                sdpMLineIndex: index, usernameFragment: text(it.username_fragment_offset, it.username_fragment_len))
            return (.candidate(candidate), Int(it.candidate_len))
        }
    }
}

/// Events in a buffer that are of the same client.
struct Records: Sequence {
    let buffer: UnsafeRawPointer
    let stride: Int
    let range: Range<Int>

    func makeIterator() -> AnyIterator<Record> {
        var indices = range.makeIterator()
        return AnyIterator { indices.next().map { self[$0] } }
    }

    @inline(__always)
    subscript(index: Int) -> Record {
        Record(
            buffer: buffer, pointer: (buffer + index * stride).assumingMemoryBound(to: saltyrtc_record.self))
    }
}

/// How long the delivery of a message on a channel is attempted.
public enum Reliability: Sendable, Hashable {
    /// Until it has arrived.
    case reliable
    /// It is retransmitted so many times, at most.
    case maxRetransmits(UInt16)
    /// It is retransmitted for this time. Whole milliseconds up to 65,535 count.
    case maxLifetime(Duration)

    init(_ fields: saltyrtc_record) {
        switch fields.reliability {
        case saltyrtc_reliability.SALTYRTC_RELIABILITY_MAX_RETRANSMITS.rawValue:
            self = .maxRetransmits(UInt16(truncatingIfNeeded: fields.reliability_limit))
        case saltyrtc_reliability.SALTYRTC_RELIABILITY_MAX_LIFETIME.rawValue: self = .maxLifetime(.milliseconds(fields.reliability_limit))
        default: self = .reliable
        }
    }
}
