#include "wk_avx2_product.h"

#if WK_HAS_AVX2

// Each kernel below is written once for `rows` rows and inlined with a constant count, so that sums
// stay in registers. A row's arithmetic is the same in all of them. A panel is two vectors of
// columns, the halves; both take each broadcast of activations.

/// Keeps a sum where it is computed: the compiler would load the activations of many steps ahead,
/// more than there are registers.
#define STAY(vector) __asm__ volatile("" : "+x"(vector))

WK_AVX2_INLINE __m256i four_inputs(const wk_level_block *block, int quad, int row) {
  const float *levels = (const float *)(const void *)(block->levels + 16 * quad + 4 * row);
  return _mm256_castps_si256(_mm256_broadcast_ss(levels));
}

/// Adds the products of 4 inputs to sums of 16 bits.
WK_AVX2_INLINE void add_quad(const __m256i weights[2], const wk_level_block *block, int quad,
                             const int rows, __m256i dots[4][2]) {
  for (int r = 0; r < rows; r++) {
    const __m256i inputs = four_inputs(block, quad, r);
    for (int half = 0; half < 2; half++) {
      const __m256i products = _mm256_maddubs_epi16(weights[half], inputs);
      dots[r][half] = _mm256_add_epi16(dots[r][half], products);
      STAY(dots[r][half]);
    }
  }
}

WK_AVX2_INLINE __m256 add_scaled(__m256 sum, __m256 weight_scales, const float *scale,
                                 __m256i dots) {
  const __m256 product = _mm256_mul_ps(_mm256_broadcast_ss(scale), _mm256_cvtepi32_ps(dots));
  return _mm256_fmadd_ps(weight_scales, product, sum);
}

WK_AVX2_INLINE void add_nibble_group(const uint8_t *group, const bool wide, const int rows,
                                     const wk_level_block *block, __m256 sums[4][2]) {
  const uint8_t *levels = group + (wide ? 128 : 64);
  const __m256i mask = _mm256_set1_epi8(15);
  // 32 products of at most 15 * 127: a sum of 16 of them, which is a lane, fits in 16 bits.
  __m256i dots[4][2];
  for (int r = 0; r < rows; r++) {
    dots[r][0] = dots[r][1] = _mm256_setzero_si256();
  }
  // Left to itself the compiler does so for 1 row alone; 4 gain some 6 % on Zen 3.
  WK_UNROLLED
  for (int run = 0; run < 4; run++) {
    __m256i low[2], high[2];
    for (int half = 0; half < 2; half++) {
      const uint8_t *source = levels + 64 * run + 32 * half;
      const __m256i packed = _mm256_loadu_si256((const __m256i *)source);
      low[half] = _mm256_and_si256(packed, mask);
      high[half] = _mm256_and_si256(_mm256_srli_epi16(packed, 4), mask);
    }
    add_quad(low, block, 2 * run, rows, dots);
    add_quad(high, block, 2 * run + 1, rows, dots);
  }
  for (int half = 0; half < 2; half++) {
    const __m256 scales = wk_eight_scales(group, half, wide);
    const __m256 offsets = wk_eight_scales(group + (wide ? 64 : 32), half, wide);
    for (int r = 0; r < rows; r++) {
      const __m256i pairs = _mm256_madd_epi16(dots[r][half], _mm256_set1_epi16(1));
      sums[r][half] = add_scaled(sums[r][half], scales, &block->scales[r], pairs);
      sums[r][half] = _mm256_fmadd_ps(offsets, _mm256_broadcast_ss(&block->sums[r]), sums[r][half]);
    }
  }
}

