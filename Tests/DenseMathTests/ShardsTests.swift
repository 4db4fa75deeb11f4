import COneDNN
import DenseMath
import Glibc
import Synchronization
import Testing

@Suite struct ShardsTests {
  @Test(arguments: [1, 2, 3, 7])
  func eachElementIsVisitedOnce(_ threads: Int) {
    for count in [0, 1, 2, 3, 6, 7, 8, 100] {
      var visits = [[Int]](repeating: [], count: count)
      Shards(threads: threads).forEach(&visits) { index, element in element.append(index) }
      #expect(visits == (0..<count).map { [$0] }, "\(count) elements")
    }
  }

  @Test(arguments: [1, 2, 3, 7])
  func eachIndexIsVisitedOnce(_ threads: Int) {
    for count in [0, 1, 2, 3, 6, 7, 8, 100] {
      let visits = Mutex<[Int]>([])
      Shards(threads: threads).forEachIndex(count) { index in
        visits.withLock { $0.append(index) }
      }
      let sorted = visits.withLock { $0.sorted() }
      #expect(sorted == Array(0..<count), "\(count) indices")
    }
  }

  @Test(arguments: [-3, 0, 1])
  func thereIsAlwaysOneThread(_ threads: Int) {
    #expect(Shards(threads: threads).threads == 1)
  }

  @Test func threadsAreTheProcessorsByDefault() {
    #expect(Shards().threads == Shards.processors)
  }

  /// OpenMP's setting of the calling thread, which a host program may use for its own loops.
  private struct OpenMP {
    let threads: @convention(c) () -> Int32
    let setThreads: @convention(c) (Int32) -> Void

    init?() {
      _ = mt_onednn_version()  // so that oneDNN is linked, and with it its OpenMP
      guard let get = dlsym(nil, "omp_get_max_threads"), let set = dlsym(nil, "omp_set_num_threads")
      else { return nil }
      threads = unsafeBitCast(get, to: (@convention(c) () -> Int32).self)
      setThreads = unsafeBitCast(set, to: (@convention(c) (Int32) -> Void).self)
    }
  }

  @Test func openMPKeepsItsThreads() {
    guard let openMP = OpenMP() else { return }
    let before = openMP.threads()
    defer { openMP.setThreads(before) }
    openMP.setThreads(3)
    var arena = Arena<Float>()
    let (a, b, c) = (arena.zeros(8, 8), arena.zeros(8, 8), arena.zeros(8, 8))
    func multiply() {
      Float.product(a, transposed: false, b, transposed: false, into: c, accumulate: false)
    }
    multiply()
    #expect(openMP.threads() == 3)
    PackedMatrix<Float>(inner: 8, outer: 8).load(b, transposed: false)
    #expect(openMP.threads() == 3)
    Shards(threads: 1).forEachIndex(2) { _ in }
    #expect(openMP.threads() == 3)
    Shards.withProductThreads(2) { multiply() }
    #expect(openMP.threads() == 3)
    arena.reset()
  }

  @Test func productThreadsEndWithTheirScope() {
    let before = mt_product_threads(5)
    defer { _ = mt_product_threads(before) }
    func threads() -> Int32 {
      let threads = mt_product_threads(1)
      _ = mt_product_threads(threads)
      return threads
    }
    Shards.withProductThreads(2) {
      #expect(threads() == 2)
      Shards(threads: 1).forEachIndex(1) { _ in
        // Not `threads()`, as the body may run on another thread.
        let held = mt_product_threads(1)
        #expect(held == 1)
      }
      #expect(threads() == 2)
    }
    #expect(threads() == 5)
  }
}
