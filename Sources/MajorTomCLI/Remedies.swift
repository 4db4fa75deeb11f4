import CommandLineOptions
import MajorTom

/// What a user of the tool can do about an error of a library, which knows no options; nil where
/// the error says all.
func remedy(for error: any Error) -> String? {
  switch error {
  case let error as LineError: remedy(for: error.error)
  case let error as TextError: remedy(for: error)
  case let error as TaggerError: remedy(for: error)
  case let error as CorpusError: remedy(for: error)
  case let error as LanguageModelError: remedy(for: error)
  default: nil
  }
}

private func remedy(for error: TextError) -> String? {
  switch error {
  case .binary, .malformed, .undetected: "--encoding NAME names it"
  case .unknownEncoding(let name):
    nearestName(to: name, among: TextEncoding.knownNames).map { "did you mean \($0)?" }
  case .vocabularyTooSmall: "use a --max-size of at least 256"
  default: nil
  }
}

private func remedy(for error: TaggerError) -> String? {
  switch error {
  case .columnMissing: "name the columns with --token-column and --column"
  case .notCoNLLU: "for other columns use --data-format columns"
  case .columnOfCoNLLU: "use --data-format conllu, or give the column's number"
  case .otherLayout: "say which it is with --data-format"
  case .unknownTag: "or choose another --column"
  case .schemeBroken: "use --repair-tags to accept it"
  case .tooManyTags, .unlikeTags: "choose the right --column"
  default: nil
  }
}

private func remedy(for error: CorpusError) -> String? {
  switch error {
  case .columnMissing: "name the columns with --columns"
  default: nil
  }
}

private func remedy(for error: LanguageModelError) -> String? {
  switch error {
  case .corpusTooShort: "the options are --batch and --steps"
  case .textTooShort: "the option is --length"
  default: nil
  }
}
