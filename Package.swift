// swift-tools-version: 6.3
import PackageDescription

/// One set of settings for every Swift target: Swift 6 mode, explicit existentials and imports.
let settings: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .enableExperimentalFeature("Lifetimes"),
    ] + (Context.environment["MODELBROKER_WARNINGS"] == "error" ? [.treatAllWarnings(as: .error)] : [])

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func executable(_ name: String, _ dependencies: [Target.Dependency], path: String? = nil) -> Target {
    .executableTarget(name: name, dependencies: dependencies, path: path, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
]

let package = Package(
    name: "modelbroker",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: [
        // Ground that both wings share: values and protocols, no I/O.
        module("Catalog"),
        module("Control", ["Catalog", "Telemetry"]),
        // JSON, and with it FoundationEssentials: not for the proxy.
        module("ControlCoding"),
        module("Telemetry"),
        // What the API server says, without a socket.
        module("Kubernetes", ["Catalog"]),

        // The kernel wing. Only BPF and KernelPlane import CBPFShim.
        .target(
            name: "CBPFShim", path: "CBPFShim",
            linkerSettings: [.linkedLibrary("bpf"), .linkedLibrary("elf"), .linkedLibrary("cap")]),
        module("BPF", ["CBPFShim"]),
        module("KernelPlane", ["BPF", "CBPFShim", "Catalog"]),

        // The layer-7 wing. Only Reactor touches the data path's descriptors.
        module("HTTPWire"),
        module("Routing", ["Catalog"]),
        module("Identity", ["Catalog", crypto]),
        // JSON web tokens, whose library brings FoundationEssentials: not for Flow.
        module("Tokens", ["Identity", "Catalog", "Control", .product(name: "JWTKit", package: "jwt-kit")]),
        module("Admission", ["Catalog", "CBrokerABI", "Telemetry"]),
        module("Flow", ["HTTPWire", "Admission", "Identity", "Routing", "Catalog", "Control", "Telemetry"]),
        .target(name: "CLinux"),
        module("Reactor", ["CLinux", "Catalog"]),
        .target(name: "CBrokerABI"),
        // Like Flow without I/O: bytes in, bytes out.
        .systemLibrary(name: "COpenSSL"),
        module("TLS", ["COpenSSL"]),
        .target(
            name: "Proxy",
            dependencies: [
                "Flow", "HTTPWire", "Admission", "Identity", "Reactor", "Routing", "TLS", "Catalog", "Control", "Telemetry",
                "CLinux",
                "CBrokerABI", "Tokens",
            ],
            swiftSettings: settings + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]),

        // What runs and steers them.
        .target(name: "CWebPage", exclude: ["page.html"]),
        .systemLibrary(name: "CYAML"),
        module("Configuration", ["Catalog", "Identity", "CYAML"]),
        module(
            "Agent",
            [
                "KernelPlane", "Configuration", "Catalog", "Control", "ControlCoding", "Telemetry", "Identity", "HTTPWire",
                "CLinux", "CBrokerABI", "CWebPage", "Admission", "TLS", "Tokens", "Kubernetes", logging,
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ] + nio),
        module(
            "Commands",
            ["KernelPlane", "Configuration", "Catalog", "Control", "ControlCoding", "Telemetry", "Identity", "CLinux", argumentParser]),
        executable("modelbrokerd", ["Agent", argumentParser, logging]),
        executable("modelbroker-proxy", ["Proxy"]),
        executable("modelbroker", ["Commands", argumentParser]),
        executable("mock-engine", [argumentParser] + nio, path: "Tests/MockEngine"),
        executable("flow-meter", ["Flow", "Admission", "Identity", "Routing", "Control", "Catalog"], path: "Tests/Budgets/FlowMeter"),
        .target(
            name: "QueueSimulation", dependencies: ["Admission", "Catalog"], path: "Tests/QueueSim/Simulation",
            swiftSettings: settings),
        executable("queue-sim", ["QueueSimulation", "Admission", "Catalog"], path: "Tests/QueueSim/Program"),

        tests("CatalogTests", ["Catalog"]),
        tests("HTTPWireTests", ["HTTPWire"]),
        tests("ReactorTests", ["Reactor", "Catalog"]),
        tests("RoutingTests", ["Routing", "Catalog"]),
        tests("AdmissionTests", ["Admission", "Catalog", "QueueSimulation"]),
        tests("FlowTests", ["Flow", "Admission", "Identity", "Routing", "Control", "Catalog", "Telemetry"]),
        tests(
            "AgentTests",
            [
                "Agent", "Admission", "Catalog", "Control", "ControlCoding", "KernelPlane", "Kubernetes", "Telemetry", "TLS",
                "TLSFixtures", "Recorded", "CLinux", logging,
            ] + nio),
        tests("TelemetryTests", ["Telemetry"]),
        .target(name: "Recorded", path: "Tests/Recorded", exclude: ["kubernetes"], swiftSettings: settings),
        tests("KubernetesTests", ["Kubernetes", "Catalog", "Recorded"]),
        tests("ConfigurationTests", ["Configuration", "Catalog", "Identity"]),
        tests("ControlTests", ["Control", "Catalog", "Telemetry"]),
        tests("IdentityTests", ["Identity", "Catalog"]),
        tests(
            "TokensTests",
            [
                "Tokens", "Identity", "Catalog", "Control", .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
            ]),
        .target(
            name: "TLSFixtures", dependencies: ["TLS", "COpenSSL"], path: "Tests/TLSFixtures", swiftSettings: settings),
        tests("TLSTests", ["TLS", "TLSFixtures", "COpenSSL"]),
        tests(
            "ProxyTests",
            [
                "Proxy", "Flow", "Routing", "Reactor", "Catalog", "Control", "Telemetry", "HTTPWire", "TLS", "TLSFixtures",
                "Identity", "Admission", "CLinux",
            ]),
        tests("BPFTests", ["BPF"]),
        tests("KernelPlaneTests", ["KernelPlane", "BPF", "Catalog", "CBPFShim"]),
        tests("KernelTests", ["KernelPlane", "BPF", "Catalog", "CBPFShim"]),
        tests(
            "CommandsTests",
            ["Commands", "KernelPlane", "Configuration", "Catalog", "Control", "ControlCoding", "Identity", "Telemetry", argumentParser]),
    ]
)
