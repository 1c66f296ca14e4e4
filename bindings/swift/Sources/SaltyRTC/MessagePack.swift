#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

// MessagePack, as far as messages need it: small enough to read, without a dependency.

extension Message {
    /// Deeper values are refused, so that a peer cannot make a program run out of stack.
    static let maxDepth = 64

    /// The message in MessagePack. Throws ``SaltyRTCError`` if it is nested too deeply.
    public func messagePack() throws -> Data {
        var out = Data()
        try write(to: &out, depth: 0)
        return out
    }

    /// From exactly one value in MessagePack. Throws ``SaltyRTCError`` if the bytes are not one.
    public init(messagePack data: Data) throws {
        self = try data.withUnsafeBytes { bytes in
            var reader = Reader(bytes: bytes)
            let message = try reader.message(depth: 0)
            guard reader.at == bytes.count else { throw bad("\(bytes.count - reader.at) bytes follow the value") }
            return message
        }
    }
}

private func bad(_ what: String) -> SaltyRTCError { SaltyRTCError(.badMsgpack, "no valid MessagePack: \(what)") }

// MARK: - Writing

/// The first byte of something with a size of 8, 16 or 32 bits, and of the short form: up to which size.
private struct Sized {
    let short: (first: UInt8, below: Int)?
    let first8: UInt8?
    let first16: UInt8

    static let text = Sized(short: (0xA0, 32), first8: 0xD9, first16: 0xDA)
    static let bytes = Sized(short: nil, first8: 0xC4, first16: 0xC5)
    static let array = Sized(short: (0x90, 16), first8: nil, first16: 0xDC)
    static let map = Sized(short: (0x80, 16), first8: nil, first16: 0xDE)
    static let ext = Sized(short: nil, first8: 0xC7, first16: 0xC8)

    func write(_ size: Int, to out: inout Data) throws {
        if let short, size < short.below {
            out.append(short.first | UInt8(size))
        } else if let first8, size <= UInt8.max {
            out.append(contentsOf: [first8, UInt8(size)])
        } else if let size = UInt16(exactly: size) {
            out.append(first16)
            out.append(bigEndian: size)
        } else if let size = UInt32(exactly: size) {
            // That of 32 bits always follows that of 16.
            out.append(first16 + 1)
            out.append(bigEndian: size)
        } else {
            throw bad("\(size) bytes or elements are too many")
        }
    }
}

extension Data {
    fileprivate mutating func append(bigEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }
}

extension Message {
    private func write(to out: inout Data, depth: Int) throws {
        guard depth <= Message.maxDepth else { throw bad("nested more than \(Message.maxDepth) deep") }
        switch self {
        case .null: out.append(0xC0)
        case .bool(let value): out.append(value ? 0xC3 : 0xC2)
        case .int(let value) where value >= 0: Message.write(UInt64(value), to: &out)
        case .int(let value): Message.write(negative: value, to: &out)
        case .uint(let value): Message.write(value, to: &out)
        case .double(let value):
            out.append(0xCB)
            out.append(bigEndian: value.bitPattern)
        case .text(let text):
            try Sized.text.write(text.utf8.count, to: &out)
            out.append(contentsOf: text.utf8)
        case .bytes(let data):
            try Sized.bytes.write(data.count, to: &out)
            out.append(data)
        case .array(let elements):
            try Sized.array.write(elements.count, to: &out)
            for element in elements { try element.write(to: &out, depth: depth + 1) }
        case .map(let entries):
            try Sized.map.write(entries.count, to: &out)
            for (key, value) in entries {
                try key.write(to: &out, depth: depth + 1)
                try value.write(to: &out, depth: depth + 1)
            }
        case .ext(let code, let data):
            if let fixed = [1: 0xD4, 2: 0xD5, 4: 0xD6, 8: 0xD7, 16: 0xD8][data.count] {
                out.append(UInt8(fixed))
            } else {
                try Sized.ext.write(data.count, to: &out)
            }
            out.append(UInt8(bitPattern: code))
            out.append(data)
        case .raw(let data): out.append(data)
        }
    }

    private static func write(_ value: UInt64, to out: inout Data) {
        if value < 0x80 {
            out.append(UInt8(value))
        } else if let value = UInt8(exactly: value) {
            out.append(contentsOf: [0xCC, value])
        } else if let value = UInt16(exactly: value) {
            out.append(0xCD)
            out.append(bigEndian: value)
        } else if let value = UInt32(exactly: value) {
            out.append(0xCE)
            out.append(bigEndian: value)
        } else {
            out.append(0xCF)
            out.append(bigEndian: value)
        }
    }

