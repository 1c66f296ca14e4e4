import CTestSupport
import Foundation
import SaltyRTC

/// A thousand clients in one process that may have 1,024 descriptors. Reads a line with the URL and key of a server, and
/// writes one line for each client with its invitation; says what it has.
enum Crowd {
    static func run(count: Int, rounds: Int) async throws {
        var limit = rlimit(rlim_cur: 1024, rlim_max: 1024)
        guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { fatalError("setrlimit") }
        let line = readLine()!.split(separator: " ").map(String.init)
        let key = try PublicKey(hex: line[1])
        let before = entries("/proc/self/fd")
        var sizes: [Int] = []
        for _ in 0..<rounds {
            try await round(server: line[0], key, count, before)
            // Not what the process has of the system, which keeps what it may need again.
            sizes.append(allocated_bytes())
        }
        // The runtime of the library keeps a few.
        precondition(entries("/proc/self/fd") < before + 16, "descriptors are left")
        say("sizes " + sizes.map(String.init).joined(separator: " "))
    }

    /// Connects them all, has each say something to its peer and hear the answer, and closes them.
    private static func round(server: String, _ key: PublicKey, _ count: Int, _ before: Int) async throws {
        let peers = try (0..<count).map { _ in try Initiator(server: server, options: ClientOptions(serverKey: key)) }
        for peer in peers { try peer.start() }
        for peer in peers { say(peer.invitation.uri) }
        for peer in peers { try await peer.connected() }
        let most = entries("/proc/self/fd")
        precondition(count < most && most < count + 24, "\(most) descriptors")
        // Those of the library, this one, the event loop's, and those of Swift: no more for more clients.
        precondition(entries("/proc/self/task") < 24, "\(entries("/proc/self/task")) threads")
        for (number, peer) in peers.enumerated() { try await peer.send(.int(Int64(number))) }
        for (number, peer) in peers.enumerated() {
            guard try await peer.receive() == .int(Int64(number)) else { fatalError("not the answer") }
        }
        await withTaskGroup(of: Void.self) { group in
            for peer in peers { group.addTask { await peer.close() } }
        }
    }

    private static func entries(_ directory: String) -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: directory).count) ?? 0
    }
}
