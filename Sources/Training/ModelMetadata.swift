internal import FoundationEssentials
public import Parameters

/// What model files say beside their weights, each part as JSON in the file's metadata.
public enum ModelMetadata {
  /// The value of `format` in the metadata of all model files.
  public static let format = "majortom 1"

  /// A value as JSON with sorted keys, so that equal models make equal files.
  public static func json(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  /// A part of a file's metadata.
  ///
  /// Throws `ModelFileError.malformed` where it is missing or damaged, with what the value's own
  /// type says of it, if it says something.
  public static func part<Value: Decodable>(
    _ name: String, of file: SafetensorsFile, path: String
  ) throws(ModelFileError) -> Value {
    let unfit = ModelFileError.malformed(path: path, found: "its \(name) is missing or damaged")
    guard let text = file.metadata[name] else { throw unfit }
    do {
      return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
    } catch is DecodingError {
      throw unfit
    } catch {
      throw .malformed(path: path, found: "\(error)")
    }
  }

  /// Throws `ModelFileError.mismatch` unless a file holds a model of a kind.
  public static func demand(
    kind: String, named name: String, of file: SafetensorsFile, path: String
  ) throws(ModelFileError) {
    guard let found = file.metadata["kind"] else {
      throw .mismatch(path: path, found: "this safetensors file was not written by majortom")
    }
    guard found == kind else {
      throw .mismatch(path: path, found: "this is a \(found), where a \(name) is needed")
    }
    if let format = file.metadata["format"], format != Self.format {
      throw .mismatch(
        path: path, found: "its format is \(format), and this version reads \(Self.format)")
    }
  }

  /// Throws `ModelFileError.mismatch` where a file has tensors that a network has no place for;
  /// those of other networks in the same file have other prefixes.
  public static func demandTensors(
    _ layouts: [(prefix: String, layout: ParameterLayout)], of file: SafetensorsFile, path: String
  ) throws(ModelFileError) {
    let known = Set(layouts.flatMap { part in part.layout.entries.map { part.prefix + $0.name } })
    if let stranger = file.tensors.keys.sorted().first(where: { !known.contains($0) }) {
      throw .mismatch(
        path: path, found: "tensor \(stranger) has no place in the network of its configuration")
    }
  }

  /// The kind of model that a file holds, or nil where it does not say.
  ///
  /// Throws `ModelFileError` for a file that cannot be read.
  public static func kind(of path: String) throws -> String? {
    try SafetensorsFile(contentsOf: path).metadata["kind"]
  }
}
