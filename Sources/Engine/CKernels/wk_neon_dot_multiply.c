#include "wk_neon_product.h"

#if WK_HAS_NEON

// With the instruction that adds 4 products of 8 bits, both with a sign, to a sum of 32. It takes
// the 4 inputs of one row from a vector of 4 rows', as they lie in a block.

#define QUANTIZED_INLINE WK_NEON_DOT_INLINE
enum { VECTORS = 2 };

WK_NEON_DOT_INLINE int32x4_t add_quad(int32x4_t sum, int8x16_t weights, int8x16_t inputs,
                                      const int row) {
  switch (row) {
  case 0:
    return vdotq_laneq_s32(sum, weights, inputs, 0);
  case 1:
    return vdotq_laneq_s32(sum, weights, inputs, 1);
  case 2:
    return vdotq_laneq_s32(sum, weights, inputs, 2);
  default:
    return vdotq_laneq_s32(sum, weights, inputs, 3);
  }
}

WK_NEON_DOT_INLINE void add_quads(const int8x16_t weights[VECTORS], const wk_level_block *block,
                                  int quad, const int rows, int32x4_t dots[4][VECTORS]) {
  const int8x16_t inputs = vld1q_s8(block->levels + 16 * quad);
  for (int r = 0; r < rows; r++) {
    for (int i = 0; i < VECTORS; i++) {
      dots[r][i] = add_quad(dots[r][i], weights[i], inputs, r);
    }
  }
}

WK_NEON_DOT_INLINE void begin_sums(const int rows, int32x4_t dots[4][VECTORS]) {
  for (int r = 0; r < rows; r++) {
    for (int i = 0; i < VECTORS; i++) {
      dots[r][i] = vdupq_n_s32(0);
    }
  }
}

WK_NEON_DOT_INLINE void sum_nibbles(const uint8_t *levels, const int rows,
                                    const wk_level_block *block, int32x4_t dots[4][VECTORS]) {
  begin_sums(rows, dots);
  for (int run = 0; run < 4; run++) {
    int8x16_t low[VECTORS], high[VECTORS];
    for (int i = 0; i < VECTORS; i++) {
      const uint8x16_t packed = vld1q_u8(levels + 64 * run + 16 * i);
      low[i] = vreinterpretq_s8_u8(vandq_u8(packed, vdupq_n_u8(15)));
      high[i] = vreinterpretq_s8_u8(vshrq_n_u8(packed, 4));
    }
    add_quads(low, block, 2 * run, rows, dots);
    add_quads(high, block, 2 * run + 1, rows, dots);
  }
}

WK_NEON_DOT_INLINE void sum_bytes(const uint8_t *levels, int first, const int quads, const int rows,
                                  const wk_level_block *block, int32x4_t dots[4][VECTORS]) {
  begin_sums(rows, dots);
  for (int quad = first; quad < first + quads; quad++) {
    int8x16_t weights[VECTORS];
    for (int i = 0; i < VECTORS; i++) {
      weights[i] = vreinterpretq_s8_u8(vld1q_u8(levels + 64 * quad + 16 * i));
    }
    add_quads(weights, block, quad, rows, dots);
  }
}

#include "wk_neon_quantized.h"

WK_NEON_DOT static void quantized_tile(wk_place place, size_t rows) {
  const wk_matrix *matrix = place.product->matrix;
  WK_FOR_EACH_ROW_COUNT(rows, WK_QUANTIZED_VARIANTS)
}

void wk_neon_dot_multiply(const wk_product *product, size_t panel_begin, size_t panel_end,
                          size_t row_begin, size_t row_end) {
  if (!wk_matrix_is_quantized(product->matrix)) {
    wk_neon_multiply(product, panel_begin, panel_end, row_begin, row_end);
    return;
  }
  for (size_t index = panel_begin; index < panel_end; index++) {
    for (size_t row = row_begin; row < row_end; row += WK_BLOCK_ROWS) {
      quantized_tile(wk_place_at(product, index, row, false),
                     wk_smaller(WK_BLOCK_ROWS, row_end - row));
    }
  }
}

#endif
