internal import Files
internal import Glibc
internal import ICUText
internal import LanguageModel
internal import Synchronization
internal import Tagger
internal import Training
internal import Translator

/// How many models were loaded.
private let loaded = Atomic(0)

/// A model with the name that requests call it by.
struct ServedModel<Model: TrainableModel>: Sendable {
  let name: String
  let path: String
  let model: Model
  /// When it was loaded, in seconds since 1970.
  let created: Int
  /// What tells one reading of a file from the next.
  let serial: Int

  init(_ model: Model, name: String, path: String) {
    self.model = model
    self.name = name
    self.path = path
    created = Int(secondsSince1970())
    serial = loaded.add(1, ordering: .relaxed).newValue
  }

  /// Whether it reads backwards, and so goes on with no text.
  var isBackwards: Bool { (model as? LanguageModel)?.configuration.isBackwards ?? false }

  /// What `GET /v1/models` tells of it.
  var json: JSONValue {
    .object([
      "id": .text(name), "object": .text("model"), "created": .whole(created),
      "owned_by": .text("majortom"), "kind": .text(Model.kind.name),
      "network": .text(model.networkText), "backwards": .flag(isBackwards),
      "card": .raw(JSON.text(of: model.card)),
    ])
  }
}

extension ServedModel<LanguageModel> {
  /// The text of a token, as far as its bytes are one.
  func tokenText(_ id: Int) -> String {
    String(decoding: model.vocabulary.bytes(of: id), as: UTF8.self)
  }

  /// The text of a token; where its bytes are part of a character only, these, as OpenAI writes them.
  func tokenName(_ id: Int) -> String {
    let bytes = model.vocabulary.bytes(of: id)
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    return "bytes:"
      + bytes.map { byte in
        let digits = String(byte, radix: 16)
        return "\\x" + (digits.count == 1 ? "0" : "") + digits
      }.joined()
  }
}

/// The natural logarithm; that of 0 is the smallest number, as JSON has no infinity.
func logarithm(_ probability: Double) -> Double {
  probability > 0 ? log(probability) : -.greatestFiniteMagnitude
}

/// All models of a server, of one reading of their files.
struct ServedModels: Sendable {
  private(set) var languageModels: [ServedModel<LanguageModel>] = []
  private(set) var taggers: [ServedModel<Tagger>] = []
  private(set) var translators: [ServedModel<Translator>] = []

  /// Reads the files.
  ///
  /// Throws `ServerError`, and what reading models throws.
  init(_ paths: [String]) throws {
    guard !paths.isEmpty else { throw ServerError.noModel }
    for path in paths {
      let name = Self.name(of: path)
      guard !names.contains(name) else { throw ServerError.sameName(name) }
      switch try ModelFileReader(contentsOf: path).kind {
      case LanguageModel.kind.name:
        languageModels.append(
          ServedModel(try LanguageModel(contentsOf: path), name: name, path: path))
      case Tagger.kind.name:
        taggers.append(ServedModel(try Tagger(contentsOf: path), name: name, path: path))
      case Translator.kind.name:
        translators.append(ServedModel(try Translator(contentsOf: path), name: name, path: path))
      case let kind: throw ServerError.kind(path: path, kind: kind)
      }
    }
  }

  /// A file's name without its folder and its ending; that of its folder where it is `model`, as in a run.
  private static func name(of path: String) -> String {
    let parts = path.split(separator: "/").map(String.init)
    var name = parts.last ?? path
    if name.hasSuffix(".safetensors") { name.removeLast(".safetensors".count) }
    return name == "model" && parts.count > 1 ? parts[parts.count - 2] : name
  }

  /// The names of all.
  var names: [String] {
    languageModels.map(\.name) + taggers.map(\.name) + translators.map(\.name)
  }

  /// What `GET /v1/models` answers.
  var json: JSONValue {
    .object([
      "object": .text("list"),
      "data": .list(
        languageModels.map(\.json) + taggers.map(\.json) + translators.map(\.json)),
    ])
  }

  /// What `GET /v1/models/NAME` answers.
  ///
  /// Throws `RequestError` where there is none.
  func json(of name: String) throws(RequestError) -> JSONValue {
    if let model = languageModels.first(where: { $0.name == name }) { return model.json }
    if let model = taggers.first(where: { $0.name == name }) { return model.json }
    if let model = translators.first(where: { $0.name == name }) { return model.json }
    let known = names.map { "\"\(quoted($0))\"" }.joined(separator: ", ")
    throw RequestError(
      status: 404, message: "there is no model called \"\(quoted(name))\"; there is \(known)",
      field: "model", code: "model_not_found")
  }

  /// The language model of a name, or the first that can go on with a text.
  ///
  /// Throws `RequestError` where there is none.
  func writer(_ name: String?) throws(RequestError) -> ServedModel<LanguageModel> {
    try Self.find(name ?? languageModels.first { !$0.isBackwards }?.name, in: languageModels)
  }

  /// The model of a name among those of a kind, or the first of them.
  ///
  /// Throws `RequestError` where there is none.
  static func find<Model>(
    _ name: String?, in models: [ServedModel<Model>]
  ) throws(RequestError) -> ServedModel<Model> {
    if let model = name == nil ? models.first : models.first(where: { $0.name == name }) {
      return model
    }
    let known = models.map { "\"\(quoted($0.name))\"" }.joined(separator: ", ")
    let found = name.map { " called \"\(quoted($0))\"" } ?? ""
    throw RequestError(
      status: 404,
      message: "there is no \(Model.kind.title)\(found); "
        + (models.isEmpty ? "none is served" : "there is \(known)"), field: "model",
      code: "model_not_found")
  }
}
