import Foundation
import Kernels
import TestSupport
import Testing

@Suite("What heads go through before they rotate, and branches before they are added")
struct HeadTests {
  @Test("a bias is added, then each head is normalised by itself")
  func heads() throws {
    let engine = try KernelEngine(threadCount: 2)
    var random = SeededGenerator(seed: 5)
    let values = random.floats(5 * 6 * 16), bias = random.floats(6 * 16), norm = random.floats(16)
    let rows = try FloatRows(rowCapacity: 5, width: 6 * 16)
    let others = try FloatRows(rowCapacity: 5, width: 16)
    rows.fill(values)
    others.fill(Array(values.prefix(80)))
    engine.prepare(
      HeadValues(rows, bias: try WeightVector(bias), norm: try WeightVector(norm)),
      HeadValues(others),
      headDimension: 16,
      epsilon: 1e-3,
      rowCount: 5
    )
    let found = rows.values(rowCount: 5)
    for head in 0..<5 * 6 {
      let biased = (0..<16).map { Double(values[head * 16 + $0] + bias[head % 6 * 16 + $0]) }
      let square = biased.reduce(0) { $0 + $1 * $1 } / 16
      for index in 0..<16 {
        let exact = biased[index] / (square + 1e-3).squareRoot() * Double(norm[index])
        #expect(abs(Double(found[head * 16 + index]) - exact) < 1e-5)
      }
    }
    #expect(others.values(rowCount: 5) == Array(values.prefix(80)))
  }

  @Test("a branch is normalised as a whole before it is added")
  func branches() throws {
    let engine = try KernelEngine(threadCount: 2)
    var random = SeededGenerator(seed: 6)
    let values = random.floats(3 * 40), sums = random.floats(3 * 40), weights = random.floats(40)
    let branch = try FloatRows(rowCapacity: 3, width: 40)
    let sum = try FloatRows(rowCapacity: 3, width: 40)
    branch.fill(values)
    sum.fill(sums)
    engine.addNormalized(branch, rowCount: 2, weights: weights, epsilon: 1e-5, to: sum)
    let found = sum.values(rowCount: 3)
    for row in 0..<3 {
      let square =
        values[row * 40..<row * 40 + 40].reduce(0.0) { $0 + Double($1) * Double($1) } / 40
      for index in row * 40..<row * 40 + 40 {
        let factor = Double(weights[index % 40]) / (square + 1e-5).squareRoot()
        let exact = Double(sums[index]) + (row < 2 ? Double(values[index]) * factor : 0)
        #expect(abs(Double(found[index]) - exact) < 1e-5)
      }
    }
  }

  @Test("embeddings are scaled")
  func embeddings() throws {
    let engine = try KernelEngine(threadCount: 1)
    let weights: [Float] = [1, 2, 3, 4]
    let format = try #require(WeightFormat(ggmlType: 0))
    let matrix = try weights.withUnsafeBytes {
      try WeightMatrix(packing: $0, format: format, columns: 2, depth: 2, engine: engine)
    }
    let rows = try FloatRows(rowCapacity: 1, width: 2)
    engine.embed([1], from: matrix, scale: 3, into: rows)
    #expect(rows.values(rowCount: 1) == [9, 12])
  }
}
