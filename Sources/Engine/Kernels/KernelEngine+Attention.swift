import CKernels

extension KernelEngine {
  /// Rotates the rows' queries and keys in place, and stores keys and values in their slots of one
  /// layer.
  ///
  /// - Parameters:
  ///   - queries: Per row all query heads' values.
  ///   - keys: Per row all KV heads' values.
  ///   - values: As `keys`.
  package func rotateAndStore(
    queries: FloatRows,
    keys: FloatRows,
    values: FloatRows,
    angles: RotaryAngles,
    pairs: RotaryPairs = .neighbours,
    rows: PagedRows,
    layer: Int,
    in memory: KVMemory
  ) {
    let layout = memory.layout
    check(rows, memory)
    precondition(
      keys.width == layout.kvHeadCount * layout.headDimension && values.width == keys.width
        && queries.width % layout.headDimension == 0
        && 2 * angles.frequencies.count <= layout.headDimension,
      "shapes differ"
    )
    precondition(
      rows.rowCount
        <= min(
          queries.rowCapacity,
          keys.rowCapacity,
          values.rowCapacity,
          angles.cosines.rowCapacity
        ),
      "too many rows"
    )
    rows.blocks.withUnsafeBufferPointer { blocks in
      rows.slots.withUnsafeBufferPointer { slots in
        var store = wk_kv_store(
          layer: memory.layer(layer, queryHeadCount: queries.width / layout.headDimension),
          queries: queries.values,
          keys: keys.values,
          values: values.values,
          blocks: blocks.baseAddress,
          slots: slots.baseAddress,
          cosines: angles.cosines.values,
          sines: angles.sines.values,
          rotations: angles.frequencies.count,
          pairs: pairs.kernelPairs
        )
        wk_store(pointer, &store, rows.rowCount)
      }
    }
  }

  /// Causal attention: each row's queries over its sequence's keys and values up to its own
  /// position, into the rows of `output`, quantised if that is.
  ///
  /// - Parameters:
  ///   - scale: What queries times keys are multiplied with; 1 / √dimension if nil.
  ///   - softCap: Above 0: softCap · tanh(score / softCap) takes the place of scaled scores; nil:
  ///     nothing does.
  ///   - window: The last positions that a row sees, its own included; nil: all.
  package func attend(
    queries: FloatRows,
    rows: PagedRows,
    layer: Int,
    scale: Float? = nil,
    softCap: Float? = nil,
    window: Int? = nil,
    in memory: KVMemory,
    into output: ActivationRows
  ) {
    check(rows, memory)
    precondition(
      queries.width == output.width && queries.width % memory.layout.headDimension == 0,
      "shapes differ"
    )
    precondition(rows.rowCount <= min(queries.rowCapacity, output.rowCapacity), "too many rows")
    precondition(window ?? 1 > 0, "a row sees at least itself")
    precondition(softCap ?? 1 > 0, "a cap is above 0")
    var kernelLayer = memory.layer(
      layer,
      queryHeadCount: queries.width / memory.layout.headDimension
    )
    if let scale { kernelLayer.scale = scale }
    if let softCap { kernelLayer.soft_cap = softCap }
    kernelLayer.window = window ?? .max
    rows.withSpans { spans in
      wk_attention(
        pointer,
        &kernelLayer,
        spans.baseAddress,
        spans.count,
        queries.values,
        output.rows.values
      )
    }
    quantize(output, rowCount: rows.rowCount)
  }

  private func check(_ rows: PagedRows, _ memory: KVMemory) {
    precondition(rows.rowCount > 0, "no rows")
    precondition(Int(rows.largestBlock) < memory.blockCount, "no such block")
    precondition(rows.blockSizeTokens == memory.layout.blockSizeTokens, "block sizes differ")
  }
}
