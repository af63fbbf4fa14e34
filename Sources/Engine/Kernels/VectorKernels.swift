import CKernels

/// Kernels for one row, on the caller's thread.
package enum VectorKernels {
  /// The index of the largest value, the first among equals, and whether all values are finite; if
  /// not, the index says nothing.
  package static func largest(_ values: Span<Float>) -> (index: Int, allFinite: Bool) {
    precondition(!values.isEmpty, "no values")
    return values.withUnsafeBufferPointer { values in
      var allFinite = false
      let index = wk_kernel_set_best().pointee.largest(
        values.baseAddress,
        values.count,
        &allFinite
      )
      return (index, allFinite)
    }
  }

  /// out[i] = exp((values[i] - maximum) * factor), of finite values at most `maximum`.
  package static func exponentials(
    of values: Span<Float>,
    maximum: Float,
    factor: Float,
    into out: inout [Float]
  ) {
    if out.count != values.count {
      out.removeAll(keepingCapacity: true)
      out.append(contentsOf: repeatElement(0, count: values.count))
    }
    values.withUnsafeBufferPointer { values in
      out.withUnsafeMutableBufferPointer { out in
        wk_kernel_set_best().pointee.exponentials(
          values.baseAddress,
          values.count,
          maximum,
          factor,
          out.baseAddress
        )
      }
    }
  }
}
