/// Distinct byte strings, numbered in the order in which they came: an open-addressing hash table.
struct StringTable: Sendable {
  /// The strings one after another; string `i` is `bytes[offsets[i]..<offsets[i + 1]]`.
  private(set) var bytes: [UInt8] = []
  private(set) var offsets: [Int] = [0]
  private var hashes: [UInt32] = []
  private var slots = [Int32](repeating: -1, count: 1024)

  var count: Int { hashes.count }

  func range(of index: Int) -> Range<Int> { offsets[index]..<offsets[index + 1] }

  /// The number of a string, or -1.
  @inline(__always)
  func find(_ key: UnsafeBufferPointer<UInt8>) -> Int {
    let hash = Self.hash(key)
    return Int(slots[slot(of: key, hash)])
  }

  /// The number of a string, which is added if it is new.
  @inline(__always)
  mutating func insert(_ key: UnsafeBufferPointer<UInt8>) -> Int {
    let hash = Self.hash(key)
    let place = slot(of: key, hash)
    if slots[place] >= 0 { return Int(slots[place]) }
    let index = count
    slots[place] = Int32(index)
    hashes.append(hash)
    bytes.append(contentsOf: key)
    offsets.append(bytes.count)
    if count * 2 > slots.count { grow() }
    return index
  }

  private func slot(of key: UnsafeBufferPointer<UInt8>, _ hash: UInt32) -> Int {
    let mask = slots.count - 1
    var place = Int(hash) & mask
    while slots[place] >= 0 {
      let index = Int(slots[place])
      if hashes[index] == hash, offsets[index + 1] - offsets[index] == key.count {
        let start = offsets[index]
        var position = 0
        while position < key.count && bytes[start + position] == key[unchecked: position] {
          position += 1
        }
        if position == key.count { return place }
      }
      place = (place + 1) & mask
    }
    return place
  }

  private mutating func grow() {
    slots = [Int32](repeating: -1, count: slots.count * 2)
    let mask = slots.count - 1
    for index in 0..<count {
      var place = Int(hashes[index]) & mask
      while slots[place] >= 0 { place = (place + 1) & mask }
      slots[place] = Int32(index)
    }
  }

  /// Mixes eight bytes at a time by a 128-bit product with an odd constant.
  @inline(__always)
  private static func hash(_ key: UnsafeBufferPointer<UInt8>) -> UInt32 {
    let raw = UnsafeRawBufferPointer(key)
    var state = UInt64(key.count) &+ 0x9E37_79B9_7F4A_7C15
    var index = 0
    while index < key.count {
      var word: UInt64 = 0
      if index + 8 <= key.count {
        word = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      } else {
        for position in index..<key.count { word = word << 8 | UInt64(key[unchecked: position]) }
      }
      let product = (state ^ word).multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
      state = product.high ^ product.low
      index += 8
    }
    return UInt32(truncatingIfNeeded: state ^ state >> 32)
  }
}