/// Adds the outliers of one block: the scales and the levels of each row's own input.
WK_AVX2_INLINE void add_outliers(const wk_panel_layout *layout, const uint8_t *panel,
                                 const int rows, const wk_outlier_block *block, __m256 sums[4][2]) {
  for (int r = 0; r < rows; r++) {
    const size_t input = block->inputs[r];
    const uint8_t *group = panel + input / 32 * layout->group_bytes;
    const uint8_t *scales = group + (layout->fine && input % 32 >= 16 ? layout->vector_bytes : 0);
    const __m256 value = _mm256_broadcast_ss(&block->values[r]);
    for (int half = 0; half < 2; half++) {
      const __m256i levels =
          wk_eight_levels(layout, group + layout->level_offset, input % 32, half);
      const __m256 product = _mm256_mul_ps(value, _mm256_cvtepi32_ps(levels));
      sums[r][half] =
          _mm256_fmadd_ps(wk_eight_scales(scales, half, layout->wide), product, sums[r][half]);
    }
  }
}

/// Adds the products of 4 inputs to sums of 32 bits. The sign goes to the activations, because the
/// instruction takes weights without one: 2 products of at most 128 * 127 fit in 16 bits.
WK_AVX2_INLINE void add_signed_quad(const __m256i weights[2], const wk_level_block *block, int quad,
                                    const int rows, __m256i dots[4][2]) {
  const __m256i magnitudes[2] = {_mm256_abs_epi8(weights[0]), _mm256_abs_epi8(weights[1])};
  for (int r = 0; r < rows; r++) {
    const __m256i inputs = four_inputs(block, quad, r);
    for (int half = 0; half < 2; half++) {
      const __m256i signs = _mm256_sign_epi8(inputs, weights[half]);
      const __m256i pairs = _mm256_maddubs_epi16(magnitudes[half], signs);
      const __m256i products = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
      dots[r][half] = _mm256_add_epi32(dots[r][half], products);
      STAY(dots[r][half]);
    }
  }
}

WK_AVX2_INLINE void add_byte_group(const wk_panel_layout *layout, const uint8_t *group,
                                   const int rows, const wk_level_block *block, __m256 sums[4][2]) {
  const uint8_t *levels = group + layout->level_offset;
  const int parts = layout->fine ? 2 : 1;
  for (int part = 0; part < parts; part++) {
    __m256i dots[4][2];
    for (int r = 0; r < rows; r++) {
      dots[r][0] = dots[r][1] = _mm256_setzero_si256();
    }
    for (int quad = part * 4; quad < (part + 1) * 8 / parts; quad++) {
      const __m256i *source = (const __m256i *)(levels + 64 * quad);
      const __m256i weights[2] = {_mm256_loadu_si256(source), _mm256_loadu_si256(source + 1)};
      add_signed_quad(weights, block, quad, rows, dots);
    }
    for (int half = 0; half < 2; half++) {
      const uint8_t *vector = group + (size_t)part * layout->vector_bytes;
      const __m256 scales = wk_eight_scales(vector, half, layout->wide);
      for (int r = 0; r < rows; r++) {
        sums[r][half] = add_scaled(sums[r][half], scales, &block->scales[r], dots[r][half]);
      }
    }
  }
  for (int half = 0; half < 2 && layout->has_offsets; half++) {
    const __m256 offsets = wk_eight_scales(levels - layout->vector_bytes, half, layout->wide);
    for (int r = 0; r < rows; r++) {
      const __m256 input_sum = _mm256_broadcast_ss(&block->sums[r]);
      sums[r][half] = _mm256_fmadd_ps(offsets, input_sum, sums[r][half]);
    }
  }
}

