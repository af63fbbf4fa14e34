import MeshTypes
import Testing

extension MeshTests {
  @Suite("Several outputs", .serialized)
  struct Outputs {
    private static let text = #""text": "It was a dark and stormy night, and the""#

    private static func call(_ options: String, seed: UInt64) -> String {
      """
      {"generate": {\(text), "options": {"max_tokens": 24, "ignore_eos": true, \(options)
        "sampling": {"temperature": 1, "seed": "\(seed)"}}}}
      """
    }

    @Test("are those of single requests with their seeds, byte by byte")
    func seeds() async throws {
      let seed: UInt64 = 20
      let seeds = (0..<4).map { SamplingParameters(seed: seed).ofOutput($0).seed }
      let (alone, together) = try await TestMesh.with { mesh in
        var alone: [[UInt32]] = []
        for (number, seed) in seeds.enumerated() {
          // Under salts, so that none finds what another has computed.
          let salt = #""cache_salt": "\#(number)aaa","#
          alone += try await PythonClient.run([Self.call(salt, seed: seed)], at: mesh.gateway)
            .map(\.ids)
        }
        let outcome = try await PythonClient.run(
          [Self.call(#""n": 4,"#, seed: seed)],
          at: mesh.gateway
        )
        return (alone, try #require(outcome[0].outputs, "\(outcome)"))
      }
      #expect(alone.allSatisfy { $0.count == 24 })
      #expect(Set(alone).count == 4)
      #expect(together == alone)
    }

    @Test("are the best of more, in the order in which they are likely")
    func best() async throws {
      let (all, best) = try await TestMesh.with { mesh in
        let outcomes = try await PythonClient.run(
          [
            Self.call(#""n": 6,"#, seed: 3), Self.call(#""n": 2, "best_of": 6,"#, seed: 3),
            Self.call(#""n": 6, "best_of": 6,"#, seed: 3),
          ],
          at: mesh.gateway
        )
        #expect(outcomes[2].outputs == outcomes[0].outputs)
        return (try #require(outcomes[0].outputs), try #require(outcomes[1].outputs))
      }
      #expect(best.count == 2)
      #expect(Set(best).isSubset(of: all))
      #expect(Set(best).count == 2)
    }
  }
}
