import CommandLineModels
import MajorTom

/// The tool's commands, in the order of the overview.
let commands: [Command] = [
  LanguageModel.trainCommand, Tagger.trainCommand, Translator.trainCommand,
  resumeCommand(of: trainableKinds),
  runsCommand, checkCommand, verifyResumeCommand, generateCommand, surpriseCommand,
  tagCommand, translateCommand, evaluateCommand, scoreCommand, vocabularyCommand, tokenizeCommand,
  corpusNumbersCommand, corpusDatesCommand, corpusNamesCommand, selfTestCommand,
  gradientFlowCommand, explainCellsCommand, explainAllCommand, infoCommand, diffCommand,
  planCommand,
  quantizeCommand, serveCommand, versionCommand, completionsCommand, referenceCommand,
]

/// The kinds of models that can be trained.
let trainableKinds: [any CommandLineModel.Type] = [
  LanguageModel.self, Tagger.self, Translator.self,
]

@main
enum Tool {
  static func main() {
    CommandLineTool(
      about: "majortom: write, tag and translate text with networks learnt from your own data",
      version: version, commands: commands, remedy: remedy(for:)
    ) { command, arguments in
      try command.demandNothingIdle(arguments)
    }.main()
  }
}
