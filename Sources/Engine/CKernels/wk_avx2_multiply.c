#include <string.h>

#include "wk_avx2.h"

#if WK_HAS_AVX2

// Each kernel below is written once for `rows` rows and inlined with constant arguments into one
// function per variant, so that accumulators stay in registers. A row's arithmetic is the same in
// all of them.

enum { PANEL = WK_PANEL_COLUMNS };

typedef struct panel_place {
  const wk_product *product;
  const uint8_t *panel;
  size_t panel_index;
  size_t row;
} panel_place;

WK_AVX2_INLINE void store(const wk_product *product, size_t row, size_t panel_index, __m256 sum) {
  const size_t column = panel_index * PANEL;
  float *out = product->out + row * product->out_stride + column;
  if (product->matrix->columns - column >= PANEL) {
    _mm256_storeu_ps(out, product->accumulate ? _mm256_add_ps(_mm256_loadu_ps(out), sum) : sum);
    return;
  }
  float sums[PANEL];
  _mm256_storeu_ps(sums, sum);
  for (size_t lane = 0; lane < product->matrix->columns - column; lane++) {
    out[lane] = product->accumulate ? out[lane] + sums[lane] : sums[lane];
  }
}

/// Two neighbouring 16-bit inputs, for all eight columns.
WK_AVX2_INLINE __m256i two_inputs(const int16_t *levels) {
  int32_t two;
  memcpy(&two, levels, 4);
  return _mm256_set1_epi32(two);
}

WK_AVX2_INLINE __m256 load_scales(const uint8_t **panel, bool wide) {
  const uint8_t *source = *panel;
  *panel += wide ? 32 : 16;
  return wide ? _mm256_loadu_ps((const float *)source)
              : _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)source));
}

WK_AVX2_INLINE __m256 add_scaled(__m256 sum, __m256 weight_scales, float scale, __m256i dots) {
  const __m256 product = _mm256_mul_ps(_mm256_set1_ps(scale), _mm256_cvtepi32_ps(dots));
  return _mm256_fmadd_ps(weight_scales, product, sum);
}

WK_AVX2_INLINE void nibble_rows(panel_place place, const int rows, const bool wide) {
  const wk_activations *inputs = &place.product->activations;
  const size_t depth = inputs->depth, groups = depth / 32;
  const int16_t *levels = inputs->levels + place.row * depth;
  const float *scales = inputs->scales + place.row * groups;
  const float *input_sums = inputs->sums + place.row * groups;
  const __m256i mask = _mm256_set1_epi16(15);
  const uint8_t *panel = place.panel;
  __m256 sums[4];
  for (int r = 0; r < rows; r++) {
    sums[r] = _mm256_setzero_ps();
  }
  for (size_t group = 0; group < groups; group++) {
    const __m256 weight_scales = load_scales(&panel, wide);
    const __m256 offsets = load_scales(&panel, wide);
    // 32 products of at most 15 * 32767 stay far below 2^31.
    __m256i dots[4];
    for (int r = 0; r < rows; r++) {
      dots[r] = _mm256_setzero_si256();
    }
    for (int run = 0; run < 4; run++) {
      const __m256i packed = _mm256_loadu_si256((const __m256i *)(panel + 32 * run));
      for (int pair = 0; pair < 4; pair++) {
        const __m256i weights = _mm256_and_si256(_mm256_srli_epi16(packed, 4 * pair), mask);
        for (int r = 0; r < rows; r++) {
          const int16_t *input = levels + (size_t)r * depth + 32 * group + 8 * run + 2 * pair;
          dots[r] = _mm256_add_epi32(dots[r], _mm256_madd_epi16(weights, two_inputs(input)));
        }
      }
    }
    panel += 128;
    for (int r = 0; r < rows; r++) {
      const size_t index = (size_t)r * groups + group;
      sums[r] = add_scaled(sums[r], weight_scales, scales[index], dots[r]);
      sums[r] = _mm256_fmadd_ps(offsets, _mm256_set1_ps(input_sums[index]), sums[r]);
    }
  }
  for (int r = 0; r < rows; r++) {
    store(place.product, place.row + (size_t)r, place.panel_index, sums[r]);
  }
}

