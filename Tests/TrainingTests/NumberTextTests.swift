import Foundation
import Testing
import Training

@Suite struct NumberTextTests {
  /// C's own formatting, but for a minus sign before zeros.
  @Test func decimalsAreThoseOfC() {
    for value in [0, 0.5, 1.5, 2.5, -1.005, 12345.6789, 1e15, 0.004999, 99.995] {
      for decimals in [0, 1, 2, 4] {
        #expect(fixed(value, decimals) == String(format: "%.\(decimals)f", value))
      }
    }
    #expect(
      fixed(-0.0001, 2) == "0.00" && fixed(.nan, 2) == "nan" && fixed(-.infinity, 1) == "-inf")
  }

  @Test func countsAndTimesAreReadable() {
    #expect(grouped(1_234_567) == "1,234,567" && grouped(-1000) == "-1,000" && grouped(7) == "7")
    #expect(grouped(.min) == "-9,223,372,036,854,775,808")
    #expect(counted(1, "word") == "1 word" && counted(2000, "word") == "2,000 words")
    #expect(time(59.6) == "1:00" && time(3661) == "1:01:01" && time(.infinity) == "?")
    #expect(scientific(3.14e-9) == "3.1e-9" && scientific(0) == "0.0")
  }
}