WK_AVX2_INLINE void quantized_rows(wk_place place, const int rows, const bool nibbles,
                                   const bool wide) {
  const wk_panel_layout layout = wk_panel_layout_of(place.product->matrix);
  const size_t depth = place.product->matrix->depth, groups = depth / 32;
  const wk_level_block *levels = wk_levels_at(place);
  const wk_outlier_block *outliers = wk_outliers_at(place);
  __m256 sums[4][2];
  for (int r = 0; r < rows; r++) {
    sums[r][0] = sums[r][1] = _mm256_setzero_ps();
  }
  for (size_t index = 0; index < groups; index++) {
    const uint8_t *group = place.panel + index * layout.group_bytes;
    if (place.fetches_ahead) {
      wk_fetch_ahead(group, layout.group_bytes);
    }
    if (nibbles) {
      add_nibble_group(group, wide, rows, &levels[index], sums);
    } else {
      add_byte_group(&layout, group, rows, &levels[index], sums);
    }
    if (index % 4 == 3 || index + 1 == groups) {
      add_outliers(&layout, place.panel, rows, &outliers[index / 4], sums);
    }
  }
  for (int r = 0; r < rows; r++) {
    wk_store_eight(place, (size_t)r, 0, sums[r][0]);
    wk_store_eight(place, (size_t)r, 8, sums[r][1]);
  }
}

WK_AVX2_INLINE __m256 eight_weights(const uint8_t *panel, size_t index, wk_packing packing) {
  if (packing == WK_PACKED_F32) {
    return _mm256_loadu_ps((const float *)(const void *)panel + index);
  }
  const __m128i halves = _mm_loadu_si128((const __m128i *)(const void *)(panel + index * 2));
  return packing == WK_PACKED_F16
             ? _mm256_cvtph_ps(halves)
             : _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
}

WK_AVX2_INLINE void float_rows(wk_place place, const int rows, const wk_packing packing) {
  const size_t depth = place.product->matrix->depth;
  const float *values = place.product->activations.values + place.row * depth;
  __m256 sums[4][2];
  for (int r = 0; r < rows; r++) {
    sums[r][0] = sums[r][1] = _mm256_setzero_ps();
  }
  for (size_t input = 0; input < depth; input++) {
    const __m256 low = eight_weights(place.panel, input * 16, packing);
    const __m256 high = eight_weights(place.panel, input * 16 + 8, packing);
    for (int r = 0; r < rows; r++) {
      const __m256 value = _mm256_set1_ps(values[(size_t)r * depth + input]);
      sums[r][0] = _mm256_fmadd_ps(value, low, sums[r][0]);
      sums[r][1] = _mm256_fmadd_ps(value, high, sums[r][1]);
    }
  }
  for (int r = 0; r < rows; r++) {
    wk_store_eight(place, (size_t)r, 0, sums[r][0]);
    wk_store_eight(place, (size_t)r, 8, sums[r][1]);
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
  default:                                                                                         \
    body(4) break;                                                                                 \
  }

WK_AVX2 static void quantized_tile(wk_place place, size_t rows) {
  const wk_matrix *matrix = place.product->matrix;
  FOR_EACH_ROW_COUNT(rows, WK_QUANTIZED_VARIANTS)
}

WK_AVX2 static void float_tile(wk_place place, size_t rows) {
  const wk_packing packing = place.product->matrix->packing;
#define BODY(n)                                                                                    \
  if (packing == WK_PACKED_F32) {                                                                  \
    float_rows(place, n, WK_PACKED_F32);                                                           \
  } else if (packing == WK_PACKED_F16) {                                                           \
    float_rows(place, n, WK_PACKED_F16);                                                           \
  } else {                                                                                         \
    float_rows(place, n, WK_PACKED_BF16);                                                          \
  }
  FOR_EACH_ROW_COUNT(rows, BODY)
#undef BODY
}

WK_AVX2 void wk_avx2_multiply(const wk_product *product, size_t panel_begin, size_t panel_end,
                              size_t row_begin, size_t row_end) {
  const wk_matrix *matrix = product->matrix;
  for (size_t index = panel_begin; index < panel_end; index++) {
    for (size_t row = row_begin; row < row_end; row += WK_BLOCK_ROWS) {
      const size_t rows = wk_smaller(WK_BLOCK_ROWS, row_end - row);
      const wk_place place = wk_place_at(product, index, row, row == row_begin && rows >= 4);
      if (wk_matrix_is_quantized(matrix)) {
        quantized_tile(place, rows);
      } else {
        float_tile(place, rows);
      }
    }
  }
}

#endif
