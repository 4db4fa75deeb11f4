import CommandLineOptions
import Glibc
import MajorTom
import Synchronization

/// The options that every training has, with the defaults of a plan.
func planOptions(_ plan: TrainingPlan) -> [Option] {
  let epochs =
    if case .epochs(let count) = plan.budget { fixed(count, 0) } else { "10" }
  return [
    Option("minutes", "M", "Train for M minutes"),
    Option("epochs", "E", "Train E times through the corpus (default: \(epochs))"),
    Option("updates", "N", "Train for N updates"),
    Option("rate", "R", "Highest learning rate (default: \(plan.rate))"),
    Option("warm-up", "N", "Updates until the highest rate (default: \(plan.warmUp))"),
    Option("optimizer", "RULE", "adamw or sgd (default: adamw)"),
    Option("momentum", "M", "Momentum of sgd (default: 0.9)"),
    Option("weight-decay", "D", "Weight decay (default: \(plan.weightDecay))"),
    Option("clip", "NORM", "Largest norm of a gradient (default: \(fixed(plan.clip, 0)))"),
    Option(
      "patience", "N",
      "Stop after N validations without gain, 0: never (default: \(plan.patience))"),
    Option("validate-every", "N", "Updates between validations (default: by size)"),
    Option("seed", "S", "Seed (default: 1)"),
    Option("threads", "N", "Threads; does not change results (default: all)"),
    Option(flag: "resume", "Go on from the checkpoint of FILE, if there is one"),
    Option(flag: "overwrite", "Start anew where an unfinished checkpoint lies"),
    Option("checkpoint-every", "SECONDS", "Seconds between checkpoints (default: 60)"),
    Option(flag: "json", "One JSON object a line on standard output"),
    Option(flag: "quiet", short: "q", "No progress"),
  ]
}

/// The option that chooses how products of matrices are made.
let precisionOption = Option("precision", "P", "Products in f32 or bf16 (default: f32)")

private enum OptimizerName: String, CaseIterable { case adamw, sgd }

/// A plan, changed as the options of `planOptions` say.
func trainingPlan(
  _ arguments: ParsedArguments, default plan: TrainingPlan
) throws -> TrainingPlan {
  var plan = plan
  let any = Double.greatestFiniteMagnitude
  let budgets: [TrainingBudget?] = [
    try arguments.number("minutes", in: 0...any).map { .minutes($0) },
    try arguments.number("epochs", in: 0...any).map { .epochs($0) },
    try arguments.integer("updates", in: 0...Int.max).map { .updates($0) },
  ]
  let given = budgets.compactMap { $0 }
  guard given.count <= 1 else {
    throw UsageError("only one of --minutes, --epochs and --updates can be the budget")
  }
  plan.budget = given.first ?? plan.budget
  plan.rate = try arguments.number("rate", in: 1e-9...10) ?? plan.rate
  plan.warmUp = try arguments.integer("warm-up", in: 0...Int.max) ?? plan.warmUp
  plan.rule =
    switch try arguments.choice("optimizer", of: OptimizerName.self) ?? .adamw {
    case .adamw: .adamW()
    case .sgd: .momentum(try arguments.number("momentum", in: 0...0.9999) ?? 0.9)
    }
  plan.weightDecay = try arguments.number("weight-decay", in: 0...10) ?? plan.weightDecay
  plan.clip = try arguments.number("clip", in: 1e-9...any) ?? plan.clip
  plan.patience = try arguments.integer("patience", in: 0...Int.max) ?? plan.patience
  plan.validateEvery = try arguments.integer("validate-every", in: 1...Int.max) ?? 0
  plan.seed = UInt64(try arguments.integer("seed", in: 0...Int.max) ?? 1)
  return plan
}

/// Where a model goes, found fit to be written, with its checkpoint looked for.
func runFiles(
  _ arguments: ParsedArguments, reading options: [String] = []
) throws -> RunFiles {
  guard let output = arguments.text("output") else {
    throw UsageError("no output: say where the model goes with -o FILE")
  }
  try demandApart(output, arguments.words + options.flatMap(arguments.texts))
  let resumes = arguments.has("resume")
  if FileWriter.exists(output + ".checkpoint"), !resumes, !arguments.has("overwrite") {
    throw UsageError(
      "\(output).checkpoint is of a run that was cut short: go on with --resume, or start anew with --overwrite"
    )
  }
  let seconds = try arguments.number("checkpoint-every", in: 0...1e9) ?? 60
  // A place that cannot be written is known before the training, not after it.
  try FileWriter.probe(output)
  return RunFiles(model: output, secondsBetweenCheckpoints: seconds, resumes: resumes)
}

/// Throws where what is written would replace something that is read.
func demandApart(_ output: String, _ inputs: [String]) throws(UsageError) {
  if let input = inputs.first(where: { FileWriter.areSame($0, output) }) {
    throw UsageError("\(output) is read as \(input): write to another file")
  }
}

/// Paths without their folders.
func fileNames(_ paths: [String]) -> [String] {
  paths.map { path in
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }
}

/// Whether Ctrl-C or SIGTERM has asked training to save and end.
var isInterrupted: Bool { interrupted.load(ordering: .relaxed) }

/// Set by Ctrl-C or SIGTERM; training looks at it before each update.
private let interrupted = Atomic<Bool>(false)

/// The first signal asks training to save and end, the second ends it at once.
func catchInterrupts() {
  _ = interrupted.load(ordering: .relaxed)  // made before a signal can need it
  // A parent may have left the signals blocked, as threads of a pool do for what they start.
  var both = sigset_t()
  sigemptyset(&both)
  for number in [SIGINT, SIGTERM] {
    sigaddset(&both, number)
    signal(number) { number in
      interrupted.store(true, ordering: .relaxed)
      signal(number, SIG_DFL)
    }
  }
  pthread_sigmask(SIG_UNBLOCK, &both, nil)
}
