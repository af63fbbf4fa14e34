/// What the matrix kernels for AVX2 and AVX-512 share.
#ifndef WK_AVX2_PRODUCT_H
#define WK_AVX2_PRODUCT_H

#include "wk_avx2.h"
#include "wk_panel.h"

#if WK_HAS_AVX2

/// Has the weights that come some groups later fetched; beyond the matrix's end it does nothing.
WK_AVX2_INLINE void wk_fetch_ahead(const uint8_t *group, size_t bytes) {
  enum { DISTANCE = 5120 };
  for (size_t line = 0; line < bytes; line += 64) {
    _mm_prefetch((const char *)group + DISTANCE + line, _MM_HINT_T0);
  }
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

#endif
#endif
