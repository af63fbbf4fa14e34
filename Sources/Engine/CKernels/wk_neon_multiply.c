#include "wk_neon_product.h"

#if WK_HAS_NEON

// Without dot products: products of 8 bits are added in 16 bits, as many as fit, then in pairs.

#define QUANTIZED_INLINE WK_NEON_INLINE
enum { VECTORS = 1 };

/// The 4 inputs of a row, for each column.
WK_NEON_INLINE int8x16_t four_inputs(int32x4_t quad, int row) {
  return vreinterpretq_s8_s32(vdupq_n_s32(quad[row]));
}

WK_NEON_INLINE int32x4_t quad_at(const wk_level_block *block, int quad) {
  return vreinterpretq_s32_s8(vld1q_s8(block->levels + 16 * quad));
}

/// Adds the products of 4 inputs to two sums of each column, 2 columns to a vector.
WK_NEON_INLINE void add_quad(int8x16_t weights, int8x16_t inputs, int16x8_t sums[2]) {
  sums[0] = vmlal_s8(sums[0], vget_low_s8(weights), vget_low_s8(inputs));
  sums[1] = vmlal_high_s8(sums[1], weights, inputs);
}

WK_NEON_INLINE void sum_nibbles(const uint8_t *levels, const int rows, const wk_level_block *block,
                                int32x4_t dots[4][VECTORS]) {
  // A lane adds 8 products of at most 15 * 127, which fits in 16 bits.
  int16x8_t sums[4][2];
  for (int r = 0; r < rows; r++) {
    sums[r][0] = sums[r][1] = vdupq_n_s16(0);
  }
  for (int run = 0; run < 4; run++) {
    const uint8x16_t packed = vld1q_u8(levels + 64 * run);
    const int8x16_t low = vreinterpretq_s8_u8(vandq_u8(packed, vdupq_n_u8(15)));
    const int8x16_t high = vreinterpretq_s8_u8(vshrq_n_u8(packed, 4));
    const int32x4_t first = quad_at(block, 2 * run), second = quad_at(block, 2 * run + 1);
    for (int r = 0; r < rows; r++) {
      add_quad(low, four_inputs(first, r), sums[r]);
      add_quad(high, four_inputs(second, r), sums[r]);
    }
  }
  for (int r = 0; r < rows; r++) {
    dots[r][0] = vpaddq_s32(vpaddlq_s16(sums[r][0]), vpaddlq_s16(sums[r][1]));
  }
}

WK_NEON_INLINE void sum_bytes(const uint8_t *levels, int first, const int quads, const int rows,
                              const wk_level_block *block, int32x4_t dots[4][VECTORS]) {
  int32x4_t sums[4][2];
  for (int r = 0; r < rows; r++) {
    sums[r][0] = sums[r][1] = vdupq_n_s32(0);
  }
  for (int quad = first; quad < first + quads; quad += 2) {
    const int8x16_t weights = vreinterpretq_s8_u8(vld1q_u8(levels + 64 * quad));
    const int8x16_t next = vreinterpretq_s8_u8(vld1q_u8(levels + 64 * (quad + 1)));
    const int32x4_t inputs = quad_at(block, quad), next_inputs = quad_at(block, quad + 1);
    for (int r = 0; r < rows; r++) {
      // A lane adds 2 products of at most 128 * 127, which fits in 16 bits.
      int16x8_t pairs[2] = {vdupq_n_s16(0), vdupq_n_s16(0)};
      add_quad(weights, four_inputs(inputs, r), pairs);
      add_quad(next, four_inputs(next_inputs, r), pairs);
      sums[r][0] = vpadalq_s16(sums[r][0], pairs[0]);
      sums[r][1] = vpadalq_s16(sums[r][1], pairs[1]);
    }
  }
  for (int r = 0; r < rows; r++) {
    dots[r][0] = vpaddq_s32(sums[r][0], sums[r][1]);
  }
}

#include "wk_neon_quantized.h"

WK_NEON_INLINE void sixteen_weights(const uint8_t *panel, size_t input, wk_packing packing,
                                    float32x4_t weights[4]) {
  const float *floats = (const float *)(const void *)panel + 16 * input;
  const uint16_t *halves = (const uint16_t *)(const void *)panel + 16 * input;
  if (packing == WK_PACKED_F16) {
    wk_sixteen_halves(halves, weights);
    return;
  }
  for (int i = 0; i < 4; i++) {
    weights[i] = packing == WK_PACKED_F32
                     ? vld1q_f32(floats + 4 * i)
                     : vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(halves + 4 * i), 16));
  }
}

WK_NEON_INLINE void float_rows(wk_place place, const int rows, const wk_packing packing) {
  const size_t depth = place.product->matrix->depth;
  const float *values = place.product->activations.values + place.row * depth;
  float32x4_t sums[4][4];
  for (int r = 0; r < rows; r++) {
    for (int i = 0; i < 4; i++) {
      sums[r][i] = vdupq_n_f32(0);
    }
  }
  for (size_t input = 0; input < depth; input++) {
    float32x4_t weights[4];
    sixteen_weights(place.panel, input, packing, weights);
    for (int r = 0; r < rows; r++) {
      const float value = values[(size_t)r * depth + input];
      for (int i = 0; i < 4; i++) {
        sums[r][i] = vfmaq_n_f32(sums[r][i], weights[i], value);
      }
    }
  }
  for (int r = 0; r < rows; r++) {
    wk_store_panel(place, (size_t)r, sums[r]);
  }
}

static void quantized_tile(wk_place place, size_t rows) {
  const wk_matrix *matrix = place.product->matrix;
  WK_FOR_EACH_ROW_COUNT(rows, WK_QUANTIZED_VARIANTS)
}

static void float_tile(wk_place place, size_t rows) {
  const wk_packing packing = place.product->matrix->packing;
#define BODY(n)                                                                                    \
  if (packing == WK_PACKED_F32) {                                                                  \
    float_rows(place, n, WK_PACKED_F32);                                                           \
  } else if (packing == WK_PACKED_F16) {                                                           \
    float_rows(place, n, WK_PACKED_F16);                                                           \
  } else {                                                                                         \
    float_rows(place, n, WK_PACKED_BF16);                                                          \
  }
  WK_FOR_EACH_ROW_COUNT(rows, BODY)
#undef BODY
}

void wk_neon_multiply(const wk_product *product, size_t panel_begin, size_t panel_end,
                      size_t row_begin, size_t row_end) {
  const bool quantized = wk_matrix_is_quantized(product->matrix);
  for (size_t index = panel_begin; index < panel_end; index++) {
    for (size_t row = row_begin; row < row_end; row += WK_BLOCK_ROWS) {
      const wk_place place = wk_place_at(product, index, row, false);
      (quantized ? quantized_tile : float_tile)(place, wk_smaller(WK_BLOCK_ROWS, row_end - row));
    }
  }
}

#endif
