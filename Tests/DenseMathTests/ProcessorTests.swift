import CKernels
import DenseMath
import Foundation
import Testing

/// What Linux says of the processor.
enum Processor {
  /// The instruction sets of the first processor; empty where the system has no such list.
  static let flags: Set<String> = {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("flags") } ?? ""
    return Set(line.split(separator: ":").last?.split(separator: " ").map(String.init) ?? [])
  }()

  static var hasLevel4: Bool {
    flags.isSuperset(of: ["avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"])
  }

  static var hasLevel3: Bool { flags.isSuperset(of: ["avx2", "fma"]) }
}

@Suite struct ProcessorTests {
  @Test func levelIsThatOfTheProcessor() {
    #expect(mt_cpu_level() == (Processor.hasLevel4 ? 4 : Processor.hasLevel3 ? 3 : 1))
  }

  @Test(.enabled(if: Processor.hasLevel3, "this CPU has no fused multiply-add"))
  func kernelsOfTheProcessorsLevelRun() {
    // (1 + e)(1 - e) - 1 is -e² when product and sum are one instruction, and 0 when they are two,
    // since Float rounds 1 - e² to 1. The baseline has no such instruction: -e² shows that a clone ran.
    let e = 0x1p-13
    for columns in columnCounts {
      let a = Block<Float>([Double](repeating: 1 + e, count: columns), rows: 1, columns: columns)
      let b = Block<Float>([Double](repeating: 1 - e, count: columns), rows: 1, columns: columns)
      let out = Block<Float>([Double](repeating: -1, count: columns), rows: 1, columns: columns)
      Float.multiplyAdd(a.view, b.view, into: out.view)
      #expect(out.numbers == [Double](repeating: -e * e, count: columns), "\(columns) columns")
    }
  }

  @Test func processorsAreThoseOfTheProcess() {
    #expect(Shards.processors >= 1)
    #expect(Shards.processors <= ProcessInfo.processInfo.processorCount)
    #expect(Shards.processors == mt_processors())
  }
}
