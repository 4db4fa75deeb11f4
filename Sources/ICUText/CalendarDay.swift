/// A day of the proleptic Gregorian calendar: the one of today, also before it was introduced.
public struct CalendarDay: Sendable, Hashable, Comparable {
  /// How many days it is after 1 January 1970; negative before.
  public let daysSince1970: Int

  /// The day so many days after 1 January 1970.
  public init(daysSince1970: Int) { self.daysSince1970 = daysSince1970 }

  /// A day by its numbers, or nil where no such day is in the calendar, as with 30 February.
  public init?(year: Int, month: Int, day: Int) {
    guard (1...9999).contains(year), (1...12).contains(month), (1...31).contains(day) else {
      return nil
    }
    // Years begin in March, so that the leap day is a year's last.
    let shifted = month <= 2 ? year - 1 : year
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    let leapDays = shifted / 4 - shifted / 100 + shifted / 400
    daysSince1970 = 365 * shifted + leapDays + dayOfYear - Self.daysBefore1970
    let (foundYear, foundMonth, foundDay) = numbers
    guard (foundYear, foundMonth, foundDay) == (year, month, day) else { return nil }
  }

  /// The days from 1 March of the year 0 to 1 January 1970.
  private static let daysBefore1970 = 719_468

  /// The year, the month from 1 and the day of the month from 1.
  public var numbers: (year: Int, month: Int, day: Int) {
    // Eras of 400 years are all alike.
    let daysOfEra = 146_097
    let shifted = daysSince1970 + Self.daysBefore1970
    let era = (shifted >= 0 ? shifted : shifted - (daysOfEra - 1)) / daysOfEra
    let dayOfEra = shifted - era * daysOfEra
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / (daysOfEra - 1)) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
  }

  /// The day in the form of ISO 8601, such as 1969-07-20.
  public var iso8601: String {
    func padded(_ number: Int, _ width: Int) -> String {
      let digits = String(number.magnitude)
      return (number < 0 ? "-" : "")
        + String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    let (year, month, day) = numbers
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }

  /// Whether one day comes before another.
  public static func < (left: CalendarDay, right: CalendarDay) -> Bool {
    left.daysSince1970 < right.daysSince1970
  }
}
