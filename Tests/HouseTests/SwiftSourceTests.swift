import Testing

@Suite struct SwiftSourceTests {
  private func functions(_ text: String) throws -> [String] {
    try SwiftSource(text).functions.map {
      "\($0.name) \($0.lines.lowerBound)-\($0.lines.upperBound)"
    }
  }

  /// A function of so many lines, the first and the last with its braces.
  private func function(lines: Int) -> String {
    "func long() {\n" + String(repeating: "  work()\n", count: lines - 2) + "}\n"
  }

  @Test(arguments: [2, 59, 60, 61, 200])
  func linesAreCountedFromTheKeywordToTheBrace(_ count: Int) throws {
    let source = try SwiftSource(
      "/// It works.\n@inline(never)\n" + function(lines: count) + "\n\n")
    #expect(source.functions.map(\.lines.count) == [count])
    let isLong = source.functions.contains { $0.lines.count > SourceTests.longestFunction }
    #expect(isLong == (count >= 61))
  }

  @Test func everyKindOfFunctionIsFound() throws {
    let text = """
      struct A<T> {
        init() { }
        init?(_ a: Int) { }
        init<S>(many: S) where S: Sequence {
        }
        deinit {
        }
        subscript(index: Int) -> Int {
          get { 1 }
        }
        var value: [Int: String] {
          [:]
        }
        static func < (left: A, right: A) -> Bool { true }
        static func == (left: A, right: A) -> Bool {
          true
        }
        func generic<S: Sequence<[Int]>>(
          _ a: S, then: () -> Void = { },
          _ b: Int
        ) throws(E)
          -> [Int]
        where
          S: Hashable,
          T: Hashable
        {
          func inner() {
          }
        }
        func `repeat`() async { }
      }
      """
    #expect(
      try functions(text) == [
        "init 2-2", "init 3-3", "init 4-5", "deinit 6-7", "subscript 8-10", "value 11-13",
        "< 14-14", "== 15-17", "generic 18-29", "inner 27-28", "repeat 30-30",
      ])
  }

  @Test func whatIsNoFunctionIsNotFound() throws {
    let text = """
      protocol P {
        func first(_ a: Int) -> Int
        init(a: Int)
        func second() throws
        subscript(a: Int) -> Int { get }
      }
      let a = A.init()
      var b = 5
      while b < 3 {
        if var c = b { }
        let point = #function
        self.init(a)
      }
      var d: Int
      do { }
      var e: [Int] = {
        []
      }()
      let functional = 3, varied = 4
      """
    #expect(try functions(text) == ["subscript 5-5"])
  }

  @Test func bracesInTextsAndCommentsAreNoBraces() throws {
    let text = ###"""
      func a() {
        let b = "} \" { \("}" + c { $0 ? "{" : "\(d)" }) {"
        // }
        /* } /* } */ { */
        let e = """
          } " "" {
          \(f("}"))
          \""" }
          """
        let g = ##"} "# \(h) \##(i { "}" }) {"##
        let j = "\\"
        let k = ""
      }
      func l() { }
      """###
    #expect(try functions(text) == ["a 1-13", "l 14-14"])
  }

  @Test func literalsAreReadWithTheirLines() throws {
    let text = #"""
      let a = "one" + "t\"wo"
      // "three"
      let b = """
        four
        five
        """
      let c = "six \(d("seven")) eight" + #"ni"n\e"#
      """#
    #expect(
      try SwiftSource(text).literals == [
        .init(text: "one", line: 1), .init(text: "t\"wo", line: 1),
        .init(text: "\n  four\n  five\n  ", line: 3), .init(text: "seven", line: 7),
        .init(text: "six \u{0} eight", line: 7), .init(text: "ni\"n\\e", line: 7),
      ])
  }

  @Test(arguments: [
    "func a() {", "}", "let a = \"b", "/* a", "let a = \"\\(b", "{ { }", "\"\"\"\na",
  ])
  func whatIsNotWholeIsRefused(_ text: String) {
    #expect(throws: SwiftSource.Unbalanced.self) { try SwiftSource(text) }
  }

  @Test func reasonsAreRead() throws {
    let source = try SwiftSource(
      """
      // A file.
      // Long: it is a table.

      // Long: a switch over all cells.
      /// Works.
      @inline(never)
      public func a() { }

      // Long: of nothing, for an empty line stands between.

      func b() { }
      // Long:
      func c() { }
      func d() { }
      """)
    #expect(source.reason == "it is a table.")
    #expect(
      source.functions.map(source.reason) == ["a switch over all cells.", nil, nil, nil])
    #expect(try SwiftSource("import A\n// Long: too late.\n").reason == nil)
  }

  @Test func linesAreCountedAsWcDoes() throws {
    #expect(try SwiftSource("a\nb\n").lineCount == 2)
    #expect(try SwiftSource("a\nb").lineCount == 2)
    #expect(try SwiftSource("").lineCount == 0)
  }
}