    private static func write(negative value: Int64, to out: inout Data) {
        if value >= -32 {
            out.append(UInt8(bitPattern: Int8(value)))
        } else if let value = Int8(exactly: value) {
            out.append(contentsOf: [0xD0, UInt8(bitPattern: value)])
        } else if let value = Int16(exactly: value) {
            out.append(0xD1)
            out.append(bigEndian: value)
        } else if let value = Int32(exactly: value) {
            out.append(0xD2)
            out.append(bigEndian: value)
        } else {
            out.append(0xD3)
            out.append(bigEndian: value)
        }
    }
}

// MARK: - Reading

private struct Reader {
    let bytes: UnsafeRawBufferPointer
    var at = 0

    mutating func take(_ size: Int) throws -> UnsafeRawBufferPointer {
        guard size <= bytes.count - at else { throw bad("it is cut off") }
        defer { at += size }
        return UnsafeRawBufferPointer(rebasing: bytes[at..<at + size])
    }

    mutating func number<Number: FixedWidthInteger>(_: Number.Type = Number.self) throws -> Number {
        Number(bigEndian: try take(MemoryLayout<Number>.size).loadUnaligned(as: Number.self))
    }

    /// The size of something whose first byte is the given one for 8 bits, and the next ones for 16 and 32.
    mutating func size(_ width: UInt8) throws -> Int {
        switch width {
        case 0: Int(try number(UInt8.self))
        case 1: Int(try number(UInt16.self))
        default: Int(try number(UInt32.self))
        }
    }

    mutating func message(depth: Int) throws -> Message {
        guard depth <= Message.maxDepth else { throw bad("nested more than \(Message.maxDepth) deep") }
        let first = try number(UInt8.self)
        switch first {
        case 0x00...0x7F: return .int(Int64(first))
        case 0x80...0x8F: return try map(Int(first & 0x0F), depth)
        case 0x90...0x9F: return try array(Int(first & 0x0F), depth)
        case 0xA0...0xBF: return .text(try text(Int(first & 0x1F)))
        case 0xC0: return .null
        case 0xC2: return .bool(false)
        case 0xC3: return .bool(true)
        case 0xC4...0xC6: return .bytes(Data(try take(size(first - 0xC4))))
        case 0xC7...0xC9: return try ext(size(first - 0xC7))
        case 0xCA: return .double(Double(Float(bitPattern: try number())))
        case 0xCB: return .double(Double(bitPattern: try number()))
        case 0xCC: return .int(Int64(try number(UInt8.self)))
        case 0xCD: return .int(Int64(try number(UInt16.self)))
        case 0xCE: return .int(Int64(try number(UInt32.self)))
        case 0xCF:
            let value: UInt64 = try number()
            return Int64(exactly: value).map { .int($0) } ?? .uint(value)
        case 0xD0: return .int(Int64(try number(Int8.self)))
        case 0xD1: return .int(Int64(try number(Int16.self)))
        case 0xD2: return .int(Int64(try number(Int32.self)))
        case 0xD3: return .int(try number())
        case 0xD4...0xD8: return try ext(1 << Int(first - 0xD4))
        case 0xD9...0xDB: return .text(try text(size(first - 0xD9)))
        case 0xDC, 0xDD: return try array(size(first - 0xDC + 1), depth)
        case 0xDE, 0xDF: return try map(size(first - 0xDE + 1), depth)
        case 0xE0...0xFF: return .int(Int64(Int8(bitPattern: first)))
        default: throw bad("0x\(String(first, radix: 16)) begins nothing")
        }
    }

    mutating func text(_ size: Int) throws -> String {
        let bytes = try take(size)
        // Not `String(validating:as:)`, which needs iOS 18.
        guard let text = String(bytes: bytes, encoding: .utf8) else { throw bad("a text is not UTF-8") }
        return text
    }

    mutating func ext(_ size: Int) throws -> Message {
        let code: Int8 = try number()
        return .ext(code: code, data: Data(try take(size)))
    }

    /// A number of values is a claim, for which nothing may be reserved before it is seen to be possible.
    func claims(_ values: Int) throws {
        guard values <= bytes.count - at else { throw bad("it is cut off") }
    }

    mutating func array(_ count: Int, _ depth: Int) throws -> Message {
        try claims(count)
        var elements: [Message] = []
        elements.reserveCapacity(count)
        for _ in 0..<count { elements.append(try message(depth: depth + 1)) }
        return .array(elements)
    }

    mutating func map(_ count: Int, _ depth: Int) throws -> Message {
        try claims(2 * count)
        var entries: [Message: Message] = [:]
        entries.reserveCapacity(count)
        for _ in 0..<count {
            let key = try message(depth: depth + 1)
            entries[key] = try message(depth: depth + 1)
        }
        return .map(entries)
    }
}
