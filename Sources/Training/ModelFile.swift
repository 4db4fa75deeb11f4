public import Cells
public import DenseMath
public import Files
public import Parameters

/// What a model file holds, whatever the kind of model: format 2.
///
/// The file is safetensors. Its metadata have a checksum (CRC-32C over all other bytes, written by
/// `SafetensorsFile`), `format`, `kind`, and one entry a part: JSON under the part's name, behind
/// the prefix of a model that another one holds. Each model's tensors have the same prefix. A tensor
/// may be F32, F16, BF16, or I8 with its rows' scales in a tensor of the same name and `.scales`.
public struct ModelFileContents {
  /// The value of `format`.
  public static let format = "majortom 2"
  /// The kind of the model, such as `tagger`.
  public let kind: String
  private var metadata: [String: String]
  private var blocks: [SafetensorsFile.Block] = []

  /// A file of a kind, with nothing in it yet.
  public init(kind: String) {
    self.kind = kind
    metadata = ["format": Self.format, "kind": kind]
  }

  /// Adds a part under a name of its own.
  public mutating func add(_ part: some Encodable, as name: String) {
    metadata[name] = JSON.text(of: part)
  }

  /// Adds weights, with a prefix before their names.
  ///
  /// In a lower precision, factors of products and large tables are rounded to it.
  public mutating func add(
    _ weights: ModelWeights, prefix: String = "", precision: ProductPrecision = .float32
  ) {
    blocks.append(.init(weights.block, prefix: prefix, precision: precision))
  }

  /// Adds a block of numbers, with a prefix before their names.
  mutating func add(_ block: Parameters<Float>, prefix: String) {
    blocks.append(.init(block, prefix: prefix))
  }

  /// Writes the file: whole, or not at all; what stood there goes to `older`, if that is given.
  ///
  /// Throws `FileError.unwritable`.
  public func write(to path: String, keeping older: String? = nil) throws(FileError) {
    try SafetensorsFile.write(blocks, metadata: metadata, to: path, keeping: older)
  }
}

/// A model file that is being read: parts and weights by name, each asked for once.
///
/// Reading is strict: what nobody asked for is refused at the end (`finish`), since a file that
/// holds more than is understood means something else than is understood. Files of format 1 are
/// read, too.
public final class ModelFileReader {
  /// The path, for messages.
  public let path: String
  /// The kind of the model, such as `tagger`.
  public let kind: String
  /// 1 for files of earlier versions, else 2.
  public let version: Int
  private let file: SafetensorsFile
  private let cells: [any RecurrentCell.Type]
  private var askedParts: Set<String> = ["format", "kind", "checksum"]
  private var askedTensors: Set<String> = []

  /// Opens a file and reads its header; `cells` are those that it may name besides the built-in ones.
  ///
  /// Throws `FileError` for a file that cannot be read, is damaged, or is none of this tool.
  public init(
    contentsOf path: String, cells: [any RecurrentCell.Type] = []
  ) throws(FileError) {
    file = try SafetensorsFile(contentsOf: path)
    self.cells = cells
    self.path = path
    guard let kind = file.metadata["kind"] else {
      throw .mismatch(path: path, found: "this safetensors file was not written by majortom")
    }
    self.kind = kind
    switch file.metadata["format"] {
    case ModelFileContents.format: version = 2
    case "majortom 1", nil: version = 1
    case .some(let format):
      throw .mismatch(
        path: path,
        found:
          "its format is \(quoted(format)), and this version reads \(ModelFileContents.format)")
    }
  }

  /// Throws `FileError.mismatch` unless the file holds a model of a kind.
  public func demand(_ wanted: ModelKind) throws(FileError) {
    guard kind != wanted.name else { return }
    throw .mismatch(
      path: path,
      found:
        "this is a \(quoted(kind.replacing("-", with: " "))), where a \(wanted.title) is needed")
  }

  /// Whether the file has a part.
  public func has(_ name: String) -> Bool { file.metadata[name] != nil }

  /// A part by its name.
  ///
  /// Throws `FileError.malformed` where it is missing or damaged, with what the value's own type
  /// says of it, if it says something.
  public func part<Value: Decodable>(
    _ name: String, as type: Value.Type = Value.self
  ) throws(FileError) -> Value {
    askedParts.insert(name)
    guard let text = file.metadata[name] else {
      throw .malformed(path: path, found: "its \(name) is missing or damaged")
    }
    do {
      return try JSON.value(from: text.utf8, userInfo: CellsOfReader.userInfo(cells))
    } catch let error as CellError {
      throw .mismatch(path: path, found: "\(error)")
    } catch let error as HyperparameterError where error.name == "cell" {
      // The file may be sound, and the type that was given another than its.
      throw .mismatch(path: path, found: error.reason)
    } catch let error as JSONError {
      throw .malformed(path: path, found: "its \(name): \(error)")
    } catch {
      throw .malformed(path: path, found: "\(error)")
    }
  }

  /// The card of a model of this file, of either format; what is not known there is filled in.
  func card(
    prefix: String, metric: Metric, defaults: TrainingOptions
  ) throws(FileError) -> ModelCard {
    guard version == 1 else { return try part(prefix + "card") }
    return ModelCard(try part(prefix + "card"), metric: metric, defaults: defaults)
  }

  /// The error of a file whose parts do not fit together.
  public func malformed(_ found: String) -> FileError { .malformed(path: path, found: found) }

  /// The weights of a layout, with a prefix before their names.
  ///
  /// Throws `FileError` when one is missing, of another shape, not finite, or so large that numbers
  /// overflow with it.
  public func weights(
    _ layout: ParameterLayout, prefix: String = ""
  ) throws(FileError) -> ModelWeights {
    let block = try block(layout, prefix: prefix)
    if let (name, value) = block.firstLarger(than: Self.largestWeight) {
      throw .mismatch(
        path: path,
        found:
          "weight \(prefix)\(name) holds \(value), and numbers overflow with that: the file is "
          + "damaged, or its training went wrong")
    }
    return ModelWeights(block)
  }

  /// Sums of products of two such weights stay far below the largest number of 32 bits, 3e38; what
  /// is learnt has some tens.
  private static let largestWeight: Float = 1e12

  /// The same as a block of one's own.
  func block(_ layout: ParameterLayout, prefix: String) throws(FileError) -> Parameters<Float> {
    for entry in layout.entries {
      let name = prefix + entry.name
      askedTensors.insert(name)
      if file.tensors[name]?.type == "I8" {
        askedTensors.insert(name + SafetensorsFile.scalesSuffix)
      }
    }
    return try file.parameters(layout, prefix: prefix)
  }

  /// Throws `FileError.mismatch` for a part or a tensor that nobody has asked for.
  public func finish() throws(FileError) {
    if let stranger = file.tensors.keys.filter({ !askedTensors.contains($0) }).min() {
      throw .mismatch(
        path: path,
        found: "tensor \(quoted(stranger)) has no place in the network of its configuration")
    }
    guard version > 1 else { return }
    if let stranger = file.metadata.keys.filter({ !askedParts.contains($0) }).min() {
      throw .mismatch(
        path: path, found: "this version does not know what its part \(quoted(stranger)) means")
    }
  }
}

/// A kind of model: how files and how people call it.
public struct ModelKind: Sendable, Hashable {
  /// In files, such as `language-model`.
  public let name: String
  /// In sentences, such as `language model`.
  public let title: String

  /// A kind.
  public init(name: String, title: String) {
    self.name = name
    self.title = title
  }
}
