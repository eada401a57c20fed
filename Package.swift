// swift-tools-version: 6.3
import PackageDescription

let house: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

let package = Package(
  name: "xiecha",
  products: [
    .executable(name: "xiecha", targets: ["xiecha"]),
    .executable(name: "xiecha-bench", targets: ["xiecha-bench"]),
  ],
  dependencies: [
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: [
    .target(name: "BrokerDomain", swiftSettings: house),
    .target(
      name: "BrokerStore",
      dependencies: [
        "BrokerDomain", "CSQLite",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
        .product(name: "Crypto", package: "swift-crypto"),
      ],
      swiftSettings: house),
    .target(name: "CSQLite", linkerSettings: [.linkedLibrary("sqlite3")]),
    .systemLibrary(
      name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .target(name: "COpenSSL", linkerSettings: [.linkedLibrary("crypto"), .linkedLibrary("ssl")]),
    .target(
      name: "CLimits", dependencies: ["CCurl"],
      linkerSettings: [.linkedLibrary("crypto"), .linkedLibrary("sqlite3")]),
    .target(
      name: "BrokerCallbacks",
      dependencies: [
        "BrokerDomain", "BrokerStore", "CCurl", "COpenSSL",
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: house),
    .target(
      name: "BrokerWeb",
      dependencies: [
        "BrokerDomain", "BrokerStore",
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "HummingbirdTLS", package: "hummingbird"),
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "Yams", package: "Yams"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      resources: [.embedInCode("openapi.yaml")],
      swiftSettings: house),
    .executableTarget(
      name: "xiecha",
      dependencies: [
        "BrokerDomain", "BrokerStore", "BrokerCallbacks", "BrokerWeb",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "Yams", package: "Yams"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ],
      swiftSettings: house),
    .executableTarget(
      name: "xiecha-bench",
      dependencies: [
        "BrokerDomain", "BrokerStore", "BrokerCallbacks", "BrokerWeb", "CCurl", "CLimits",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
      ],
      swiftSettings: house),
    .target(name: "TestSupport", path: "Tests/Support", swiftSettings: house),
    .testTarget(
      name: "SupportTests", dependencies: ["TestSupport"], path: "Tests/SupportTests", swiftSettings: house),
    .testTarget(
      name: "BrokerDomainTests", dependencies: ["BrokerDomain"], path: "Tests/BrokerDomainTests",
      resources: [.copy("vectors")], swiftSettings: house),
    .testTarget(
      name: "BrokerStoreTests",
      dependencies: [
        "BrokerDomain", "BrokerStore", "CSQLite", "TestSupport",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
      ],
      path: "Tests/BrokerStoreTests", swiftSettings: house),
    .testTarget(
      name: "BrokerCallbacksTests",
      dependencies: [
        "BrokerDomain", "BrokerStore", "BrokerCallbacks", "TestSupport",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "Logging", package: "swift-log"),
      ],
      path: "Tests/BrokerCallbacksTests", swiftSettings: house),
    .testTarget(
      name: "BrokerWebTests",
      dependencies: [
        "BrokerDomain", "BrokerStore", "BrokerWeb", "TestSupport", "xiecha",
        .product(name: "Logging", package: "swift-log"),
      ],
      path: "Tests/BrokerWebTests", swiftSettings: house),
    .testTarget(
      name: "XiechaTests",
      dependencies: ["xiecha", "TestSupport", .product(name: "Logging", package: "swift-log")],
      path: "Tests/XiechaTests", swiftSettings: house),
    .testTarget(
      name: "EndToEnd", dependencies: ["TestSupport", "xiecha"], path: "Tests/EndToEnd", exclude: ["stories"],
      swiftSettings: house),
    .testTarget(
      name: "BenchTests", dependencies: ["TestSupport", "xiecha", "xiecha-bench"], path: "Tests/BenchTests",
      swiftSettings: house),
    .testTarget(name: "Architecture", path: "Tests/Architecture", swiftSettings: house),
  ],
  swiftLanguageModes: [.v6]
)
