#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What peers send each other: a value of MessagePack, of which bytes and texts are the most usual ones.
///
/// Literals become messages: `try await peer.send("Hello")`, `try await peer.send(["from": "e2", "to": "e4"])`.
public enum Message: Sendable, Hashable {
    case bytes(Data)
    case text(String)
    case null
    case bool(Bool)
    /// A whole number from `Int64.min` to `Int64.max`.
    case int(Int64)
    /// A whole number that is larger than `Int64.max`; smaller ones arrive as `int`.
    case uint(UInt64)
    case double(Double)
    case array([Message])
    case map([Message: Message])
    /// A value of an extension type; codes below 0 are the specification's.
    case ext(code: Int8, data: Data)
    /// A value of MessagePack, serialised. It is sent as it is; received is one that has no other form here, or, with
    /// ``ClientOptions/decodesMessages`` off, each that is neither bytes nor a text.
    case raw(Data)
}

extension Message {
    /// The bytes, if the message is bytes.
    public var bytes: Data? { if case .bytes(let data) = self { data } else { nil } }
    /// The text, if the message is one.
    public var text: String? { if case .text(let text) = self { text } else { nil } }
    /// The truth value, if the message is one.
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    /// The whole number, if the message is one that fits.
    public var int: Int? {
        switch self {
        case .int(let value): Int(exactly: value)
        case .uint(let value): Int(exactly: value)
        default: nil
        }
    }
    /// The number, if the message is one.
    public var double: Double? {
        switch self {
        case .double(let value): value
        case .int(let value): Double(value)
        case .uint(let value): Double(value)
        default: nil
        }
    }
    /// The elements, if the message is an array.
    public var array: [Message]? { if case .array(let elements) = self { elements } else { nil } }
    /// The entries, if the message is a map.
    public var map: [Message: Message]? { if case .map(let entries) = self { entries } else { nil } }

    /// The value under a key, if the message is a map and has it.
    public subscript(key: Message) -> Message? { map?[key] }
}

extension Message: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral text: String) { self = .text(text) }
    public init(integerLiteral value: Int64) { self = .int(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(nilLiteral: ()) { self = .null }
    public init(arrayLiteral elements: Message...) { self = .array(elements) }
    /// The last one of several entries with the same key counts.
    public init(dictionaryLiteral entries: (Message, Message)...) {
        self = .map(Dictionary(entries, uniquingKeysWith: { $1 }))
    }
}
