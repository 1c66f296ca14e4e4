import Foundation
import SaltyRTC
import TestSupport

// The other side of the tests that need a process of its own. Arguments: what to do, and what for.

let arguments = CommandLine.arguments.dropFirst()

/// A line for the test, at once.
func say(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
}

switch arguments.first {
case "crowd":
    try await Crowd.run(count: Int(CommandLine.arguments[2])!, rounds: Int(CommandLine.arguments[3])!)
case "receive":
    // Takes what comes on a channel, and says how much it was, and its hash.
    let options = ClientOptions(tasks: [.webRTC(WebRTC(addresses: ["127.0.0.1"]))])
    try await Responder(invitation: CommandLine.arguments[2], options: options).use { peer in
        let channel = try await peer.acceptChannel()
        let digest = try Digest()
        var size = 0
        for try await message in channel.messages {
            try digest.update(message.bytes!)
            size += message.bytes!.count
        }
        say("\(size) \(try digest.hex())")
    }
case "trusted":
    try await trusted(store: CommandLine.arguments[2], invitation: CommandLine.arguments.count > 3 ? CommandLine.arguments[3] : nil)
case "version":
    _ = try KeyPair()
    say(Library.version)
default:
    FileHandle.standardError.write(Data("crowd COUNT ROUNDS | receive INVITATION | trusted FOLDER [INVITATION] | version\n".utf8))
    exit(2)
}

/// Joins by an invitation, or by the keys that it has stored; says hello, prints the answer, and stays until it is killed
/// or the other side closes.
func trusted(store folder: String, invitation: String?) async throws {
    let store = FileKeyStore(folder)
    var options = ClientOptions(keys: try await store.keyPair())
    let target: Invitation
    if let invitation {
        target = try Invitation(invitation)
        try store.store(Data(target.serverURL.utf8), named: "server")
    } else {
        options.trustedPeer = try await store.trustedPeer(named: "peer")
        let server = String(decoding: store.data(named: "server")!, as: UTF8.self)
        target = try Invitation(serverURL: server, initiatorKey: options.trustedPeer!)
    }
    let peer = try Responder(target, options: options)
    try await peer.connected()
    try await store.trust(peer.trust(), named: "peer")
    say("connected \(invitation == nil ? "without" : "with") a token")
    try await peer.send("hello")
    for try await message in peer.messages { say("received: \(message.text ?? "?")") }
    await peer.close()
}

/// Keys in files: for tests, which have nothing to hide.
struct FileKeyStore: KeyStore {
    let folder: URL

    init(_ path: String) { folder = URL(fileURLWithPath: path) }

    func data(named name: String) -> Data? { try? Data(contentsOf: folder.appendingPathComponent(name)) }
    func store(_ data: Data, named name: String) throws {
        try data.write(to: folder.appendingPathComponent(name), options: .atomic)
    }
    func remove(named name: String) throws { try FileManager.default.removeItem(at: folder.appendingPathComponent(name)) }
}
