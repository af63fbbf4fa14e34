import Logging
import Transformer

/// Says how far loading a model has come, once a second: a small model is loaded before anything has
/// to be said.
struct LoadingLog {
  private let logger: Logger
  private let start = ContinuousClock.now
  private var lastReport = ContinuousClock.now

  init(logger: Logger) { self.logger = logger }

  mutating func report(_ progress: LoadingProgress) {
    let now = ContinuousClock.now
    guard now - lastReport >= .seconds(1) else { return }
    lastReport = now
    let rate = Double(progress.loadedByteCount) / ((now - start) / .seconds(1)) / 1e6
    logger.notice(
      "loading weights",
      metadata: [
        "tensor": "\(progress.tensor)",
        "percent": "\(100 * progress.loadedByteCount / progress.totalByteCount)",
        "megabytes-per-second": "\(Int(rate))",
      ]
    )
  }
}
