import Glibc

// fuzz DRIVER [libFuzzer's arguments]: hands the arguments to libFuzzer, and its inputs to a driver.
// fuzz --list: the names of the drivers. fuzz --seeds FOLDER: writes the first inputs of each; --check
// FOLDER: whether they are still read.

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

let words = CommandLine.arguments
switch words.dropFirst().first {
case "--list":
  for driver in Driver.all { print(driver.name) }
case "--seeds" where words.count == 3:
  for driver in Driver.all { try driver.writeSeeds(to: words[2]) }
case "--check" where words.count == 3:
  dup2(open("/dev/null", O_WRONLY), 1)
  for driver in Driver.all { try driver.checkSeeds(in: words[2]) }
case .some(let name):
  guard let driver = Driver.all.first(where: { $0.name == name }) else {
    fatalError("there is no driver \(name); fuzz --list names them")
  }
  Driver.chosen = driver
  // The help of the option parser goes nowhere; libFuzzer writes to standard error.
  dup2(open("/dev/null", O_WRONLY), 1)
  // libFuzzer calls itself by the first word, through a shell; what is given comes last, and so counts.
  let given = ["\(words[0]) \(name)", "-max_len=\(driver.longest)"] + words.dropFirst(2)
  let pointers = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(
    capacity: given.count + 1)
  for (place, word) in given.enumerated() { pointers[place] = strdup(word) }
  pointers[given.count] = nil
  var (count, arguments) = (Int32(given.count), pointers)
  exit(
    runDriver(&count, &arguments) { bytes, count in
      Driver.chosen?.feed(UnsafeBufferPointer(start: bytes, count: count))
      return 0
    })
case nil:
  fatalError("usage: fuzz DRIVER [ARGUMENTS OF LIBFUZZER], --list, --seeds FOLDER, --check FOLDER")
}
