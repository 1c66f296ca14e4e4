import Foundation
import SaltyRTC

// One side of the measurement of the bindings, in Swift: as peer.c, with the ways `receive` and `send`. Which thread does
// what is not the program's to know, so there is no processor time of a thread.

let (way, argument) = (CommandLine.arguments[1], CommandLine.arguments[2])

struct Got {
    var count = 0
    var begin = (seconds(CLOCK_MONOTONIC), seconds(CLOCK_PROCESS_CPUTIME_ID))

    func show() {
        print(count, seconds(CLOCK_MONOTONIC) - begin.0, "nan", seconds(CLOCK_PROCESS_CPUTIME_ID) - begin.1)
    }
}

func seconds(_ clock: clockid_t) -> Double {
    var now = timespec()
    clock_gettime(clock, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}

func receive(_ invitation: String) async throws {
    let peer = try Responder(invitation: invitation)
    try await peer.connected()
    _ = try await peer.receive()
    var got = Got()
    got.count = 1
    for try await _ in peer.messages { got.count += 1 }
    got.show()
    await peer.close()
}

func send(_ count: Int) async throws {
    let message = Data(count: 64)
    let server = try Server(keys: [])
    let peer = try Initiator(server: server.url)
    try peer.start()
    print(peer.invitation.uri)
    fflush(nil)
    try await peer.connected()
    var got = Got()
    for _ in 0..<count {
        try await peer.send(message)
        got.count += 1
    }
    await peer.close()
    got.show()
    try await server.stop()
}

if way == "receive" {
    try await receive(argument)
} else {
    try await send(Int(argument)!)
}
