import Foundation
import Testing

@testable import Training

/// Rows as a run may make them: some numbers unknown, some extreme, samples that are hostile to files.
let eventfulHistory = RunHistory(
  [
    .init(
      update: 1, epoch: 0.1, seconds: 0.5, loss: 4.75, gradientNorm: 12.5, rate: 1e-4,
      tokensPerSecond: 31_234.5, memoryBytes: 123_456_789),
    .init(
      update: 2, epoch: 1.0 / 3, seconds: 1.1, loss: .nan, gradientNorm: .infinity, rate: 0.1 + 0.2,
      tokensPerSecond: 1e30, memoryBytes: 0, validation: Validation(3.5, .crossEntropy),
      isBest: true, sample: "He said, \"no\"\\;\r\n\tthen\u{1}\u{7F}\u{85}\u{2028}left 漢字 👩‍🚀"),
    .init(
      update: 700, epoch: 7, seconds: 1e9, loss: 1e-30, gradientNorm: 5e-324, rate: 0,
      tokensPerSecond: -0.0, memoryBytes: 1 << 50,
      validation: Validation(.nan, .crossEntropy), sample: ""),
    .init(
      update: 1 << 53, loss: .greatestFiniteMagnitude, validation: Validation(-1, .crossEntropy),
      sample: "last\n"),
  ], metric: .crossEntropy)

@Suite struct RunHistoryTests {
  /// RFC 4180 by its own words, and nothing of ours: records end by line feeds outside of quotes.
  private func records(_ text: String) -> [[String]] {
    var (records, record, field) = ([[String]](), [String](), "")
    var (inQuotes, wasQuote) = (false, false)
    for scalar in text.unicodeScalars {
      if inQuotes, !wasQuote, scalar == "\"" { wasQuote = true; continue }
      if wasQuote {
        wasQuote = false
        if scalar == "\"" { field.unicodeScalars.append(scalar); continue }
        inQuotes = false
      }
      switch scalar {
      case "\"" where !inQuotes && field.isEmpty: inQuotes = true
      case "," where !inQuotes: record.append(field); field = ""
      case "\n" where !inQuotes: records.append(record + [field]); (record, field) = ([], "")
      default: field.unicodeScalars.append(scalar)
      }
    }
    return records
  }

  @Test func anotherReaderHasTheSameRows() throws {
    let records = records(eventfulHistory.csv)
    #expect(
      records[0].joined(separator: ",")
        == "update,epoch,seconds,loss,gradient_norm,rate,tokens_per_second,memory_bytes,validation,"
        + "best,sample")
    #expect(records.count == 5 && records.allSatisfy { $0.count == 11 })
    for (record, row) in zip(records.dropFirst(), eventfulHistory.rows) {
      #expect(Int(record[0]) == row.update && Int(record[7]) == row.memoryBytes)
      let numbers = [
        row.epoch, row.seconds, row.loss, row.gradientNorm, row.rate, row.tokensPerSecond,
        row.validation?.value ?? .nan,
      ]
      for (text, value) in zip(record[1...6] + [record[8]], numbers) {
        #expect(value.isFinite ? Double(text) == value : text.isEmpty)
      }
      #expect(record[9] == (row.isBest ? "1" : "0"))
      guard let sample = row.sample else { #expect(record[10].isEmpty); continue }
      // As JSON has it between its quotation marks: read by Foundation's own reader.
      let text = try JSONSerialization.jsonObject(
        with: Data("\"\(record[10])\"".utf8), options: .fragmentsAllowed)
      #expect(text as? String == sample)
    }
  }

  @Test func aRowIsALine() {
    // All that Python's splitlines, awk or a terminal take for the end of a line.
    let ends: Set<Unicode.Scalar> = [
      "\r", "\u{0B}", "\u{0C}", "\u{1C}", "\u{1D}", "\u{1E}", "\u{85}", "\u{2028}", "\u{2029}",
    ]
    for row in eventfulHistory.rows {
      #expect(row.line.unicodeScalars.filter { $0 == "\n" }.count == 1 && row.line.hasSuffix("\n"))
      #expect(!row.line.unicodeScalars.contains(where: ends.contains))
    }
  }

