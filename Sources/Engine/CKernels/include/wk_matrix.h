/// Weight matrices repacked for the kernels.
///
/// A matrix has `columns` outputs and `depth` inputs. 16 columns make a panel: each SIMD lane
/// accumulates one output over the inputs in order, so that a result depends on nothing but its own
/// row of activations and its own column of weights. The last panel is filled up with zero columns.
#ifndef WK_MATRIX_H
#define WK_MATRIX_H

#include "wk_formats.h"

enum { WK_PANEL_COLUMNS = 16 };

/// How a panel stores its weights.
typedef enum wk_packing {
  /// 4 bits. Per 32 inputs: 16 scales, 16 offsets, then 4 runs of 64 bytes. A run has 8 inputs: in
  /// the 4 bytes of a column, byte j has input j in its low half and input 4 + j in its high half,
  /// so
  /// that a mask, or a shift and a mask, leave 4 neighbours.
  WK_PACKED_NIBBLES,
  /// 8 bits, signed. Per 32 inputs: 16 (or with `fine_scales` 2 × 16) scales, 16 offsets if
  /// `has_offsets`, then 8 runs of 64 bytes: 4 neighbouring inputs of each column.
  WK_PACKED_BYTES,
  /// Per input 16 weights as they were in the file.
  WK_PACKED_F32,
  WK_PACKED_F16,
  WK_PACKED_BF16,
} wk_packing;

typedef struct wk_matrix {
  wk_packing packing;
  /// Scales and offsets are f32; otherwise f16, which then holds each of them exactly.
  bool wide_scales;
  /// One scale for 16 inputs, otherwise for 32.
  bool fine_scales;
  /// Weights are level * scale + offset, otherwise level * scale.
  bool has_offsets;
  size_t columns;
  size_t depth;
  size_t panel_bytes;
  uint8_t *panels;
} wk_matrix;

/// Whether the kernels take quantised activations for this matrix, rather than f32.
static inline bool wk_matrix_is_quantized(const wk_matrix *matrix) {
  return matrix->packing == WK_PACKED_NIBBLES || matrix->packing == WK_PACKED_BYTES;
}

static inline size_t wk_matrix_panel_count(const wk_matrix *matrix) {
  return (matrix->columns + WK_PANEL_COLUMNS - 1) / WK_PANEL_COLUMNS;
}

/// Describes how a tensor of `columns` rows of `depth` weights is packed; `panels` is null.
wk_matrix wk_matrix_describe(wk_format format, bool wide_scales, size_t columns, size_t depth);

/// Packs panels `begin ..< end` from the tensor's bytes.
///
/// Returns false when a scale or offset is not exact in f16 though the description says so: then
/// describe the matrix anew with wide scales.
bool wk_matrix_pack(const wk_matrix *matrix, wk_format format, const uint8_t *source, size_t begin,
                    size_t end);

/// Writes the `depth` weights of one column as f32: the row of an embedding table.
void wk_matrix_column(const wk_matrix *matrix, size_t column, float *target);

#endif
