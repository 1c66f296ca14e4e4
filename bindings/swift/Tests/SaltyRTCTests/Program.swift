import Foundation
import Testing

/// Where the C programs are, and the program for the other side in Swift.
enum Programs {
    static let c = URL(fileURLWithPath: ProcessInfo.processInfo.environment["SALTYRTC_TEST_PROGRAMS"] ?? "programs")
    static let peer = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appendingPathComponent("saltyrtc-test-peer")
}

/// A running program, with its output line by line. Killed when it goes away.
final class Program {
    private let process = Process()
    private let input = Pipe()
    private var lines: AsyncStream<String>.Iterator
    private let name: String
    private var seen: [String] = []
    private let ended: AsyncStream<Int32>

    convenience init(_ executable: URL, _ arguments: String...) throws { try self.init(executable, arguments) }

    init(_ executable: URL, _ arguments: [String]) throws {
        name = executable.lastPathComponent
        process.executableURL = executable
        process.arguments = arguments
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        let (lines, toLines) = AsyncStream.makeStream(of: String.self)
        self.lines = lines.makeAsyncIterator()
        let (ended, toEnded) = AsyncStream.makeStream(of: Int32.self)
        self.ended = ended
        process.terminationHandler = { process in
            toEnded.yield(process.terminationStatus)
            toEnded.finish()
        }
        try process.run()
        let handle = output.fileHandleForReading
        let descriptor = handle.fileDescriptor
        // A thread of its own: what waits for output must not hold up other tests.
        Thread.detachNewThread {
            withExtendedLifetime(handle) {
                var rest = [UInt8]()
                var bytes = [UInt8](repeating: 0, count: 1 << 16)
                while case let count = read(descriptor, &bytes, bytes.count), count > 0 {
                    rest += bytes[..<count]
                    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                        toLines.yield(String(decoding: rest[..<end], as: UTF8.self))
                        rest.removeSubrange(...end)
                    }
                }
                toLines.finish()
            }
        }
    }

    deinit { kill() }

    /// Waits for a line that has this text in it.
    func line(_ text: String = "", sourceLocation: SourceLocation = #_sourceLocation) async throws -> String {
        while let line = await lines.next() {
            seen.append(line)
            if text.isEmpty || line.contains(text) { return line }
        }
        struct NoLine: Error {}
        Issue.record("\(name) ended without a line with \"\(text)\": \(seen)", sourceLocation: sourceLocation)
        throw NoLine()
    }

    func type(_ text: String) throws { try input.fileHandleForWriting.write(contentsOf: Data(text.utf8)) }

    func endOfInput() throws { try input.fileHandleForWriting.close() }

    /// Waits for the end.
    func ends(with status: Int32 = 0, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        while let line = await lines.next() { seen.append(line) }
        for await found in ended {
            #expect(found == status, "\(name): \(seen)", sourceLocation: sourceLocation)
        }
    }

    func kill() {
        if process.isRunning { _ = Foundation.kill(process.processIdentifier, SIGKILL) }
    }
}