  @Test func rowsComeBack() throws {
    let read = try RunHistory(csv: eventfulHistory.csv, metric: .crossEntropy)
    // What is no number has become none, of whatever kind it was.
    #expect(read.csv == eventfulHistory.csv && read.rows.count == 4)
    #expect(read.rows[0] == eventfulHistory.rows[0])
    #expect(read.rows[1].sample == eventfulHistory.rows[1].sample)
    #expect(read.rows[1].validation == Validation(3.5, .crossEntropy) && read.rows[1].isBest)
    #expect(read.rows[1].gradientNorm.isNaN && read.rows[2].validation == nil)
    #expect(read.rows[2].sample == "" && read.rows[0].sample == nil)
    let windows = eventfulHistory.csv.replacingOccurrences(of: "\n", with: "\r\n")
    #expect(try RunHistory(csv: windows, metric: .crossEntropy).csv == eventfulHistory.csv)
    let f1 = Metric.f1
    #expect(try RunHistory(csv: eventfulHistory.csv, metric: f1).rows[1].validation?.metric == f1)
  }

  /// A file that a kill cut short anywhere is a sound one with fewer rows.
  @Test func whatWasCutShortIsLeftOut() throws {
    let bytes = Array(eventfulHistory.csv.utf8)
    for count in 0...bytes.count {
      let text = String(decoding: bytes[..<count], as: UTF8.self)
      let read = try RunHistory(csv: text, metric: .crossEntropy)
      let whole = bytes[..<count].filter { $0 == UInt8(ascii: "\n") }.count
      #expect(read.rows.count == max(0, whole - 1), "\(count) bytes")
    }
  }

  @Test(arguments: [
    ("a,b\n", "metrics.csv:1: the first line is not update,"),
    (RunHistory.header + "1,2\n", "metrics.csv:2: 2 fields where there are to be 11"),
    (RunHistory.header + "x,,,,,,,,,0,\n", "metrics.csv:2: the update is not a whole number"),
    (RunHistory.header + "-1,,,,,,,,,0,\n", "metrics.csv:2: the update is not a whole number"),
    (
      RunHistory.header + "1,,,,,,,,,0,\n2,,,x,,,,,,0,\n", "metrics.csv:3: the loss is not a number"
    ),
    (RunHistory.header + "1,,,,,,,,,2,\n", "metrics.csv:2: what tells the best is neither 0 nor 1"),
    (
      RunHistory.header + "2,,,,,,,,,0,\n2,,,,,,,,,0,\n",
      "metrics.csv:3: update 2 does not come after 2"
    ),
    (RunHistory.header + "1,,,,,,,,,0,\"a\nb\"\n", "metrics.csv:2: a quotation mark is not closed"),
    (
      RunHistory.header + "1,,,,,,,,,0,\"a\"b\n",
      "metrics.csv:2: text follows a closed quotation mark"
    ),
    (
      RunHistory.header + "1,,,,,,,,,0,\"\\x\"\n",
      "metrics.csv:2: the sample is not written as JSON writes it"
    ),
    (RunHistory.header + "1,,,,,,,x,,0,\n", "metrics.csv:2: the memory is not a whole number"),
    ("\0\0\0\n", "metrics.csv:1: the first line is not update,"),
  ])
  func whatIsWrongIsNamed(_ text: String, _ sentence: String) {
    #expect {
      try RunHistory(csv: text, metric: .crossEntropy)
    } throws: {
      "\($0)".hasPrefix(sentence)
    }
  }

  @Test func infiniteNumbersOfOthersAreNone() throws {
    let text = RunHistory.header + "1,nan,inf,1e999,-inf,,,,nan,0,\n"
    let row = try RunHistory(csv: text, metric: .f1).rows[0]
    #expect(row.epoch.isNaN && row.seconds.isNaN && row.loss.isNaN && row.gradientNorm.isNaN)
    #expect(row.validation == nil)
  }

  @Test func resumingCutsWhatCameAfterTheCheckpoint() {
    var history = eventfulHistory
    history.cut(to: 699)
    #expect(history.rows.map(\.update) == [1, 2])
    history.cut(to: 2)
    #expect(history.rows.count == 2)
    history.cut(to: 0)
    #expect(history.csv == RunHistory.header)
  }

  @Test func rowsThinOutAsARunGrowsLonger() {
    #expect((1...1024).allSatisfy { RunHistory.hasRow(update: $0) })
    #expect(!RunHistory.hasRow(update: 0) && !RunHistory.hasRow(update: -5))
    for doubling in 0..<12 {
      let updates = 512 << doubling + 1...1024 << doubling
      let rows = updates.filter { RunHistory.hasRow(update: $0) }
      #expect(rows.count == 512 && rows.last == updates.upperBound)
      #expect(Set(zip(rows, rows.dropFirst()).map { $1 - $0 }) == [1 << doubling])
    }
    #expect(RunHistory.hasRow(update: 1 << 62) && !RunHistory.hasRow(update: .max))
  }
}
