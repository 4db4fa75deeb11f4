// swift-tools-version: 6.0
import PackageDescription

// The floors of the house: a target imports only lower ones, and only floor 1 imports C.
// Tests/HouseTests holds this table against `swift package dump-package`.
let package = Package(
  name: "MajorTom",
  products: [
    // One import for all, or each room by itself.
    .library(name: "MajorTom", targets: ["MajorTom"]),
    .library(name: "Files", targets: ["Files"]),
    .library(name: "CommandLineOptions", targets: ["CommandLineOptions"]),
    .library(name: "Terminal", targets: ["Terminal"]),
    .library(name: "ICUText", targets: ["ICUText"]),
    .library(name: "DenseMath", targets: ["DenseMath"]),
    .library(name: "Plots", targets: ["Plots"]),
    .library(name: "Parameters", targets: ["Parameters"]),
    .library(name: "Cells", targets: ["Cells"]),
    .library(name: "Layers", targets: ["Layers"]),
    .library(name: "Training", targets: ["Training"]),
    .library(name: "Decoding", targets: ["Decoding"]),
    .library(name: "LanguageModel", targets: ["LanguageModel"]),
    .library(name: "Tagger", targets: ["Tagger"]),
    .library(name: "Translator", targets: ["Translator"]),
    .library(name: "Experiments", targets: ["Experiments"]),
    .library(name: "Cluster", targets: ["Cluster"]),
    .library(name: "CommandLineModels", targets: ["CommandLineModels"]),
    .library(name: "Server", targets: ["Server"]),
    .executable(name: "majortom", targets: ["MajorTomCLI"]),
  ],
  targets: [
    // Floor 0: C, and only what Swift cannot do.
    .target(name: "CChecksum"),
    .target(name: "CKernels"),
    .target(name: "CProducts"),
    .target(name: "CEdit"),
    .target(name: "CMicrohttpd"),
    // The library that it opens is made by mpicc, not by this package.
    .target(name: "CMPI", exclude: ["library"]),
    .target(
      name: "CICU", linkerSettings: [.linkedLibrary("icuuc"), .linkedLibrary("icui18n")]),
    .systemLibrary(name: "CPopt", pkgConfig: "popt", providers: [.apt(["libpopt-dev"])]),

    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),

    // Floor 1: the only targets that import C.
    .target(name: "Files", dependencies: ["CChecksum"]),
    .target(name: "ICUText", dependencies: ["CICU", "CZlib", "CZstd", "Files"]),
    .target(name: "DenseMath", dependencies: ["CKernels", "CProducts"]),
    .target(name: "CommandLineOptions", dependencies: ["CPopt", "Files"]),
    .target(name: "Terminal", dependencies: ["CEdit"]),
    .target(name: "Plots"),

    // Floors 2 to 4: weights, networks, training, decoding.
    .target(name: "Parameters", dependencies: ["DenseMath", "Files"]),
    .target(name: "Cells", dependencies: ["Parameters", "DenseMath"]),
    .target(name: "Layers", dependencies: ["Parameters", "DenseMath"]),
    .target(
      name: "Training", dependencies: ["Cells", "Parameters", "DenseMath", "Files", "Plots"]),
    .target(name: "Decoding", dependencies: ["DenseMath"]),

    // Floor 5: one target a model.
    .target(
      name: "LanguageModel",
      dependencies: [
        "Files", "ICUText", "DenseMath", "Parameters", "Cells", "Layers", "Training", "Decoding",
      ]),

    .target(
      name: "Tagger",
      dependencies: [
        "Files", "ICUText", "DenseMath", "Parameters", "Cells", "Layers", "Training",
        "LanguageModel",
      ]),
    .target(
      name: "Translator",
      dependencies: [
        "Files", "ICUText", "DenseMath", "Parameters", "Cells", "Layers", "Training",
        "Decoding",
      ]),
    .target(
      name: "Experiments",
      dependencies: ["DenseMath", "Parameters", "Cells", "Layers"]),

    .target(
      name: "Cluster", dependencies: ["CMPI", "DenseMath", "Files", "Parameters", "Training"]),

    .target(
      name: "CommandLineModels",
      dependencies: ["Cluster", "Training", "Cells", "CommandLineOptions", "ICUText", "Files"]),

    // Floors 6 and 7: what other packages import, and the tool.
    .target(
      name: "MajorTom",
      dependencies: [
        "Files", "ICUText", "DenseMath", "Parameters", "Cells", "Layers", "Training", "Decoding",
        "LanguageModel", "Tagger", "Translator", "Plots",
      ]),
    .target(
      name: "Server",
      dependencies: [
        "CMicrohttpd", "Files", "DenseMath", "ICUText", "Training", "Decoding", "LanguageModel",
        "Tagger",
        "Translator",
      ]),
    .executableTarget(
      name: "MajorTomCLI",
      dependencies: [
        "MajorTom", "Server", "Experiments", "CommandLineModels", "CommandLineOptions", "Terminal",
      ]),

    // Tests mirror the targets; what several of them need is in TestSupport.
    .target(
      name: "TestSupport",
      dependencies: ["DenseMath", "Parameters", "Cells", "Training", "Experiments"],
      path: "Tests/TestSupport"),
    .testTarget(name: "HouseTests"),
    .testTarget(name: "ICUTextTests", dependencies: ["ICUText"]),
    .testTarget(
      name: "DenseMathTests", dependencies: ["DenseMath", "CKernels", "CProducts", "TestSupport"],
      exclude: ["Fixtures"]),
    .testTarget(name: "PlotsTests", dependencies: ["Plots"]),
    .testTarget(name: "FilesTests", dependencies: ["Files", "TestSupport"]),
    .testTarget(
      name: "ParametersTests", dependencies: ["Parameters", "DenseMath", "Files", "TestSupport"]),
    .testTarget(
      name: "ClusterTests",
      dependencies: ["Cluster", "Training", "Parameters", "DenseMath", "Files", "TestSupport"]),
    .testTarget(name: "DecodingTests", dependencies: ["Decoding", "DenseMath"]),
    .testTarget(name: "CommandLineOptionsTests", dependencies: ["CommandLineOptions"]),
    .testTarget(
      name: "CellsTests", dependencies: ["Cells", "Parameters", "DenseMath", "TestSupport"],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "LayersTests", dependencies: ["Layers", "Parameters", "DenseMath", "TestSupport"]),
    .testTarget(
      name: "TrainingTests",
      dependencies: ["Training", "Parameters", "DenseMath", "Files", "TestSupport"],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "LanguageModelTests", dependencies: ["LanguageModel", "MajorTom", "TestSupport"]),
    .testTarget(
      name: "TaggerTests", dependencies: ["Tagger", "MajorTom", "TestSupport"],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "TranslatorTests", dependencies: ["Translator", "MajorTom", "TestSupport"],
      resources: [.copy("Fixtures")]),
    .testTarget(
      name: "ExperimentsTests", dependencies: ["Experiments", "TestSupport"]),
    .testTarget(name: "ServerTests", dependencies: ["Server", "MajorTom", "TestSupport"]),
    .testTarget(name: "MajorTomCLITests", dependencies: ["MajorTomCLI"]),
    .testTarget(name: "MajorTomTests", dependencies: ["MajorTom"]),
    .testTarget(
      name: "GoldenTests", dependencies: ["MajorTom", "TestSupport"],
      resources: [.copy("Fixtures")]),
  ],
  swiftLanguageModes: [.v6]
)
