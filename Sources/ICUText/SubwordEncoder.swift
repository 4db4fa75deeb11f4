/// Applies merges to segments, in the order in which they were learnt, and remembers what comes of
/// each segment.
struct SubwordEncoder {
  // Text repeats its words, so most segments cost one look-up. What is rarely seen again need not
  // be kept, and all is forgotten when it has grown beyond what caches of a processor hold.
  private static let longestKept = 256
  private static let mostKept = 1 << 23

  private let merges: MergeTable
  private var segments = StringTable()
  private var ends: [Int] = [0]
  private var kept: [Int32] = []
  /// The ids of the segment at hand, -1 for those merged away; with their neighbours' places.
  private var ids: [Int32] = []
  private var next: [Int] = []
  private var previous: [Int] = []
  /// What can be merged: ranks above 40 bits of place, the lowest first.
  private var heap = Heap<UInt64>()

  init(_ merges: MergeTable) { self.merges = merges }

  /// Gives out the ids of a segment one by one.
  ///
  /// `characters` appends the ids of its characters, those that are no tokens as their bytes.
  @inline(__always)
  mutating func encode(
    _ segment: UnsafeBufferPointer<UInt8>, characters: (inout [Int32]) -> Void,
    _ body: (Int32) -> Void
  ) {
    if segment.count > Self.longestKept {
      merge(characters)
      for id in ids where id >= 0 { body(id) }
      return
    }
    if segments.bytes.count > Self.mostKept {
      segments = StringTable()
      ends = [0]
      kept.removeAll(keepingCapacity: true)
    }
    let index = segments.insert(segment)
    if index == ends.count - 1 {
      merge(characters)
      for id in ids where id >= 0 { kept.append(id) }
      ends.append(kept.count)
    }
    for place in ends[index]..<ends[index + 1] { body(kept[place]) }
  }

  private mutating func merge(_ characters: (inout [Int32]) -> Void) {
    ids.removeAll(keepingCapacity: true)
    characters(&ids)
    next.removeAll(keepingCapacity: true)
    previous.removeAll(keepingCapacity: true)
    for place in ids.indices {
      next.append(place + 1 < ids.count ? place + 1 : -1)
      previous.append(place - 1)
    }
    for place in ids.indices.dropLast() { offer(place) }
    while let item = heap.removeFirst() {
      let rank = Int(item >> 40)
      let place = Int(item & (1 << 40 - 1))
      let follower = next[place]
      // One of the two may have become part of something else since.
      guard follower >= 0, ids[place] == merges.merges[rank].left,
        ids[follower] == merges.merges[rank].right
      else { continue }
      ids[place] = merges.results[rank]
      ids[follower] = -1
      next[place] = next[follower]
      next[follower] = -1
      if next[place] >= 0 { previous[next[place]] = place }
      offer(place)
      if previous[place] >= 0 { offer(previous[place]) }
    }
  }

  private mutating func offer(_ place: Int) {
    guard next[place] >= 0, let rank = merges.rank(of: ids[place], ids[next[place]])
    else { return }
    heap.insert(UInt64(rank) << 40 | UInt64(place))
  }
}
