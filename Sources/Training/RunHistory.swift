internal import Files

/// The figures of a training run, row by row, as its `metrics.csv` keeps them.
///
/// The file follows RFC 4180, with a header, so that any table reader has it; each row is one line, so that tools
/// that go by lines have it, too. Numbers are the shortest that read back exactly; one that is not finite
/// is an empty field. A sample is written as JSON writes it between its quotation marks.
///
///     data = pandas.read_csv("metrics.csv")
///     text = json.loads('"' + data["sample"].dropna().iloc[-1] + '"')
public struct RunHistory: Sendable, Equatable {
  /// What is known of an update, and of those since the row before.
  public struct Row: Sendable, Equatable {
    /// The updates made.
    public var update: Int
    /// How often the training data have been seen.
    public var epoch: Double
    /// The seconds trained, over all resumed runs.
    public var seconds: Double
    /// The mean loss since the row before, in nats a token.
    public var loss: Double
    /// The norm of the gradient before clipping: of this update, or the mean since the row before.
    public var gradientNorm: Double
    /// The learning rate.
    public var rate: Double
    /// The speed.
    public var tokensPerSecond: Double
    /// The memory that the process held; 0 where that is unknown.
    public var memoryBytes: Int
    /// The result of the validation after this update, if there was one.
    public var validation: Validation?
    /// Whether that result was the best so far.
    public var isBest: Bool
    /// What the model made at the validation.
    public var sample: String?

    /// A row; numbers that are not known are NaN.
    public init(
      update: Int, epoch: Double = .nan, seconds: Double = .nan, loss: Double = .nan,
      gradientNorm: Double = .nan, rate: Double = .nan, tokensPerSecond: Double = .nan,
      memoryBytes: Int = 0, validation: Validation? = nil, isBest: Bool = false,
      sample: String? = nil
    ) {
      self.update = update
      self.epoch = epoch
      self.seconds = seconds
      self.loss = loss
      self.gradientNorm = gradientNorm
      self.rate = rate
      self.tokensPerSecond = tokensPerSecond
      self.memoryBytes = memoryBytes
      self.validation = validation
      self.isBest = isBest
      self.sample = sample
    }
  }

  /// The rows, by ascending update.
  public var rows: [Row]
  /// What validations measure.
  public var metric: Metric

  /// A history of some rows.
  public init(_ rows: [Row] = [], metric: Metric) {
    self.rows = rows
    self.metric = metric
  }

  /// Whether an update gets a row although nothing is validated after it.
  ///
  /// All do up to update 1,024, and then 512 of each doubling: 2,000,000 updates have 6,656 rows. It depends on
  /// the number alone, so that equal runs have equal rows.
  public static func hasRow(update: Int) -> Bool {
    guard update > 512 else { return update > 0 }
    let doublings = Int.bitWidth - 1 - (update - 1).leadingZeroBitCount - 9
    return update & (1 << doublings - 1) == 0
  }

  /// Drops the rows after an update, as a run does that goes on from a checkpoint.
  public mutating func cut(to update: Int) { rows.removeAll { $0.update > update } }

  // MARK: Writing

  /// The first line of a file, with its end.
  public static let header = columns.joined(separator: ",") + "\n"

  private static let columns = [
    "update", "epoch", "seconds", "loss", "gradient_norm", "rate", "tokens_per_second",
    "memory_bytes", "validation", "best", "sample",
  ]

  /// The text of a whole file.
  public var csv: String { rows.reduce(into: Self.header) { $0 += $1.line } }

  // MARK: Reading

  /// Reads a file's text; a last line without its end, which a kill cut short, is left out.
  ///
  /// - Parameters:
  ///   - csv: The text.
  ///   - metric: What its validations measured.
  ///   - path: What messages call the file.
  /// - Throws: `TrainingError.data`, which names the line, where the text is not of such a file.
  public init(csv: String, metric: Metric, path: String = "metrics.csv") throws(TrainingError) {
    self.init(metric: metric)
    // By bytes: to Swift, a return and a line feed are one character.
    var lines = csv.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    // What follows the last line feed.
    lines.removeLast()
    guard let first = lines.first else { return }
    guard Self.withoutReturn(first).elementsEqual(Self.header.dropLast().utf8) else {
      throw .data("\(path):1: the first line is not \(Self.header.dropLast())")
    }
    for (number, line) in lines.enumerated().dropFirst() where !Self.withoutReturn(line).isEmpty {
      do throws(RowError) {
        let row = try Row(line: Self.withoutReturn(line), metric: metric)
        if let last = rows.last, last.update >= row.update {
          throw RowError(found: "update \(row.update) does not come after \(last.update)")
        }
        rows.append(row)
      } catch {
        throw .data("\(path):\(number + 1): \(error.found)")
      }
    }
  }

