/// Which points of a line are drawn: the least and the greatest of each part of its width.
struct Thinned {
  /// The indices of points, one list for each part of the line between gaps.
  let parts: [[Int]]

  /// The points in all.
  var count: Int { parts.reduce(0) { $0 + $1.count } }

  /// Thins a line out to about `most` points, in time linear in their number.
  ///
  /// - Parameters:
  ///   - x: Where the points are.
  ///   - y: See `x`.
  ///   - most: The points that may be kept, at least 4.
  ///   - place: How far to the right a point is, from 0 to 1; nil where it cannot be drawn.
  init(_ x: [Double], _ y: [Double], to most: Int, place: (Double, Double) -> Double?) {
    let count = min(x.count, y.count)
    let places = (0..<count).map { place(x[$0], y[$0]) }
    let drawn = places.indices.filter { places[$0] != nil }
    var kept = drawn
    if drawn.count > most {
      let buckets = max(1, most / 2 - 1)
      var least = [Int?](repeating: nil, count: buckets)
      var greatest = least
      for index in drawn {
        let bucket = max(0, min(buckets - 1, Int((places[index] ?? 0) * Double(buckets))))
        if least[bucket].map({ y[index] < y[$0] }) ?? true { least[bucket] = index }
        if greatest[bucket].map({ y[index] > y[$0] }) ?? true { greatest[bucket] = index }
      }
      // A gap that can be seen keeps what stands on either side of it.
      var edges: [Int] = []
      for (left, right) in zip(drawn, drawn.dropFirst()) where right > left + 1 {
        let width = abs((places[right] ?? 0) - (places[left] ?? 0))
        if width * Double(buckets) > 2, edges.count < 2 * buckets { edges += [left, right] }
      }
      let chosen = (least + greatest + [drawn.first, drawn.last]).compactMap { $0 }
      kept = Set(chosen + edges).sorted()
    }
    // A gap is where all that lies between two points that are drawn cannot be.
    var parts: [[Int]] = []
    var holes = 0
    var previous: Int?
    var drawable = 0
    var next = kept.makeIterator()
    var target = next.next()
    for index in 0..<count {
      if places[index] == nil { holes += 1 } else { drawable += 1 }
      guard index == target else { continue }
      if previous == nil || holes > 0 && drawable == 1 {
        parts.append([index])
      } else {
        parts[parts.count - 1].append(index)
      }
      (previous, holes, drawable) = (index, 0, 0)
      target = next.next()
    }
    self.parts = parts
  }
}
