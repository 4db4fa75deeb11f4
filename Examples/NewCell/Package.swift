// swift-tools-version: 6.0
import PackageDescription

let package = Package(
  name: "NewCell",
  dependencies: [.package(name: "MajorTom", path: "../..")],
  targets: [
    .executableTarget(
      name: "NewCell",
      dependencies: [
        .product(name: "MajorTom", package: "MajorTom"),
        .product(name: "Experiments", package: "MajorTom"),
      ])
  ],
  swiftLanguageModes: [.v6]
)
