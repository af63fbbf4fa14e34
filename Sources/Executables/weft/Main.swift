import ArgumentParser
import WeftCLI

@main
enum Main {
  static func main() async { await WeftCommand.main() }
}
