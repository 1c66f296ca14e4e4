/// An enumeration of the library. Later versions may have more values, which are `unknown` to this one.
public protocol OpenEnum: RawRepresentable<Int32>, Hashable, Sendable {
    init(rawValue: Int32)
}

extension Status: CustomStringConvertible {}

extension LogLevel: Comparable {
    public static func < (one: LogLevel, other: LogLevel) -> Bool { one.rawValue < other.rawValue }
}