  private static func withoutReturn(_ line: Substring.UTF8View) -> Substring.UTF8View {
    line.last == UInt8(ascii: "\r") ? line.dropLast() : line
  }
}

extension RunHistory.Row {
  /// The row as a line of CSV, with its end.
  public var line: String {
    let fields = [
      "\(update)", field(epoch), field(seconds), field(loss), field(gradientNorm), field(rate),
      field(tokensPerSecond), "\(memoryBytes)", field(validation?.value ?? .nan),
      isBest ? "1" : "0", sample.map { "\"\(onOneLine($0))\"" } ?? "",
    ]
    return fields.joined(separator: ",") + "\n"
  }

  /// Reads a line without its end.
  fileprivate init(line: Substring.UTF8View, metric: Metric) throws(RowError) {
    let fields = try fields(of: line)
    guard fields.count == 11 else {
      throw RowError(found: "\(counted(fields.count, "field")) where there are to be 11")
    }
    func number(_ column: Int, _ name: String) throws(RowError) -> Double {
      if fields[column].text.isEmpty { return .nan }
      guard let value = Double(fields[column].text) else {
        throw RowError(found: "\(name) is not a number")
      }
      return value.isFinite ? value : .nan
    }
    func count(_ column: Int, _ name: String) throws(RowError) -> Int {
      guard let value = Int(fields[column].text), value >= 0 else {
        throw RowError(found: "\(name) is not a whole number")
      }
      return value
    }
    let value = try number(8, "the validation")
    guard let isBest = ["0": false, "1": true][fields[9].text] else {
      throw RowError(found: "what tells the best is neither 0 nor 1")
    }
    let sample = fields[10]
    guard sample.text.isEmpty && !sample.isQuoted || text(of: sample.text) != nil else {
      throw RowError(found: "the sample is not written as JSON writes it")
    }
    self.init(
      update: try count(0, "the update"), epoch: try number(1, "the epoch"),
      seconds: try number(2, "the time"), loss: try number(3, "the loss"),
      gradientNorm: try number(4, "the gradient's norm"), rate: try number(5, "the rate"),
      tokensPerSecond: try number(6, "the speed"),
      memoryBytes: fields[7].text.isEmpty ? 0 : try count(7, "the memory"),
      validation: value.isNaN ? nil : Validation(value, metric), isBest: isBest,
      sample: sample.text.isEmpty && !sample.isQuoted ? nil : text(of: sample.text))
  }
}

/// What is wrong with a line.
private struct RowError: Error {
  let found: String
}

private func field(_ value: Double) -> String { value.isFinite ? "\(value)" : "" }

/// A text as JSON writes it between its quotation marks, and these doubled as CSV has them.
///
/// Everything is escaped that any reader takes for the end of a line.
private func onOneLine(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar.value {
    case 0x22: result += "\\\"\""
    case 0x5C: result += "\\\\"
    case 0x0A: result += "\\n"
    case 0x0D: result += "\\r"
    case 0x09: result += "\\t"
    case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029:
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}

private func text(of sample: String) -> String? {
  try? JSON.value(String.self, from: "\"\(sample)\"".utf8)
}

/// The fields of a line of CSV, and whether they stood between quotation marks.
private func fields(
  of line: Substring.UTF8View
) throws(RowError) -> [(text: String, isQuoted: Bool)] {
  let (quote, comma) = (UInt8(ascii: "\""), UInt8(ascii: ","))
  var fields: [(text: String, isQuoted: Bool)] = []
  var rest = line
  while true {
    var bytes: [UInt8] = []
    let isQuoted = rest.first == quote
    if isQuoted {
      rest = rest.dropFirst()
      while true {
        guard let end = rest.firstIndex(of: quote) else {
          throw RowError(found: "a quotation mark is not closed")
        }
        bytes += rest[..<end]
        rest = rest[end...].dropFirst()
        // Two stand for one.
        guard rest.first == quote else { break }
        bytes.append(quote)
        rest = rest.dropFirst()
      }
      guard rest.isEmpty || rest.first == comma else {
        throw RowError(found: "text follows a closed quotation mark")
      }
    } else {
      bytes += rest.prefix { $0 != comma }
      rest = rest.dropFirst(bytes.count)
    }
    fields.append((String(decoding: bytes, as: UTF8.self), isQuoted))
    guard rest.first == comma else { return fields }
    rest = rest.dropFirst()
  }
}
