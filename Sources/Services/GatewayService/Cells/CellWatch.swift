import MeshRuntime
import ServiceLifecycle

/// Keeps what is known of several schedulers young: who has workers, and who answers again.
struct CellWatch: Service {
  let cells: SchedulerCells

  private static let interval = Duration.seconds(1)

  func run() async {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        await cells.refresh(unlessWithin: .zero)
        try? await Task.sleep(for: Self.interval)
      }
    }
  }
}
