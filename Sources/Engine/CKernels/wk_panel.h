/// Where the vector kernels find the panels and activations of a product.
#ifndef WK_PANEL_H
#define WK_PANEL_H

#include "wk_internal.h"
#include "wk_kernel_set.h"

/// Inlined into kernels of any instruction set.
#define WK_PANEL_INLINE static inline __attribute__((always_inline))

/// Before a loop over vectors that are to stay in registers, which no loop can index.
#define WK_UNROLLED _Pragma("clang loop unroll(full)")

/// A panel, and the first of the rows that it meets.
typedef struct wk_place {
  const wk_product *product;
  const uint8_t *panel;
  size_t panel_index;
  size_t row;
  /// Whether these rows are the first to need the panel, and enough for a group to take as long as
  /// fetching one does; with fewer, the CPU's own prefetching does better.
  bool fetches_ahead;
} wk_place;

WK_PANEL_INLINE wk_place wk_place_at(const wk_product *product, size_t panel_index, size_t row,
                                     bool fetches_ahead) {
  const wk_matrix *matrix = product->matrix;
  const uint8_t *panel = matrix->panels + panel_index * matrix->panel_bytes;
  return (wk_place){product, panel, panel_index, row, fetches_ahead};
}

/// Where things lie in a panel of a quantised matrix, in bytes.
typedef struct wk_panel_layout {
  bool nibbles;
  bool wide;
  bool fine;
  bool has_offsets;
  /// 16 scales, or offsets.
  size_t vector_bytes;
  /// Of the levels, within a group.
  size_t level_offset;
  size_t group_bytes;
} wk_panel_layout;

WK_PANEL_INLINE wk_panel_layout wk_panel_layout_of(const wk_matrix *matrix) {
  wk_panel_layout layout = {.nibbles = matrix->packing == WK_PACKED_NIBBLES,
                            .wide = matrix->wide_scales,
                            .fine = matrix->fine_scales,
                            .has_offsets = matrix->has_offsets,
                            .vector_bytes = matrix->wide_scales ? 64 : 32};
  layout.level_offset =
      layout.vector_bytes * ((layout.fine ? 2u : 1u) + (layout.has_offsets ? 1u : 0u));
  layout.group_bytes = layout.level_offset + (layout.nibbles ? 256 : 512);
  return layout;
}

/// The blocks of the place's rows.
WK_PANEL_INLINE const wk_level_block *wk_levels_at(wk_place place) {
  const wk_activations *activations = &place.product->activations;
  return activations->levels + place.row / WK_BLOCK_ROWS * (activations->depth / WK_GROUP_INPUTS);
}

WK_PANEL_INLINE const wk_outlier_block *wk_outliers_at(wk_place place) {
  const wk_activations *activations = &place.product->activations;
  const size_t count = wk_divided_up(activations->depth, WK_OUTLIER_INPUTS);
  return activations->outliers + place.row / WK_BLOCK_ROWS * count;
}

/// Calls `quantized_rows(place, n, are nibbles, have wide scales)` of one level for `matrix`,
/// with constants, so that it is inlined for each.
#define WK_QUANTIZED_VARIANTS(n)                                                                   \
  if (matrix->packing == WK_PACKED_BYTES) {                                                        \
    quantized_rows(place, n, false, false);                                                        \
  } else if (matrix->wide_scales) {                                                                \
    quantized_rows(place, n, true, true);                                                          \
  } else {                                                                                         \
    quantized_rows(place, n, true, false);                                                         \
  }

#endif
