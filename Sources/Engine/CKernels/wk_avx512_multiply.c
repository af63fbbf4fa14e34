#include <string.h>

#include "wk_avx512.h"

#if WK_HAS_AVX2

// As the AVX2 kernels, with a panel's 16 columns in one vector, up to two blocks of rows, and an
// instruction that adds 4 products of 8 bits to a sum of 32.

WK_AVX512_INLINE __m512i four_inputs(const wk_level_block *block, int quad, int row) {
  int32_t four;
  memcpy(&four, block->levels + 16 * quad + 4 * row, 4);
  return _mm512_set1_epi32(four);
}

WK_AVX512_INLINE __m512 sixteen_scales(const uint8_t *vector, const bool wide) {
  return wide ? _mm512_loadu_ps(vector)
              : _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)vector));
}

WK_AVX512_INLINE __m512 add_scaled(__m512 sum, __m512 weight_scales, float scale, __m512i dots) {
  const __m512 product = _mm512_mul_ps(_mm512_set1_ps(scale), _mm512_cvtepi32_ps(dots));
  return _mm512_fmadd_ps(weight_scales, product, sum);
}

/// Rows in two blocks: row r is row r % 4 of block r / 4.
typedef struct row_blocks {
  const wk_level_block *levels[2];
  const wk_outlier_block *outliers[2];
} row_blocks;

WK_AVX512_INLINE void add_nibble_group(const uint8_t *group, const bool wide, const int rows,
                                       const row_blocks *blocks, size_t index, __m512 sums[8]) {
  const uint8_t *levels = group + (wide ? 128 : 64);
  const __m512i mask = _mm512_set1_epi8(15);
  __m512i dots[8];
  for (int r = 0; r < rows; r++) {
    dots[r] = _mm512_setzero_si512();
  }
  for (int run = 0; run < 4; run++) {
    const __m512i packed = _mm512_loadu_si512(levels + 64 * run);
    const __m512i low = _mm512_and_si512(packed, mask);
    const __m512i high = _mm512_and_si512(_mm512_srli_epi16(packed, 4), mask);
    for (int r = 0; r < rows; r++) {
      const wk_level_block *block = blocks->levels[r / 4] + index;
      dots[r] = _mm512_dpbusd_epi32(dots[r], low, four_inputs(block, 2 * run, r % 4));
    }
    for (int r = 0; r < rows; r++) {
      const wk_level_block *block = blocks->levels[r / 4] + index;
      dots[r] = _mm512_dpbusd_epi32(dots[r], high, four_inputs(block, 2 * run + 1, r % 4));
    }
  }
  const __m512 scales = sixteen_scales(group, wide);
  const __m512 offsets = sixteen_scales(group + (wide ? 64 : 32), wide);
  for (int r = 0; r < rows; r++) {
    const wk_level_block *block = blocks->levels[r / 4] + index;
    sums[r] = add_scaled(sums[r], scales, block->scales[r % 4], dots[r]);
    sums[r] = _mm512_fmadd_ps(offsets, _mm512_set1_ps(block->sums[r % 4]), sums[r]);
  }
}

WK_AVX512_INLINE void add_byte_group(const wk_panel_layout *layout, const uint8_t *group,
                                     const int rows, const row_blocks *blocks, size_t index,
                                     __m512 sums[8]) {
  const uint8_t *levels = group + layout->level_offset;
  const int parts = layout->fine ? 2 : 1;
  for (int part = 0; part < parts; part++) {
    // The instruction takes weights without a sign: 128 is added to each, and so 128 * the sum of
    // the inputs' levels taken away here.
    __m512i dots[8];
    for (int r = 0; r < rows; r++) {
      const int32_t *level_sums = blocks->levels[r / 4][index].level_sums + r % 4;
      const int32_t sum = parts == 2 ? level_sums[4 * part] : level_sums[0] + level_sums[4];
      dots[r] = _mm512_set1_epi32(-128 * sum);
    }
    for (int quad = part * 4; quad < (part + 1) * 8 / parts; quad++) {
      const __m512i weights =
          _mm512_xor_si512(_mm512_loadu_si512(levels + 64 * quad), _mm512_set1_epi8(-128));
      for (int r = 0; r < rows; r++) {
        const wk_level_block *block = blocks->levels[r / 4] + index;
        dots[r] = _mm512_dpbusd_epi32(dots[r], weights, four_inputs(block, quad, r % 4));
      }
    }
    const __m512 scales = sixteen_scales(group + (size_t)part * layout->vector_bytes, layout->wide);
    for (int r = 0; r < rows; r++) {
      const wk_level_block *block = blocks->levels[r / 4] + index;
      sums[r] = add_scaled(sums[r], scales, block->scales[r % 4], dots[r]);
    }
  }
  if (layout->has_offsets) {
    const __m512 offsets = sixteen_scales(levels - layout->vector_bytes, layout->wide);
    for (int r = 0; r < rows; r++) {
      const wk_level_block *block = blocks->levels[r / 4] + index;
      sums[r] = _mm512_fmadd_ps(offsets, _mm512_set1_ps(block->sums[r % 4]), sums[r]);
    }
  }
}

