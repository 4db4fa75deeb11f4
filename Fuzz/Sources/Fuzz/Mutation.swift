import MajorTom

@_silgen_name("LLVMFuzzerMutate")
private func mutate(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ room: Int) -> Int

/// libFuzzer calls this for a new input; it must always be there if it is there at all.
@_cdecl("LLVMFuzzerCustomMutator")
public func customMutator(
  _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ room: Int, _ seed: UInt32
) -> Int {
  guard let change = Driver.chosen?.mutate else { return mutate(bytes, count, room) }
  var mutation = Mutation(
    bytes: Array(UnsafeBufferPointer(start: bytes, count: count)), room: room, seed: seed)
  change(&mutation)
  let changed = mutation.bytes.prefix(room)
  for (place, byte) in changed.enumerated() { bytes[place] = byte }
  return changed.count
}

/// An input that is being changed.
struct Mutation {
  var bytes: [UInt8]
  /// The most bytes that it may have.
  let room: Int
  private var state: UInt64

  init(bytes: [UInt8], room: Int, seed: UInt32) {
    self.bytes = bytes
    self.room = room
    state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
  }

  /// A random number below a bound, by Marsaglia's xorshift.
  mutating func number(below bound: Int) -> Int {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Int(state >> 33) % max(1, bound)
  }

  mutating func choice<Element>(_ all: [Element]) -> Element { all[number(below: all.count)] }

  /// Has libFuzzer change a part of the input, which may grow or shrink.
  mutating func changePart(_ range: Range<Int>) {
    let most = range.count + max(0, room - bytes.count)
    guard most > 0 else { return }
    var part = Array(bytes[range]) + [UInt8](repeating: 0, count: most - range.count)
    let count = part.withUnsafeMutableBufferPointer {
      $0.baseAddress.map { mutate($0, range.count, most) } ?? 0
    }
    bytes.replaceSubrange(range, with: part[..<count])
  }

  /// Puts another number in place of one that stands as digits within a range.
  mutating func changeNumber(in range: Range<Int>) {
    func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
    let starts = range.filter { place in
      isDigit(bytes[place]) && (place == range.lowerBound || !isDigit(bytes[place - 1]))
    }
    guard !starts.isEmpty else { return changePart(range) }
    let start = choice(starts)
    var end = start
    while end < range.upperBound, isDigit(bytes[end]) { end += 1 }
    bytes.replaceSubrange(start..<end, with: Array(choice(Self.numbers).utf8))
  }

  /// Numbers at the ends of their types, and what is no number.
  private static let numbers = [
    "0", "1", "2", "-1", "256", "257", "1000", "65535", "65536", "2147483647", "2147483648",
    "-2147483649", "4294967295", "4294967296", "9007199254740992", "9007199254740993",
    "4611686018427387904", "9223372036854775807", "-9223372036854775808",
    "9223372036854775808", "18446744073709551615", "0.5", "1e308", "-1e308", "1e-320", "1e400",
    "1e18", "1e19", "null", "true", "[]", "{}",
  ]
}

/// Safetensors files as bytes.
enum Safetensors {
  /// Where the header stands, if its length fits the file.
  static func header(of bytes: [UInt8]) -> Range<Int>? {
    guard bytes.count >= 8 else { return nil }
    let length = bytes[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return length <= UInt64(bytes.count - 8) ? 8..<8 + Int(length) : nil
  }

  /// Changes a file so that it stays one: numbers of its header, the header, or its data.
  static func mutate(_ mutation: inout Mutation) {
    guard let header = header(of: mutation.bytes) else {
      return mutation.changePart(0..<mutation.bytes.count)
    }
    let rest = mutation.bytes.count - header.upperBound
    switch mutation.number(below: 10) {
    case 0..<4: mutation.changeNumber(in: header)
    case 4..<6: mutation.changePart(header)
    case 6, 7: return changeFloats(&mutation, from: header.upperBound)
    case 8: return mutation.changePart(header.upperBound..<mutation.bytes.count)
    default: return mutation.changePart(0..<mutation.bytes.count)
    }
    let length = mutation.bytes.count - rest - 8
    for byte in 0..<8 { mutation.bytes[byte] = UInt8(truncatingIfNeeded: length >> (8 * byte)) }
  }

  /// Puts numbers at the ends of their type in the place of some weights.
  private static func changeFloats(_ mutation: inout Mutation, from start: Int) {
    let floats: [Float] = [.nan, .infinity, 3e38, -3e38, 1e30, 3e7, 1e-40, 0, -0.0]
    for _ in 0...mutation.number(below: 8) {
      let place = start + 4 * mutation.number(below: (mutation.bytes.count - start) / 4)
      guard place + 4 <= mutation.bytes.count else { return }
      let bits = mutation.choice(floats).bitPattern
      for byte in 0..<4 {
        mutation.bytes[place + byte] = UInt8(truncatingIfNeeded: bits >> (8 * byte))
      }
    }
  }

  /// The file with its checksum put right, if it has one: a fuzzer must get past it.
  static func withSoundChecksum(_ bytes: [UInt8]) -> [UInt8] {
    let key = Array("\"checksum\":\"crc32c:".utf8)
    guard let header = header(of: bytes),
      let place = header.first(where: { bytes[$0...].starts(with: key) }),
      place + key.count + 8 <= bytes.count
    else { return bytes }
    var bytes = bytes
    let digits = place + key.count..<place + key.count + 8
    bytes.replaceSubrange(digits, with: Array("00000000".utf8))
    var checksum = CRC32C()
    bytes.withUnsafeBytes { checksum.add($0) }
    bytes.replaceSubrange(digits, with: Array(checksum.digits.utf8))
    return bytes
  }
}
