import ModelFiles
import Testing

@Suite("Tensor types")
struct TensorTypeTests {
  @Test(
    "have ggml's numbers and block sizes",
    arguments: [
      (TensorType.f32, 0, 1, 4), (.f16, 1, 1, 2), (.bf16, 30, 1, 2),
      (.q4_0, 2, 32, 2 + 16), (.q4_1, 3, 32, 2 + 2 + 16),
      (.q5_0, 6, 32, 2 + 4 + 16), (.q5_1, 7, 32, 2 + 2 + 4 + 16), (.q8_0, 8, 32, 2 + 32),
      (.q4_K, 12, 256, 2 + 2 + 12 + 128), (.q5_K, 13, 256, 2 + 2 + 12 + 32 + 128),
      (.q6_K, 14, 256, 128 + 64 + 16 + 2),
    ] as [(TensorType, UInt32, Int, Int)]
  )
  func layout(type: TensorType, number: UInt32, elements: Int, bytes: Int) {
    #expect(type.ggmlType == number)
    #expect(TensorType(ggmlType: number) == type)
    #expect(type.elementsPerBlock == elements)
    #expect(type.bytesPerBlock == bytes)
  }

  @Test("are exactly those that Weft computes with")
  func accepted() {
    let accepted = (0...255).compactMap { TensorType(ggmlType: $0) }
    #expect(Set(accepted) == Set(TensorType.allCases))
    #expect(accepted.count == 11)
  }

  @Test("are written as people write them")
  func description() {
    #expect(
      TensorType.allCases.map(\.description).sorted() == [
        "BF16", "F16", "F32", "Q4_0", "Q4_1", "Q4_K", "Q5_0", "Q5_1", "Q5_K", "Q6_K", "Q8_0",
      ]
    )
  }
}
