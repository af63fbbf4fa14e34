import BlockCache
import FoundationEssentials
import GRPCCore
import Glibc
import KVStoreWire
import MeshProtos
import SwiftProtobuf
import Synchronization

/// Kills the store while 8 writers put blocks; checks all that the next one has.
struct KillRun: Sendable {
  let launcher: StoreLauncher
  let blocks: BlockSet

  /// What the checks found.
  final class Tally: Sendable {
    let checked = Atomic(0)
    let wrong = Atomic(0)
    let acknowledged = Atomic(0)
    let strangeOutcomes = Atomic(0)
    let rebuilding = Mutex<[(seconds: Double, bytes: Double)]>([])
  }

  func run(kills: Int) async throws {
    let tally = Tally()
    let start = ContinuousClock.now
    for kill in 0...kills {
      try await launcher.with { store in
        if let rebuilding = store.rebuilding, rebuilding.bytes > 0 {
          tally.rebuilding.withLock { $0.append(rebuilding) }
        }
        try await verify(store, tally, all: kill == kills)
        if kill < kills { try await writeUntilKilled(store, tally, seed: UInt64(kill)) }
      }
      if kill % 20 == 0 { report(kill, tally) }
    }
    report(kills, tally)
    let seconds = (.now - start) / Duration.seconds(1)
    print("\(kills) kills in \(Int(seconds)) s")
  }

  /// Reads a random part of the blocks, at the end all.
  private func verify(
    _ store: StoreLauncher.Running,
    _ tally: Tally,
    all: Bool
  ) async throws {
    let numbers = all ? Array(0..<blocks.count) : Array((0..<blocks.count).shuffled().prefix(400))
    let request = Weft_Kvstore_V1_GetRequest.with {
      $0.namespace = "soak"
      $0.keys = numbers.reduce(into: Data()) { $0.append(contentsOf: blocks.key($1).bytes) }
      $0.skipMissing = true
    }
    try await StoreService.getBlocks(request, on: store.grpc) { response in
      for try await block in response.messages {
        tally.checked.add(1, ordering: .relaxed)
        if !blocks.isRight(block.payload, numbers[Int(block.keyIndex)]) {
          tally.wrong.add(1, ordering: .relaxed)
        }
      }
    }
  }

  private func writeUntilKilled(
    _ store: StoreLauncher.Running,
    _ tally: Tally,
    seed: UInt64
  ) async throws {
    await withTaskGroup(of: Void.self) { group in
      for writer in 0..<8 {
        group.addTask {
          var generator = Numbers(state: seed << 8 ^ UInt64(writer))
          try? await StoreService.putBlocks(on: store.grpc) { [generator] messages in
            var generator = generator
            while true {
              let number = Int.random(in: 0..<blocks.count, using: &generator)
              try await messages.write(blocks.put(number))
            }
          } onResponse: { response in
            for try await outcome in response.messages {
              tally.acknowledged.add(1, ordering: .relaxed)
              if outcome.code != 0 { tally.strangeOutcomes.add(1, ordering: .relaxed) }
            }
          }
          _ = generator.next()
        }
      }
      var generator = Numbers(state: seed ^ 0x6b69_6c6c)
      let milliseconds = Int.random(in: 100...900, using: &generator)
      try? await Task.sleep(for: .milliseconds(milliseconds))
      Glibc.kill(store.pid, SIGKILL)
    }
  }

  private func report(_ kills: Int, _ tally: Tally) {
    let rebuilding = tally.rebuilding.withLock { $0 }
    let perTenGigabytes = rebuilding.filter { $0.bytes > 500e6 }
      .map { $0.seconds / $0.bytes * 1e10 }
      .max()
    print(
      "kills \(kills): acknowledged \(tally.acknowledged.load(ordering: .relaxed)),",
      "not OK \(tally.strangeOutcomes.load(ordering: .relaxed)),",
      "read back \(tally.checked.load(ordering: .relaxed)),",
      "WRONG \(tally.wrong.load(ordering: .relaxed)),",
      "segments \((rebuilding.last?.bytes ?? 0) / 1e9) GB,",
      "index of the last in \(rebuilding.last?.seconds ?? 0) s,",
      "slowest per 10 GB \(perTenGigabytes ?? 0) s"
    )
    fflush(nil)
  }
}
