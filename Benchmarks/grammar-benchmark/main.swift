import Foundation
import Grammars
import MeshTypes
import Tokenization
import TokenizerFiles

// Prints what masks of typical grammars cost over a model's vocabulary: grammar-benchmark MODEL.

guard CommandLine.arguments.count == 2 else {
  print("usage: grammar-benchmark MODEL")
  exit(2)
}

let tokenizer = try Tokenizer(TokenizerDescription(modelPath: CommandLine.arguments[1]))

/// The thread's own time that `body` takes, whatever else runs on the machine.
func milliseconds(_ body: () throws -> Void) rethrows -> Double {
  func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) / 1e6
  }
  let start = now()
  try body()
  return now() - start
}

func column(_ value: Double) -> String { String(format: "%9.3f", value) }

var tree: TokenTree?
let treeTime = milliseconds {
  tree = TokenTree(
    vocabularySize: tokenizer.vocabularySize,
    endTokenIDs: tokenizer.endOfGenerationTokenIDs
  ) { id in
    (try? tokenizer.isSpecial(id)) == false ? try? tokenizer.bytes(of: id) : nil
  }
}
guard let tree else { exit(1) }
print(
  "\(tree.vocabularySize) tokens, \(tree.nodeCount) nodes,"
    + " made in \(column(treeTime).trimmingCharacters(in: .whitespaces)) ms"
)
print(
  "grammar          states  tokens  compile ms"
    + "     first time, ms a mask          next time, ms a mask      MiB"
)
print(
  "                                           "
    + "     mean      p99      max     mean      p99      max"
)

for example in Example.all {
  var masks: GrammarMasks?
  var states = 0
  let compileTime = try milliseconds {
    let grammar = try Grammar(compiling: example.source)
    states = grammar.stateCount
    masks = GrammarMasks(grammar, tokens: tree)
  }
  guard var masks else { exit(1) }
  let ids = tokenizer.encode(example.text, specialTokens: .plainText, addsBeginOfSequence: false)
  var columns = ""
  for _ in 0..<2 {
    var matcher = masks.start()
    var times: [Double] = []
    for id in ids + tokenizer.endOfGenerationTokenIDs.prefix(1) {
      var isAllowed = false
      let time = try milliseconds {
        isAllowed = try masks.mask(for: &matcher).contains(id) && masks.accept(id, &matcher)
      }
      guard isAllowed else {
        print("\(example.name): token \(id) is not allowed")
        exit(1)
      }
      times.append(time)
    }
    times.sort()
    columns += column(times.reduce(0, +) / Double(times.count))
    columns += column(times[times.count * 99 / 100]) + column(times[times.count - 1])
  }
  let name = example.name.padding(toLength: 16, withPad: " ", startingAt: 0)
  let counts = String(format: "%7d %7d   ", states, ids.count)
  let memory = String(format: "%9.1f", Double(masks.byteCount) / 1_048_576)
  print(name + counts + column(compileTime) + columns + memory)
}