/// Adds the dot products of 16 inputs, 4 runs of 32 bytes, to `dots`.
WK_AVX2_INLINE void add_byte_dots(const uint8_t *runs, const int16_t *levels, size_t depth,
                                  const int rows, __m256i dots[4]) {
  for (int run = 0; run < 4; run++) {
    const __m256i packed = _mm256_loadu_si256((const __m256i *)(runs + 32 * run));
    for (int pair = 0; pair < 2; pair++) {
      const __m256i aligned = pair == 0 ? _mm256_slli_epi16(packed, 8) : packed;
      const __m256i weights = _mm256_srai_epi16(aligned, 8);
      for (int r = 0; r < rows; r++) {
        const int16_t *input = levels + (size_t)r * depth + 4 * run + 2 * pair;
        dots[r] = _mm256_add_epi32(dots[r], _mm256_madd_epi16(weights, two_inputs(input)));
      }
    }
  }
}

WK_AVX2_INLINE void byte_rows(panel_place place, const int rows, const bool wide, const bool fine,
                              const bool has_offsets) {
  const wk_activations *inputs = &place.product->activations;
  const size_t depth = inputs->depth, groups = depth / 32;
  const int16_t *levels = inputs->levels + place.row * depth;
  const float *scales = inputs->scales + place.row * groups;
  const float *input_sums = inputs->sums + place.row * groups;
  const uint8_t *panel = place.panel;
  __m256 sums[4];
  for (int r = 0; r < rows; r++) {
    sums[r] = _mm256_setzero_ps();
  }
  for (size_t group = 0; group < groups; group++) {
    const __m256 first_scales = load_scales(&panel, wide);
    const __m256 second_scales = fine ? load_scales(&panel, wide) : first_scales;
    const __m256 offsets = has_offsets ? load_scales(&panel, wide) : _mm256_setzero_ps();
    __m256i dots[4];
    for (int half = 0; half < 2; half++) {
      for (int r = 0; r < rows && (half == 0 || fine); r++) {
        dots[r] = _mm256_setzero_si256();
      }
      add_byte_dots(panel + 128 * half, levels + 32 * group + 16 * (size_t)half, depth, rows, dots);
      for (int r = 0; r < rows && (half == 1 || fine); r++) {
        const __m256 weight_scales = half == 0 ? first_scales : second_scales;
        const float scale = scales[(size_t)r * groups + group];
        sums[r] = add_scaled(sums[r], weight_scales, scale, dots[r]);
      }
    }
    panel += 256;
    for (int r = 0; r < rows && has_offsets; r++) {
      const __m256 input_sum = _mm256_set1_ps(input_sums[(size_t)r * groups + group]);
      sums[r] = _mm256_fmadd_ps(offsets, input_sum, sums[r]);
    }
  }
  for (int r = 0; r < rows; r++) {
    store(place.product, place.row + (size_t)r, place.panel_index, sums[r]);
  }
}

WK_AVX2_INLINE __m256 eight_weights(const uint8_t *panel, size_t input, wk_packing packing) {
  if (packing == WK_PACKED_F32) {
    return _mm256_loadu_ps((const float *)panel + input * PANEL);
  }
  const __m128i halves = _mm_loadu_si128((const __m128i *)(panel + input * PANEL * 2));
  return packing == WK_PACKED_F16
             ? _mm256_cvtph_ps(halves)
             : _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
}

