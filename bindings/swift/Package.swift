// swift-tools-version: 6.0
import PackageDescription

#if os(Linux)
    // The library as `make install` installs it, which pkg-config knows.
    let library: Target = .systemLibrary(name: "CSaltyRTC", pkgConfig: "saltyrtc")
#else
    // Made by scripts/build-xcframework.sh. What is published names it by its URL and checksum.
    let library: Target = .binaryTarget(name: "CSaltyRTC", path: "CSaltyRTC.xcframework")
#endif

let package = Package(
    name: "saltyrtc",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [
        .library(name: "SaltyRTC", targets: ["SaltyRTC"])
    ],
    targets: [
        library,
        .target(name: "SaltyRTC", dependencies: ["CSaltyRTC"]),
        // What follows is for the tests, and not built for those who use the package.
        .target(name: "OwnWebRTCExample", dependencies: ["SaltyRTC"], path: "Examples/OwnWebRTC"),
        .target(name: "TestSupport", path: "Tests/Support"),
        .target(name: "CTestSupport", path: "Tests/CSupport"),
        .executableTarget(
            name: "saltyrtc-test-peer",
            dependencies: ["SaltyRTC", "CTestSupport", "TestSupport"],
            path: "Tests/TestPeer"
        ),
        .testTarget(
            name: "SaltyRTCTests",
            dependencies: ["SaltyRTC", "OwnWebRTCExample", "TestSupport"]
        ),
    ],
    swiftLanguageModes: [.v6]
)
