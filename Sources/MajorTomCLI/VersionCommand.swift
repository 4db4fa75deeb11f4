import CommandLineModels
import CommandLineOptions
import MajorTom

/// The version of the tool, and the day from which on it stands.
let version = "0.1.0"
let versionDate = "2026-11-22"

/// The command `majortom version`.
let versionCommand = Command(
  "version", summary: "tell the version, and what computes and reads text here",
  synopsis: "[OPTION...]",
  about: """
    Tells the version of the tool, the kernels that it computes with on this CPU, and the versions of ICU
    and of Swift: what belongs into a report of an error.
    """,
  options: [jsonOption]
) { arguments in
  guard !arguments.has("json") else {
    return writeJSON([
      "version": .text(version), "matrix_products": .text(ProductKernels.name),
      "other_kernels": .text(Kernels.levelName), "threads": .whole(Shards.processors),
      "onednn": .raw("null"), "icu": .text(icuVersion), "swift": .text(swiftVersion),
    ])
  }
  writeOutput(
    """
    majortom \(version)
    matrix products: kernels for \(ProductKernels.name), of its own (no oneDNN)
    other kernels: \(Kernels.levelName)
    threads: \(Shards.processors)
    ICU \(icuVersion)
    Swift \(swiftVersion)

    """)
}

/// The Swift that has compiled the tool, as far as a program can tell.
private var swiftVersion: String {
  #if compiler(>=6.5)
    "6.5 or later"
  #elseif compiler(>=6.4)
    "6.4"
  #elseif compiler(>=6.3)
    "6.3"
  #elseif compiler(>=6.2)
    "6.2"
  #elseif compiler(>=6.1)
    "6.1"
  #else
    "6.0"
  #endif
}
