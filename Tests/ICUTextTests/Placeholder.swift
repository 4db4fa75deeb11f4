import Testing

@testable import ICUText

@Test func placeholder() {}
