/// Sequences of symbols as paths from a root, all edges in one hash table.
///
/// A node stands for its sequence without a chance of error, since an edge is looked up by its
/// parent and symbol themselves; strings as keys would cost a hash of all their bytes, and would be
/// equal where only canonically equivalent.
struct SequenceTree {
  /// The node of the empty sequence.
  static let root: UInt32 = 0

  /// The nodes so far, which are numbered from 0.
  private(set) var nodeCount = 1
  /// Open addressing: parent and symbol of the edge in each slot, and where it leads.
  private var edges: [UInt64]
  private var children: [UInt32]
  /// The slots in use, so that clearing costs no more than filling.
  private var usedSlots: [Int] = []
  private var shift: UInt64

  /// No node has this number, so no edge looks like it.
  private static let noEdge = UInt64.max
  private static let leastBits: UInt64 = 10

  init() {
    edges = [UInt64](repeating: Self.noEdge, count: 1 << Int(Self.leastBits))
    children = [UInt32](repeating: 0, count: edges.count)
    shift = 64 - Self.leastBits
  }

  /// The node that a symbol leads to, or nil where no sequence goes there.
  func child(of node: UInt32, by symbol: UInt32) -> UInt32? {
    let slot = slot(of: UInt64(node) << 32 | UInt64(symbol))
    return edges[slot] == Self.noEdge ? nil : children[slot]
  }

  /// The node that a symbol leads to, which is made where there is none.
  mutating func makeChild(of node: UInt32, by symbol: UInt32) -> UInt32 {
    let edge = UInt64(node) << 32 | UInt64(symbol)
    var place = slot(of: edge)
    if edges[place] != Self.noEdge { return children[place] }
    if 2 * (usedSlots.count + 1) > edges.count {
      grow()
      place = slot(of: edge)
    }
    edges[place] = edge
    children[place] = UInt32(nodeCount)
    usedSlots.append(place)
    nodeCount += 1
    return children[place]
  }

  /// Forgets all but the root.
  mutating func removeAll() {
    for slot in usedSlots { edges[slot] = Self.noEdge }
    usedSlots.removeAll(keepingCapacity: true)
    nodeCount = 1
  }

  private func slot(of edge: UInt64) -> Int {
    // The upper bits of a product with the golden ratio depend on all bits of the edge.
    var slot = Int((edge &* 0x9E37_79B9_7F4A_7C15) >> shift)
    while edges[slot] != edge, edges[slot] != Self.noEdge { slot = (slot + 1) & (edges.count - 1) }
    return slot
  }

  private mutating func grow() {
    let known = usedSlots.map { (edges[$0], children[$0]) }
    edges = [UInt64](repeating: Self.noEdge, count: 2 * edges.count)
    children = [UInt32](repeating: 0, count: edges.count)
    shift -= 1
    usedSlots.removeAll(keepingCapacity: true)
    for (edge, child) in known {
      let place = slot(of: edge)
      edges[place] = edge
      children[place] = child
      usedSlots.append(place)
    }
  }
}

/// Counts the n-grams that a sequence has in common with others, and gives words ids for it.
///
/// It keeps its memory from sentence to sentence.
struct NGramCounter {
  private var grams = SequenceTree()
  private var words = SequenceTree()
  /// By node: how often it is in one reference, and at most in any.
  private var counts: [Int] = []
  private var most: [Int] = []

  /// The number of n-grams in a sequence, for each order.
  static func totals(_ length: Int, order: Int) -> [Int] {
    (1...order).map { max(0, length - $0 + 1) }
  }

  /// How many n-grams of the hypothesis are in a reference, for each order.
  ///
  /// Each counts at most as often as in the reference that has it most often.
  mutating func matches(
    of hypothesis: [UInt32], in references: [[UInt32]], order: Int
  ) -> [Int] {
    grams.removeAll()
    most.removeAll(keepingCapacity: true)
    most.append(0)
    for reference in references {
      counts.removeAll(keepingCapacity: true)
      counts.append(contentsOf: repeatElement(0, count: grams.nodeCount))
      for start in reference.indices {
        var node = SequenceTree.root
        for symbol in reference[start..<min(start + order, reference.count)] {
          node = grams.makeChild(of: node, by: symbol)
          if Int(node) == counts.count { counts.append(0) }
          counts[Int(node)] += 1
        }
      }
      most.append(contentsOf: repeatElement(0, count: counts.count - most.count))
      for node in counts.indices where counts[node] > most[node] { most[node] = counts[node] }
    }
    var matches = [Int](repeating: 0, count: order)
    for start in hypothesis.indices {
      var node = SequenceTree.root
      for length in 0..<min(order, hypothesis.count - start) {
        // Where no reference has the beginning, none has more of it.
        guard let next = grams.child(of: node, by: hypothesis[start + length]) else { break }
        node = next
        if most[Int(node)] > 0 {
          most[Int(node)] -= 1
          matches[length] += 1
        }
      }
    }
    return matches
  }

  /// An id for each word of some sentences, the same for the same code points.
  mutating func ids(of sentences: [[ArraySlice<Unicode.Scalar>]]) -> [[UInt32]] {
    words.removeAll()
    return sentences.map { sentence in
      sentence.map { word in
        word.reduce(SequenceTree.root) { words.makeChild(of: $0, by: $1.value) }
      }
    }
  }
}
