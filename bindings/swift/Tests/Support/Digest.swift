import Foundation

/// Bytes that do not repeat.
public func randomBytes(_ count: Int) throws -> Data {
    let source = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/dev/urandom"))
    var data = Data()
    while data.count < count { data.append(try source.read(upToCount: count - data.count) ?? Data()) }
    return data
}

/// SHA-256, by a program that is everywhere: fast in a build without optimisation too.
public final class Digest {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    public init() throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["sha256sum"]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    public func update(_ data: Data) throws { try input.fileHandleForWriting.write(contentsOf: data) }

    /// 64 hexadecimal digits.
    public func hex() throws -> String {
        try input.fileHandleForWriting.close()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        return String(text.prefix(64))
    }
}
