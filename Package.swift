// swift-tools-version: 6.2
import PackageDescription

// The rooms and the only arrows allowed between them are drawn in docs/architecture.md;
// Tests/ArchitectureTests reads every import and fails on an arrow that is not there.

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    // A row crosses rooms: without this each of its small accessors is a call.
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
]

func room(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: dependencies + ["TestSupport"], exclude: exclude, swiftSettings: settings)
}

let package = Package(
    name: "flowctl",
    products: [.executable(name: "flowctl", targets: ["flowctl"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(
            name: "CLibYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),

        room("Diagnostics"),
        room("JSON"),

        room("YAML", ["CLibYAML", "Diagnostics", "JSON"]),
        room("JSONSchema", ["JSON"]),
        room("Postgres", ["CLibPQ"]),

        room(
            "Catalog", ["YAML", "JSON", "JSONSchema", "Diagnostics"], resources: [.embedInCode("Schemas")]),
        room("Connectors", ["JSON", "Diagnostics"]),

        room("TaskGraph", ["Catalog", "Connectors", "JSON", "Diagnostics"]),
        room("Runtime", ["Connectors", "TaskGraph"]),
        room("SourcePostgres", ["Connectors", "Postgres", "JSON", "Diagnostics"]),
        room("MaterializePostgres", ["Connectors", "Postgres", "JSON", "Diagnostics"]),

        .executableTarget(
            name: "flowctl",
            dependencies: [
                "Diagnostics", "JSON", "YAML", "JSONSchema", "Postgres", "Catalog", "Connectors", "TaskGraph",
                "Runtime", "SourcePostgres", "MaterializePostgres",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),

        .target(name: "TestSupport", dependencies: ["Postgres"], path: "Tests/TestSupport", swiftSettings: settings),
        .target(
            name: "FuzzTrials", dependencies: ["JSON", "YAML", "JSONSchema", "Diagnostics"], path: "Tests/FuzzTrials",
            swiftSettings: settings),
        tests("Fuzz", ["FuzzTrials"], exclude: ["Corpus", "Found", "Words"]),
        tests("Architecture", []),
        tests("Diagnostics", ["Diagnostics"]),
        tests("JSON", ["JSON"]),
        tests("YAML", ["YAML", "JSON", "Diagnostics"]),
        tests("JSONSchema", ["JSONSchema", "JSON"]),
        tests("Postgres", ["Postgres"]),
        tests("Catalog", ["Catalog", "YAML", "Diagnostics", "JSON", "JSONSchema"], exclude: ["Fixtures"]),
        tests("Connectors", ["Connectors"]),
        tests("TaskGraph", ["TaskGraph", "Catalog", "Connectors", "Diagnostics", "JSON"]),
        tests("Runtime", ["Runtime", "Connectors"]),
        tests("SourcePostgres", ["SourcePostgres", "Runtime", "Connectors", "Postgres"]),
        tests("MaterializePostgres", ["MaterializePostgres", "Connectors", "Postgres", "JSON", "Runtime"]),
        tests(
            "flowctl",
            [
                "flowctl", "Postgres", "Connectors", "Diagnostics", "Runtime", "JSON", "JSONSchema", "SourcePostgres",
                "MaterializePostgres",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
    ]
)

// libFuzzer brings a main of its own, so its program is built by scripts/fuzz only.
if Context.environment["FUZZ"] != nil {
    let trials: [Target.Dependency] = ["FuzzTrials"]
    package.targets.append(
        .executableTarget(
            name: "Fuzz", dependencies: trials, path: "Tests/Fuzz",
            swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])]))
}
