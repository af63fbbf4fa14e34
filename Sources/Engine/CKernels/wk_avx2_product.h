/// What the matrix kernels for AVX2 and AVX-512 share.
#ifndef WK_AVX2_PRODUCT_H
#define WK_AVX2_PRODUCT_H

#include "wk_avx2.h"

#if WK_HAS_AVX2

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

WK_AVX2_INLINE wk_place wk_place_at(const wk_product *product, size_t panel_index, size_t row,
                                    bool fetches_ahead) {
  const wk_matrix *matrix = product->matrix;
  const uint8_t *panel = matrix->panels + panel_index * matrix->panel_bytes;
  return (wk_place){product, panel, panel_index, row, fetches_ahead};
}

/// Has the weights that come some groups later fetched; beyond the matrix's end it does nothing.
WK_AVX2_INLINE void wk_fetch_ahead(const uint8_t *group, size_t bytes) {
  enum { DISTANCE = 5120 };
  for (size_t line = 0; line < bytes; line += 64) {
    _mm_prefetch((const char *)group + DISTANCE + line, _MM_HINT_T0);
  }
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

WK_AVX2_INLINE wk_panel_layout wk_panel_layout_of(const wk_matrix *matrix) {
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
WK_AVX2_INLINE const wk_level_block *wk_levels_at(wk_place place) {
  const wk_activations *activations = &place.product->activations;
  return activations->levels + place.row / WK_BLOCK_ROWS * (activations->depth / WK_GROUP_INPUTS);
}

WK_AVX2_INLINE const wk_outlier_block *wk_outliers_at(wk_place place) {
  const wk_activations *activations = &place.product->activations;
  const size_t count = wk_divided_up(activations->depth, WK_OUTLIER_INPUTS);
  return activations->outliers + place.row / WK_BLOCK_ROWS * count;
}

/// Scales, or offsets, of columns 8 * half ..< 8 * half + 8.
WK_AVX2_INLINE __m256 wk_eight_scales(const uint8_t *vector, int half, const bool wide) {
  return wide ? _mm256_loadu_ps((const float *)(const void *)vector + 8 * half)
              : _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)vector + half));
}

/// The levels of one input of 32 in columns 8 * half ..< 8 * half + 8.
WK_AVX2_INLINE __m256i wk_eight_levels(const wk_panel_layout *layout, const uint8_t *levels,
                                       size_t input, int half) {
  const size_t run = layout->nibbles ? input / 8 : input / 4;
  const uint8_t *source = levels + 64 * run + 32 * (size_t)half;
  const __m256i four = _mm256_loadu_si256((const __m256i *)(const void *)source);
  if (layout->nibbles) {
    const int shift = (int)(input % 4 * 8 + input / 4 % 2 * 4);
    return _mm256_and_si256(_mm256_srl_epi32(four, _mm_cvtsi32_si128(shift)),
                            _mm256_set1_epi32(15));
  }
  const int shift = (int)(24 - input % 4 * 8);
  return _mm256_srai_epi32(_mm256_sll_epi32(four, _mm_cvtsi32_si128(shift)), 24);
}

/// Writes the results of 8 columns, from `column` of the panel, as far as the matrix has them.
WK_AVX2_INLINE void wk_store_eight(wk_place place, size_t row, size_t column, __m256 sum) {
  const wk_product *product = place.product;
  column += place.panel_index * WK_PANEL_COLUMNS;
  if (column >= product->matrix->columns) {
    return;
  }
  float *out = product->out + (place.row + row) * product->out_stride + column;
  const size_t count = wk_smaller(8, product->matrix->columns - column);
  if (count == 8) {
    _mm256_storeu_ps(out, product->accumulate ? _mm256_add_ps(_mm256_loadu_ps(out), sum) : sum);
    return;
  }
  float sums[8];
  _mm256_storeu_ps(sums, sum);
  for (size_t lane = 0; lane < count; lane++) {
    out[lane] = product->accumulate ? out[lane] + sums[lane] : sums[lane];
  }
}

/// Calls `quantized_rows(place, n, are nibbles, have wide scales)` of either level for `matrix`,
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
#endif
