import Foundation
import Testing

/// What somebody types and what would do nothing is refused, before anything is read.
@Suite struct IdleOptionTests {
  private let tool: Tool

  init() throws { tool = try Tool() }

  @Test(arguments: [
    ("version b", "unexpected 'b'"), ("info a -m b", "--model"), ("selftest a", "unexpected 'a'"),
    ("generate -t 0 --top-k 3", "--top-k"), ("generate -t 0 --top-p 0.5", "--top-p"),
    ("generate -t 0 --min-p 0.5", "--min-p"), ("generate --no-echo", "--no-echo"),
    ("generate --no-echo -p x --json", "--no-echo"), ("tag --json --format tsv x", "--format"),
    ("tag --best 2 --format conll x", "--best"), ("tag --best 2 --least 0.5 x", "--least"),
    ("tag --color always --format tsv x", "--color"), ("tag --color always --json x", "--color"),
    ("tag --color always --best 3 x", "--color"), ("tag --scheme iob1 x", "--scheme"),
    ("tag --batch 9 x", "--batch"), ("tag --lines x", "--lines"),
    ("tag --lines --tokenized", "--lines"), ("translate --batch 9 x", "--batch"),
    ("translate --margin 3 x", "--margin"), ("translate --beam 1 --margin 3 x", "--margin"),
    ("translate --best 4 --margin 3 x", "--margin"), ("translate --coverage 0.2 x", "--coverage"),
    ("translate --length-power 0 x", "--length-power"), ("translate --force --beam 4", "--beam"),
    ("translate --force --no-repeat 2", "--no-repeat"),
    ("translate --force --threads 2", "--threads"),
    ("tokenize --json --format tsv x", "--format"),
    ("tokenize --unit byte --locale fr x", "--locale"),
    ("corpus numbers --from en --to fr --overwrite", "--overwrite"),
    ("corpus dates --from en --to fr --overwrite", "--overwrite"),
    ("corpus names --from en --to fr --overwrite", "--overwrite"),
    ("selftest --hidden 9", "--hidden"), ("selftest --speed --seeds 2", "--seeds"),
    ("selftest --speed --task copy", "--task"), ("selftest --seed 1 --seeds 2", "--seeds"),
    ("explain cells --top 3 --text x", "--top"), ("explain cells --color always --json", "--color"),
    ("explain gradient-flow -m a --hidden 8 b", "--hidden"),
    ("explain gradient-flow -m a --sequences 8 b", "--sequences"),
    ("explain gradient-flow -m a --seed 8 b", "--seed"),
    ("train lm a -o m --momentum 0.5", "--momentum"),
    ("train lm a -o m --optimizer adamw --momentum 0.5", "--momentum"),
    ("train lm a -o m --window 4", "--window"),
    ("train lm a -o m --cell tdnn --dropout-states 0.1", "--dropout-states"),
    ("train lm a -o m --cell mingru --weight-drop 0.1", "--weight-drop"),
    ("train lm a -o m --cell gru --zoneout-cell 0.1", "--zoneout-cell"),
    ("train lm a -o m --cell elman --forget-bias 2", "--forget-bias"),
    ("train lm a -o m --cell lstm(forget-bias=2) --forget-bias 3", "--forget-bias"),
    ("train lm a -o m --layers 1 --residual", "--residual"),
    ("train lm a -o m --unit byte --min-count 3", "--min-count"),
    ("train lm a -o m --unit byte --locale fr", "--locale"),
    ("train lm a -o m --validation 0 --patience 3", "--patience"),
    ("train translator a -o m --validation 0 --validate-every 3", "--validate-every"),
    ("train lm a -o m --seeds 2 --checkpoint-every 5", "--checkpoint-every"),
    ("train tagger a -o m --vector-words 10", "--vector-words"),
    ("train tagger a -o m --dev b --validation 0.2", "--validation"),
    ("train tagger a -o m --data-format jsonl --column 3", "--column"),
    ("train tagger a -o m --validation 0 --patience 3", "--patience"),
    ("train tagger a -o m --projected 10", "--projected"),
    ("train tagger a -o m --characters none --character-size 10", "--character-size"),
    ("train tagger a -o m --data-format conllu --token-column 3", "--token-column"),
    ("train translator a -o m --dev b --validation 0.2", "--validation"),
    ("train translator --source a --target b -o m --columns 1,2", "--columns"),
    ("train translator a -o m --attention none --input-feeding", "--input-feeding"),
    (
      "train translator a -o m --max-size 300 --source-max-size 400 --target-max-size 500",
      "--max-size"
    ),
  ])
  func itIsRefused(words: String, named: String) throws {
    let refused = try tool.run(words: words.split(separator: " ").map(String.init))
    #expect(refused.code == 2 && refused.output.isEmpty, "\(words): \(refused)")
    #expect(refused.errors.hasPrefix("majortom: \(named)"), "\(words): \(refused.errors)")
    #expect(refused.errors.split(separator: "\n").count == 1)
  }

  /// The same options where they do something come as far as their files, which are not there.
  @Test(arguments: [
    "info a", "generate -m a -t 0.5 --top-k 3", "generate -m a -p x --no-echo",
    "tag -m a --format conll --scheme iob1 x", "tag -m a --best 2 --scheme iob1 --json x",
    "tag -m a --color always --format text x", "tag -m a --batch 3",
    "translate -m a --beam 3 --margin 1 --length-power 0 --coverage 0.1 x",
    "translate -m a --best 3 --length-power 0 x", "translate -m a --no-repeat 3 x",
    "train lm a -o m --optimizer sgd --momentum 0.5", "train lm a -o m --cell window --window 4",
    "train lm a -o m --cell gru --weight-drop 0.1 --dropout-states 0.2 --zoneout 0.1",
    "train lm a -o m --cell lstm-1997 --zoneout-cell 0.1", "train lm a -o m --residual",
    "train lm a -o m --cell minlstm --forget-bias 2", "train lm a -o m --unit word --locale fr",
    "train tagger a -o m --vectors b --vector-words 10",
    "train tagger a -o m --language-model b --projected 10",
    "train translator --source a --target b --dev c --columns 2,1 -o m",
    "train tagger a -o m --patience 3", "train lm a -o m --patience 3 --validation 0.01",
    "train translator a -o m --attention dot --input-feeding --validation 0.2",
    "evaluate -m a b", "explain cells -m a --find quotes --top 3 --text x",
  ])
  func whereItDoesSomethingItIsNot(words: String) throws {
    let failed = try tool.run(words: words.split(separator: " ").map(String.init))
    #expect(failed.code == 1 && failed.errors.hasPrefix("majortom: "), "\(words): \(failed)")
    #expect(!failed.errors.hasPrefix("majortom: --"), "\(words): \(failed.errors)")
  }
}