/// Two panels at a time, so that enough independent sums are under way to hide an FMA's latency.
WK_AVX2_INLINE void float_rows(panel_place place, const int rows, const int panels,
                               const wk_packing packing) {
  const wk_activations *inputs = &place.product->activations;
  const size_t depth = inputs->depth, panel_bytes = place.product->matrix->panel_bytes;
  const float *values = inputs->values + place.row * depth;
  __m256 sums[4][2];
  for (int r = 0; r < rows; r++) {
    for (int p = 0; p < panels; p++) {
      sums[r][p] = _mm256_setzero_ps();
    }
  }
  for (size_t input = 0; input < depth; input++) {
    __m256 weights[2];
    for (int p = 0; p < panels; p++) {
      weights[p] = eight_weights(place.panel + (size_t)p * panel_bytes, input, packing);
    }
    for (int r = 0; r < rows; r++) {
      const __m256 value = _mm256_set1_ps(values[(size_t)r * depth + input]);
      for (int p = 0; p < panels; p++) {
        sums[r][p] = _mm256_fmadd_ps(value, weights[p], sums[r][p]);
      }
    }
  }
  for (int r = 0; r < rows; r++) {
    for (int p = 0; p < panels; p++) {
      store(place.product, place.row + (size_t)r, place.panel_index + (size_t)p, sums[r][p]);
    }
  }
}

#define FOR_EACH_ROW_COUNT(place, count, body)                                                     \
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

WK_AVX2 static void nibble_tile(panel_place place, size_t rows) {
  const bool wide = place.product->matrix->wide_scales;
#define BODY(n)                                                                                    \
  if (wide) {                                                                                      \
    nibble_rows(place, n, true);                                                                   \
  } else {                                                                                         \
    nibble_rows(place, n, false);                                                                  \
  }
  FOR_EACH_ROW_COUNT(place, rows, BODY)
#undef BODY
}

WK_AVX2 static void byte_tile(panel_place place, size_t rows) {
  const wk_matrix *matrix = place.product->matrix;
  // The four kinds that formats lead to: Q6_K, Q5_1 or Q5_K, Q8_0 or Q5_0.
#define BODY(n)                                                                                    \
  if (matrix->fine_scales) {                                                                       \
    byte_rows(place, n, matrix->wide_scales, true, false);                                         \
  } else if (!matrix->has_offsets) {                                                               \
    byte_rows(place, n, matrix->wide_scales, false, false);                                        \
  } else if (matrix->wide_scales) {                                                                \
    byte_rows(place, n, true, false, true);                                                        \
  } else {                                                                                         \
    byte_rows(place, n, false, false, true);                                                       \
  }
  FOR_EACH_ROW_COUNT(place, rows, BODY)
#undef BODY
}

WK_AVX2 static void float_tile(panel_place place, size_t rows, bool two_panels) {
  const wk_packing packing = place.product->matrix->packing;
#define KIND(n, kind)                                                                              \
  if (two_panels) {                                                                                \
    float_rows(place, n, 2, kind);                                                                 \
  } else {                                                                                         \
    float_rows(place, n, 1, kind);                                                                 \
  }
#define BODY(n)                                                                                    \
  if (packing == WK_PACKED_F32) {                                                                  \
    KIND(n, WK_PACKED_F32)                                                                         \
  } else if (packing == WK_PACKED_F16) {                                                           \
    KIND(n, WK_PACKED_F16)                                                                         \
  } else {                                                                                         \
    KIND(n, WK_PACKED_BF16)                                                                        \
  }
  FOR_EACH_ROW_COUNT(place, rows, BODY)
#undef BODY
#undef KIND
}

WK_AVX2 void wk_avx2_multiply(const wk_product *product, size_t panel_begin, size_t panel_end,
                              size_t row_begin, size_t row_end) {
  const wk_matrix *matrix = product->matrix;
  const bool quantized = wk_matrix_is_quantized(matrix);
  for (size_t index = panel_begin; index < panel_end;) {
    const bool two_panels = !quantized && index + 1 < panel_end;
    for (size_t row = row_begin; row < row_end; row += 4) {
      const size_t rows = row_end - row < 4 ? row_end - row : 4;
      const panel_place place = {product, matrix->panels + index * matrix->panel_bytes, index, row};
      if (matrix->packing == WK_PACKED_NIBBLES) {
        nibble_tile(place, rows);
      } else if (quantized) {
        byte_tile(place, rows);
      } else {
        float_tile(place, rows, two_panels);
      }
    }
    index += two_panels ? 2 : 1;
  }
}

#endif
