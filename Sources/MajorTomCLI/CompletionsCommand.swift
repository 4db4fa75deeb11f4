import CommandLineModels
import CommandLineOptions
import MajorTom

private enum Shell: String, CaseIterable { case bash, zsh, fish }

/// The command `majortom completions SHELL`.
let completionsCommand = Command(
  "completions", summary: "write what completes commands and options in a shell",
  synopsis: "bash|zsh|fish",
  about: """
    Writes a script that completes commands, options and their values. For this session of bash:
    source <(majortom completions bash). To keep it, write it to a file that the shell reads:
    ~/.local/share/bash-completion/completions/majortom, a file _majortom in a folder of zsh's fpath, or
    ~/.config/fish/completions/majortom.fish.
    """,
  options: []
) { arguments in
  let known = Shell.allCases.map(\.rawValue)
  guard let name = arguments.words.first, arguments.words.count == 1 else {
    throw UsageError("one shell is needed: \(known.joined(separator: ", "))")
  }
  guard let shell = Shell(rawValue: name) else {
    let nearest = nearestName(to: name, among: known).map { "; did you mean \($0)?" } ?? ""
    throw UsageError(
      "\(quoted(name)): expected one of \(known.joined(separator: ", "))\(nearest)")
  }
  let rows = commands.map(CompletedCommand.init)
  switch shell {
  case .bash: writeOutput(bashCompletion(rows))
  case .zsh: writeOutput(zshCompletion(rows))
  case .fish: writeOutput(fishCompletion(rows))
  }
}

/// A command as shells complete it.
struct CompletedCommand {
  let words, summary: String
  let options: [CompletedOption]
  /// What its words are one of, where they are no files.
  let choices: [String]

  init(_ command: Command) {
    words = command.words
    summary = command.summary
    options = (command.options + [Option(flag: "help", short: "h", "Show this help")])
      .map(CompletedOption.init)
    choices = command.words == "completions" ? Shell.allCases.map(\.rawValue) : []
  }
}

/// An option as shells complete it.
struct CompletedOption {
  /// What its argument is.
  enum Value: Equatable {
    /// It has none.
    case none
    /// One of some names.
    case choice([String])
    /// A file or a folder.
    case file
    /// Anything else, such as a number.
    case other(String)
  }

  let name, help: String
  let short: Character?
  let value: Value

  init(_ option: Option) {
    (name, short, help) = (option.name, option.short, option.help)
    let files = ["FILE", "MODEL", "RUN", "FOLDER", "PATH"]
    value =
      switch option.argument {
      case nil: .none
      case .some where !option.choices.isEmpty: .choice(option.choices)
      case .some(let argument): files.contains(argument) ? .file : .other(argument)
      }
  }
}

// MARK: bash

