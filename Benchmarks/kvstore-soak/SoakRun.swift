import BlockCache
import FoundationEssentials
import GRPCCore
import Glibc
import KVStoreWire
import MeshProtos
import SwiftProtobuf
import Synchronization

/// Holds the store under Put, Get and Lookup, and watches its memory and file descriptors.
struct SoakRun: Sendable {
  let launcher: StoreLauncher
  let blocks: BlockSet

  private final class Tally: Sendable {
    let put = Atomic(0)
    let got = Atomic(0)
    let lookups = Atomic(0)
    let wrong = Atomic(0)
  }

  /// One look at the process.
  private struct Sample {
    var seconds: Double
    var residentKiB: Int
    var descriptors: Int
  }

  func run(minutes: Double) async throws {
    let tally = Tally()
    try await launcher.with { store in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for worker in 0..<2 {
          group.addTask { try await put(store, tally, seed: UInt64(worker)) }
          group.addTask { try await get(store, tally, seed: UInt64(worker) + 100) }
        }
        group.addTask { try await lookUp(store, tally, seed: 200) }
        let samples = try await watch(store, tally, minutes: minutes)
        group.cancelAll()
        while await group.nextResult() != nil {}
        report(samples, tally)
      }
    }
  }

  private func put(
    _ store: StoreLauncher.Running,
    _ tally: Tally,
    seed: UInt64
  ) async throws {
    try await StoreService.putBlocks(on: store.grpc) { messages in
      var generator = Numbers(state: seed)
      while !Task.isCancelled {
        let number = Int.random(in: 0..<blocks.count, using: &generator)
        try await messages.write(blocks.put(number))
      }
    } onResponse: { response in
      for try await _ in response.messages { tally.put.add(1, ordering: .relaxed) }
    }
  }

  private func keys(_ numbers: [Int]) -> Data {
    numbers.reduce(into: Data()) { $0.append(contentsOf: blocks.key($1).bytes) }
  }

  private func get(
    _ store: StoreLauncher.Running,
    _ tally: Tally,
    seed: UInt64
  ) async throws {
    var generator = Numbers(state: seed)
    while !Task.isCancelled {
      let numbers = (0..<32).map { _ in Int.random(in: 0..<blocks.count, using: &generator) }
      let request = Weft_Kvstore_V1_GetRequest.with {
        $0.namespace = "soak"
        $0.keys = keys(numbers)
        $0.skipMissing = true
      }
      try await StoreService.getBlocks(request, on: store.grpc) { response in
        for try await block in response.messages {
          tally.got.add(1, ordering: .relaxed)
          if !blocks.isRight(block.payload, numbers[Int(block.keyIndex)]) {
            tally.wrong.add(1, ordering: .relaxed)
          }
        }
      }
    }
  }

  private func lookUp(
    _ store: StoreLauncher.Running,
    _ tally: Tally,
    seed: UInt64
  ) async throws {
    var generator = Numbers(state: seed)
    while !Task.isCancelled {
      let first = Int.random(in: 0..<blocks.count, using: &generator)
      let list = keys((0..<128).map { (first + $0) % blocks.count })
      _ = try await store.client.lookup(
        .with {
          $0.namespace = "soak"
          $0.keyLists = [list]
          $0.prefetch = first % 16 == 0
        }
      )
      tally.lookups.add(1, ordering: .relaxed)
    }
  }

  private func watch(
    _ store: StoreLauncher.Running,
    _ tally: Tally,
    minutes: Double
  ) async throws -> [Sample] {
    var samples: [Sample] = []
    let start = ContinuousClock.now
    while .now - start < .seconds(minutes * 60) {
      try await Task.sleep(for: .seconds(5))
      let sample = Sample(
        seconds: (.now - start) / Duration.seconds(1),
        residentKiB: Self.residentKiB(of: store.pid),
        descriptors: Self.descriptors(of: store.pid)
      )
      samples.append(sample)
      guard samples.count % 6 == 0 else { continue }
      print(
        "\(Int(sample.seconds)) s: resident \(sample.residentKiB / 1024) MiB,",
        "descriptors \(sample.descriptors), put \(tally.put.load(ordering: .relaxed)),",
        "got \(tally.got.load(ordering: .relaxed)),",
        "lookups \(tally.lookups.load(ordering: .relaxed)),",
        "WRONG \(tally.wrong.load(ordering: .relaxed))"
      )
      fflush(nil)
    }
    return samples
  }

  /// Tells how the memory changed after a first quarter in which everything fills up.
  private func report(_ samples: [Sample], _ tally: Tally) {
    let warm = samples.dropFirst(samples.count / 4)
    guard let first = warm.first, first.residentKiB > 0 else { return }
    let half = warm.suffix(samples.count / 2).map(\.residentKiB)
    let (least, most) = (half.min() ?? 0, half.max() ?? 0)
    let middle = Double(least + most) / 2
    let drift = (Double(warm.last?.residentKiB ?? 0) / Double(first.residentKiB) - 1) * 100
    let descriptors = samples.map(\.descriptors)
    print(
      "resident after warm-up, at \(Int(first.seconds)) s: \(first.residentKiB / 1024) MiB;",
      "drift since then \(drift) %; second half \(least / 1024) to \(most / 1024) MiB,",
      "± \(middle > 0 ? Double(most - least) / 2 / middle * 100 : 0) %;",
      "descriptors \(descriptors.min() ?? 0) to \(descriptors.max() ?? 0),",
      "at the end \(descriptors.last ?? 0); WRONG \(tally.wrong.load(ordering: .relaxed))"
    )
  }

  private static func residentKiB(of pid: pid_t) -> Int {
    guard let status = try? String(contentsOfFile: "/proc/\(pid)/status"),
      let match = status.firstMatch(of: #/VmRSS:\s+([0-9]+)/#)
    else { return 0 }
    return Int(match.1) ?? 0
  }

  private static func descriptors(of pid: pid_t) -> Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count) ?? 0
  }
}
