// swift-tools-version: 6.0
import PackageDescription

// Drivers for libFuzzer, one a reader. A manifest cannot have the package above instrumented, so all
// flags stand on the command line: build it by `make fuzz` or `make fuzz-replay`.
let package = Package(
  name: "Fuzz",
  dependencies: [.package(name: "MajorTom", path: "..")],
  targets: [
    .executableTarget(
      name: "Fuzz",
      dependencies: [
        .product(name: "MajorTom", package: "MajorTom"),
        .product(name: "CommandLineOptions", package: "MajorTom"),
        .product(name: "Server", package: "MajorTom"),
      ])
  ],
  swiftLanguageModes: [.v6]
)