// Long: a script, which reads best in one piece.
private func bashCompletion(_ commands: [CompletedCommand]) -> String {
  let cases = commands.map { command in
    "    '\(command.words)') options='\(command.options.flatMap(names).joined(separator: " "))'"
      + (command.choices.isEmpty ? "" : " words='\(command.choices.joined(separator: " "))'")
      + " ;;\n"
  }
  var values = ""
  for command in commands {
    for option in command.options {
      let pattern = names(option).map { "'\(command.words):\($0)'" }.joined(separator: "|")
      switch option.value {
      case .none: break
      case .choice(let choices):
        values += "    \(pattern)) values='\(choices.joined(separator: " "))' ;;\n"
      case .file: values += "    \(pattern)) isFile=1 ;;\n"
      case .other: values += "    \(pattern)) isOther=1 ;;\n"
      }
    }
  }
  return #"""
    # Completion of majortom in bash, made by: majortom completions bash

    _majortom() {
      local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
      local first=${COMP_WORDS[1]} command options words values isFile isOther begin=2
      COMPREPLY=()
      # --name=value is three words to bash.
      if [[ $current == = ]]; then
        current=
      elif [[ $previous == = ]]; then
        previous=${COMP_WORDS[COMP_CWORD - 2]}
      fi
      if [[ $COMP_CWORD -eq 1 ]]; then
        COMPREPLY=($(compgen -W '\#(firstWords(commands).joined(separator: " ")) help --help --version' -- "$current"))
        return
      fi
      if [[ $first == help ]]; then
        first=${COMP_WORDS[2]} begin=3
        if [[ $COMP_CWORD -eq 2 ]]; then
          COMPREPLY=($(compgen -W '\#(firstWords(commands).joined(separator: " "))' -- "$current"))
          return
        fi
      fi
      command=$first
      case $first in
    \#(families(commands).map { family, words in
      """
          \(family))
            if [[ $COMP_CWORD -eq $begin ]]; then
              COMPREPLY=($(compgen -W '\(words.joined(separator: " "))' -- "$current"))
              return
            fi
            command="$first ${COMP_WORDS[begin]}" ;;

      """
    }.joined())  esac
      [[ $begin -eq 2 ]] || return
      case $command in
    \#(cases.joined())    *) return ;;
      esac
      case $command:$previous in
    \#(values)  esac
      if [[ -n $values ]]; then
        COMPREPLY=($(compgen -W "$values" -- "$current"))
      elif [[ -n $isFile ]]; then
        compopt -o filenames -o default
      elif [[ -n $isOther ]]; then
        return
      elif [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$current"))
      elif [[ -n $words ]]; then
        COMPREPLY=($(compgen -W "$words" -- "$current"))
      else
        compopt -o filenames -o default
      fi
    }
    complete -F _majortom majortom

    """#
}

private func names(_ option: CompletedOption) -> [String] {
  (option.short.map { ["-\($0)"] } ?? []) + ["--\(option.name)"]
}

/// The first words of commands, each once.
private func firstWords(_ commands: [CompletedCommand]) -> [String] {
  commands.reduce(into: []) { words, command in
    let first = String(command.words.prefix { $0 != " " })
    if !words.contains(first) { words.append(first) }
  }
}

/// The commands of two words: the first one with all the second ones.
private func families(_ commands: [CompletedCommand]) -> [(String, [String])] {
  firstWords(commands).compactMap { first in
    let seconds = commands.map(\.words).filter { $0.hasPrefix(first + " ") }
      .map { String($0.dropFirst(first.count + 1)) }
    return seconds.isEmpty ? nil : (first, seconds)
  }
}

/// What a list of first words says of one.
private func summary(ofFirst word: String, _ commands: [CompletedCommand]) -> String {
  if let command = commands.first(where: { $0.words == word }) { return command.summary }
  let seconds = families(commands).first { $0.0 == word }?.1 ?? []
  return "\(word) " + seconds.joined(separator: ", ")
}

// MARK: zsh

// Long: a script, which reads best in one piece.
private func zshCompletion(_ commands: [CompletedCommand]) -> String {
  func described(_ words: [(String, String)]) -> String {
    words.map { "      \(single("\($0.0):\($0.1)"))\n" }.joined()
  }
  func list(_ name: String, _ words: [(String, String)]) -> String {
    "    local -a \(name)\n    \(name)=(\n\(described(words))    )\n"
  }
  let first = firstWords(commands).map { ($0, summary(ofFirst: $0, commands)) }
  let seconds = families(commands).map { family, words in
    let rows = words.map { word in
      (word, commands.first { $0.words == "\(family) \(word)" }?.summary ?? "")
    }
    return """
          \(family))
            if (( CURRENT == 3 )); then
              local -a seconds
              seconds=(
      \(rows.map { "          \(single("\($0.0):\($0.1)"))\n" }.joined())        )
              _describe -t commands 'command' seconds
              return
            fi
            command="$words[2] $words[3]"
            shift words
            (( CURRENT-- )) ;;

      """
  }
  let cases = commands.map { command in
    let specifications = command.options.flatMap(zshSpecifications).map {
      "        \(single($0)) \\\n"
    }
    let rest =
      command.choices.isEmpty
      ? "*:file:_files" : "1:shell:(\(command.choices.joined(separator: " ")))"
    return
      "    \(single(command.words)))\n      _arguments -s -S \\\n\(specifications.joined())        \(single(rest)) ;;\n"
  }
  return #"""
    #compdef majortom
    # Completion of majortom in zsh, made by: majortom completions zsh

    _majortom() {
      local command
    \#(list("first", first + [("help", "show what a command does, and its options")]))
      if (( CURRENT == 2 )); then
        if [[ $words[2] == -* ]]; then
          _arguments '(- *)--help[show the commands]' '(- *)--version[show the version]'
        else
          _describe -t commands 'command' first
        fi
        return
      fi
      if [[ $words[2] == help ]]; then
        shift words
        (( CURRENT-- ))
        if (( CURRENT == 2 )); then
          _describe -t commands 'command' first
          return
        fi
        (( CURRENT == 3 )) || return
      fi
      command=$words[2]
      case $words[2] in
    \#(seconds.joined())  esac
      shift words
      (( CURRENT-- ))
      case $command in
    \#(cases.joined())  esac
    }

    # The file is a function for zsh's own loading, or it is sourced.
    if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
      _majortom "$@"
    else
      compdef _majortom majortom
    fi

    """#
}

/// An option for `_arguments`, in both its forms.
private func zshSpecifications(_ option: CompletedOption) -> [String] {
  let help = option.help.replacing("\\", with: "\\\\").replacing("[", with: "\\[")
    .replacing("]", with: "\\]").replacing(":", with: "\\:")
  let (mark, action) =
    switch option.value {
    case .none: ("", "")
    case .choice(let choices): ("=", ":value:(\(choices.joined(separator: " ")))")
    case .file: ("=", ":file:_files")
    case .other(let argument): ("=", ":\(argument.replacing(":", with: "\\:")): ")
    }
  let long = "--\(option.name)"
  guard let short = option.short else { return ["*\(long)\(mark)[\(help)]\(action)"] }
  return [
    "*\(long)\(mark)[\(help)]\(action)",
    "*-\(short)\(mark.isEmpty ? "" : "+")[\(help)]\(action)",
  ]
}

/// A text as one word of a shell.
private func single(_ text: String) -> String {
  "'" + text.replacing("'", with: "'\\''") + "'"
}

// MARK: fish

// Long: a script, which reads best in one piece.
private func fishCompletion(_ commands: [CompletedCommand]) -> String {
  var text = #"""
    # Completion of majortom in fish, made by: majortom completions fish

    # Whether the words typed so far, but for the last one, are these, with options behind them.
    function __majortom_follows
        set -l typed (commandline -opc)
        set -l wanted majortom $argv
        test (count $typed) -ge (count $wanted); or return 1
        for place in (seq 2 (count $wanted))
            test "$typed[$place]" = "$wanted[$place]"; or return 1
        end
    end

    # Whether they are these and nothing else.
    function __majortom_ends
        set -l typed (commandline -opc)
        test (count $typed) -eq (math 1 + (count $argv)); or return 1
        test (count $argv) -eq 0; and return 0
        __majortom_follows $argv
    end

    complete -c majortom -n '__majortom_ends' -f
    complete -c majortom -n '__majortom_ends' -l help -s h -d 'Show the commands'
    complete -c majortom -n '__majortom_ends' -l version -d 'Show the version'
    complete -c majortom -n '__majortom_follows help' -f

    """#
  let help = "show what a command does, and its options"
  for (word, summary) in firstWords(commands).map({ ($0, summary(ofFirst: $0, commands)) }) {
    for words in ["", " help"] {
      text +=
        "complete -c majortom -n '__majortom_ends\(words)' -a \(word) -d \(fishWord(summary))\n"
    }
  }
  text += "complete -c majortom -n '__majortom_ends' -a help -d \(fishWord(help))\n"
  for (family, words) in families(commands) {
    for place in ["", "help "] {
      let condition = "'__majortom_ends \(place)\(family)'"
      text += "complete -c majortom -n \(condition) -f\n"
      for word in words {
        let summary = commands.first { $0.words == "\(family) \(word)" }?.summary ?? ""
        text += "complete -c majortom -n \(condition) -a \(word) -d \(fishWord(summary))\n"
      }
    }
  }
  for command in commands {
    let condition = "-n '__majortom_follows \(command.words)'"
    if !command.choices.isEmpty {
      text +=
        "complete -c majortom \(condition) -f -a '\(command.choices.joined(separator: " "))'\n"
    }
    for option in command.options {
      let value =
        switch option.value {
        case .none: ""
        case .choice(let choices): " -x -a '\(choices.joined(separator: " "))'"
        case .file: " -r -F"
        case .other: " -x"
        }
      text +=
        "complete -c majortom \(condition) -l \(option.name)"
        + (option.short.map { " -s \($0)" } ?? "") + value + " -d \(fishWord(option.help))\n"
    }
  }
  return text
}

/// A text as one word of fish, which knows two escapes within single quotes.
private func fishWord(_ text: String) -> String {
  "'" + text.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
}
