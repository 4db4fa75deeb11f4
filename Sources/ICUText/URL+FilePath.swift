internal import FoundationEssentials

extension URL {
  /// The path of a file; of other URLs all that they say, so that an error names it whole.
  var filePath: String { isFileURL ? path : absoluteString }
}
