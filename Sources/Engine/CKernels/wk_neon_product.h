/// What the matrix kernels for NEON share.
#ifndef WK_NEON_PRODUCT_H
#define WK_NEON_PRODUCT_H

#include "wk_neon.h"
#include "wk_panel.h"

#if WK_HAS_NEON

/// Scales, or offsets, of columns 4 * index ..< 4 * index + 4.
WK_NEON_INLINE float32x4_t wk_four_scales(const uint8_t *vector, int index, const bool wide) {
  return wide ? vld1q_f32((const float *)(const void *)vector + 4 * index)
              : wk_four_halves((const uint16_t *)(const void *)vector + 4 * index);
}

/// The levels of one input of 32 in columns 4 * index ..< 4 * index + 4.
WK_NEON_INLINE int32x4_t wk_four_levels(const bool nibbles, const uint8_t *levels, size_t input,
                                        int index) {
  const size_t run = nibbles ? input / 8 : input / 4;
  const int32x4_t four = vreinterpretq_s32_u8(vld1q_u8(levels + 64 * run + 16 * (size_t)index));
  // To the top of the lane, and from there down again.
  const int left =
      nibbles ? (int)(28 - input % 4 * 8 - input / 4 % 2 * 4) : (int)(24 - input % 4 * 8);
  const int32x4_t top = vshlq_s32(four, vdupq_n_s32(left));
  return nibbles ? vreinterpretq_s32_u32(vshrq_n_u32(vreinterpretq_u32_s32(top), 28))
                 : vshrq_n_s32(top, 24);
}

/// Writes a row's results of a panel, as far as the matrix has columns.
WK_NEON_INLINE void wk_store_panel(wk_place place, size_t row, const float32x4_t sums[4]) {
  const wk_product *product = place.product;
  const size_t column = place.panel_index * WK_PANEL_COLUMNS;
  float *out = product->out + (place.row + row) * product->out_stride + column;
  const size_t count = wk_smaller(WK_PANEL_COLUMNS, product->matrix->columns - column);
  if (count == WK_PANEL_COLUMNS) {
    for (int i = 0; i < 4; i++) {
      float *four = out + 4 * i;
      vst1q_f32(four, product->accumulate ? vaddq_f32(vld1q_f32(four), sums[i]) : sums[i]);
    }
    return;
  }
  float lanes[WK_PANEL_COLUMNS];
  for (int i = 0; i < 4; i++) {
    vst1q_f32(lanes + 4 * i, sums[i]);
  }
  for (size_t lane = 0; lane < count; lane++) {
    out[lane] = product->accumulate ? out[lane] + lanes[lane] : lanes[lane];
  }
}

#define WK_FOR_EACH_ROW_COUNT(count, body)                                                         \
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

#endif
#endif