/// The levels of one input of 32.
WK_AVX512_INLINE __m512i sixteen_levels(const bool nibbles, const uint8_t *levels, size_t input) {
  if (nibbles) {
    const int shift = (int)(input % 4 * 8 + input / 4 % 2 * 4);
    const __m512i four = _mm512_loadu_si512(levels + 64 * (input / 8));
    return _mm512_and_si512(_mm512_srl_epi32(four, _mm_cvtsi32_si128(shift)),
                            _mm512_set1_epi32(15));
  }
  const int shift = (int)(24 - input % 4 * 8);
  const __m512i four = _mm512_loadu_si512(levels + 64 * (input / 4));
  return _mm512_srai_epi32(_mm512_sll_epi32(four, _mm_cvtsi32_si128(shift)), 24);
}

WK_AVX512_INLINE void add_outliers(const wk_panel_layout *layout, const bool nibbles,
                                   const uint8_t *panel, const int rows, const row_blocks *blocks,
                                   size_t index, __m512 sums[8]) {
  for (int r = 0; r < rows; r++) {
    const wk_outlier_block *block = blocks->outliers[r / 4] + index;
    const size_t input = block->inputs[r % 4];
    const uint8_t *group = panel + input / 32 * layout->group_bytes;
    const uint8_t *scales = group + (layout->fine && input % 32 >= 16 ? layout->vector_bytes : 0);
    const __m512i levels = sixteen_levels(nibbles, group + layout->level_offset, input % 32);
    const __m512 product =
        _mm512_mul_ps(_mm512_set1_ps(block->values[r % 4]), _mm512_cvtepi32_ps(levels));
    sums[r] = _mm512_fmadd_ps(sixteen_scales(scales, layout->wide), product, sums[r]);
  }
}

WK_AVX512_INLINE void store(wk_place place, size_t row, __m512 sum) {
  const wk_product *product = place.product;
  const size_t column = place.panel_index * WK_PANEL_COLUMNS;
  float *out = product->out + (place.row + row) * product->out_stride + column;
  const size_t count = wk_smaller(WK_PANEL_COLUMNS, product->matrix->columns - column);
  const __mmask16 mask = (__mmask16)((1u << count) - 1);
  if (product->accumulate) {
    sum = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, out), sum);
  }
  _mm512_mask_storeu_ps(out, mask, sum);
}

WK_AVX512_INLINE void quantized_rows(wk_place place, const int rows, const bool nibbles,
                                     const bool wide) {
  const wk_panel_layout layout = wk_panel_layout_of(place.product->matrix);
  const size_t groups = place.product->matrix->depth / 32;
  const wk_level_block *levels = wk_levels_at(place);
  const wk_outlier_block *outliers = wk_outliers_at(place);
  const row_blocks blocks = {{levels, levels + groups},
                             {outliers, outliers + wk_divided_up(groups, 4)}};
  __m512 sums[8];
  for (int r = 0; r < rows; r++) {
    sums[r] = _mm512_setzero_ps();
  }
  for (size_t index = 0; index < groups; index++) {
    const uint8_t *group = place.panel + index * layout.group_bytes;
    if (place.fetches_ahead) {
      wk_fetch_ahead(group, layout.group_bytes);
    }
    if (nibbles) {
      add_nibble_group(group, wide, rows, &blocks, index, sums);
    } else {
      add_byte_group(&layout, group, rows, &blocks, index, sums);
    }
    if (index % 4 == 3 || index + 1 == groups) {
      add_outliers(&layout, nibbles, place.panel, rows, &blocks, index / 4, sums);
    }
  }
  for (int r = 0; r < rows; r++) {
    store(place, (size_t)r, sums[r]);
  }
}

#define FOR_EACH_ROW_COUNT(count, body)                                                            \
  switch (count) {                                                                                 \
  case 1:                                                                                          \
    body(1) break;                                                                                 \
  case 2:                                                                                          \
    body(2) break;                                                                                 \
  case 3:                                                                                          \
    body(3) break;                                                                                 \
  case 4:                                                                                          \
    body(4) break;                                                                                 \
  default:                                                                                         \
    body(8) break;                                                                                 \
  }

WK_AVX512 static void quantized_tile(wk_place place, size_t rows) {
  const wk_matrix *matrix = place.product->matrix;
  FOR_EACH_ROW_COUNT(rows, WK_QUANTIZED_VARIANTS)
}

WK_AVX512 void wk_avx512_multiply(const wk_product *product, size_t panel_begin, size_t panel_end,
                                  size_t row_begin, size_t row_end) {
  const wk_matrix *matrix = product->matrix;
  if (!wk_matrix_is_quantized(matrix)) {
    wk_avx2_multiply(product, panel_begin, panel_end, row_begin, row_end);
    return;
  }
  for (size_t index = panel_begin; index < panel_end; index++) {
    for (size_t row = row_begin; row < row_end;) {
      const size_t left = row_end - row, rows = left >= 8 ? 8 : wk_smaller(left, 4);
      const wk_place place = wk_place_at(product, index, row, row == row_begin && rows >= 4);
      quantized_tile(place, rows);
      row += rows;
    }
  }
}

#endif
