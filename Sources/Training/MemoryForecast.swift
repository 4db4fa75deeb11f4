internal import DenseMath
internal import Parameters

/// How much memory a training takes, by what for: found out before it begins.
///
/// Weights and what goes with them are counted; the scratch memory of a batch is that of the largest
/// batch of the first epoch, which is run once for it, and so is a validation.
public struct MemoryForecast: Sendable, CustomStringConvertible {
  /// A part of the memory, and its bytes.
  public struct Part: Sendable, Equatable {
    /// What it is for, such as `moments`.
    public let name: String
    /// Its bytes.
    public let bytes: Int
  }

  /// All parts.
  public internal(set) var parts: [Part] = []
  /// The bytes of all parts.
  public var total: Int { parts.reduce(0) { $0 + $1.bytes } }

  mutating func add(_ name: String, _ bytes: Int) {
    parts.append(Part(name: name, bytes: bytes))
  }

  /// A line a part, and the total.
  public var description: String {
    let rows = parts + [Part(name: "together", bytes: total)]
    let width = rows.reduce(0) { max($0, $1.name.count) }
    return rows.map { row in
      let megabytes = fixed(Double(row.bytes) / 1e6, 1)
      let name = row.name + String(repeating: " ", count: width - row.name.count)
      return "\(name)  \(String(repeating: " ", count: max(0, 9 - megabytes.count)))\(megabytes) MB"
    }.joined(separator: "\n")
  }
}

extension TrainingLoop {
  /// Runs the largest batch and a validation, and counts what they and the weights take.
  func memoryForecast() -> MemoryForecast {
    var forecast = MemoryForecast()
    forecast.add("program and data", SystemMemory.residentBytes ?? 0)
    let block = MemoryLayout<Float>.stride * parameters.layout.count
    rehearse()
    // The model's own, those in training and the best; of them the program had the first before.
    forecast.add("weights", 2 * block)
    if average != nil { forecast.add("average", block) }
    forecast.add("moments", optimizer.moments.count * block)
    forecast.add("gradients of \(counted(task.shardCount, "shard"))", task.shardCount * block)
    forecast.add("packed copies", packedBytes)
    let states = task.carried.reduce(0) { $0 + 4 * $1.layout.count }
    if states > 0 { forecast.add("states of lanes", states) }
    forecast.add("activations", activationBytes)
    // The average is validated in workspaces of its own.
    forecast.add("validation", (average == nil ? 1 : 2) * validationBytes)
    forecast.add("scratch of products", ProductKernels.scratchBytes)
    return forecast
  }
}
