// swift-tools-version: 6.0
import PackageDescription

let package = Package(
  name: "LanguageIdentifier",
  dependencies: [.package(name: "MajorTom", path: "../..")],
  targets: [
    .executableTarget(
      name: "LanguageIdentifier",
      dependencies: [
        .product(name: "MajorTom", package: "MajorTom"),
        .product(name: "CommandLineModels", package: "MajorTom"),
      ])
  ],
  swiftLanguageModes: [.v6]
)
