/// A binary heap: gives out its elements in an order, and takes new ones at any time.
///
/// The order is told to each call rather than to the heap, since it may look at what its owner
/// changes between the calls. All calls on one heap must be told the same order; elements that
/// neither comes before the other may come out in any sequence.
///
/// Inserting and removing cost O(log n).
struct Heap<Element> {
  private var elements: [Element] = []

  var count: Int { elements.count }
  var isEmpty: Bool { elements.isEmpty }

  /// Adds an element.
  @inline(__always)
  mutating func insert(_ element: Element, by comesFirst: (Element, Element) -> Bool) {
    var place = elements.count
    elements.append(element)
    while place > 0, comesFirst(element, elements[(place - 1) / 2]) {
      elements[place] = elements[(place - 1) / 2]
      place = (place - 1) / 2
    }
    elements[place] = element
  }

  /// Takes out an element that no other comes before; nil where there is none.
  @inline(__always)
  mutating func removeFirst(by comesFirst: (Element, Element) -> Bool) -> Element? {
    guard let first = elements.first, let element = elements.popLast() else { return nil }
    if elements.isEmpty { return first }
    var place = 0
    while true {
      var child = 2 * place + 1
      if child >= elements.count { break }
      if child + 1 < elements.count, comesFirst(elements[child + 1], elements[child]) {
        child += 1
      }
      if !comesFirst(elements[child], element) { break }
      elements[place] = elements[child]
      place = child
    }
    elements[place] = element
    return first
  }
}

extension Heap where Element: Comparable {
  /// Adds an element to a heap that gives out the least one first.
  mutating func insert(_ element: Element) { insert(element, by: <) }

  /// Takes out the least element; nil where there is none.
  mutating func removeFirst() -> Element? { removeFirst(by: <) }
}
