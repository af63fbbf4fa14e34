#include <string.h>

#include "wk_neon.h"

#if WK_HAS_NEON

// Magnitudes are compared as integers: their bits are in order of size, NaNs last.

enum { GROUP = WK_GROUP_INPUTS };

/// The values of one outlier: up to 4 groups, of which the value at `outlier` counts as 0.
typedef struct outlier_values {
  const float *values;
  size_t groups;
  uint32x4_t outlier;
} outlier_values;

WK_NEON_INLINE uint32x4_t indices_from(size_t offset) {
  static const uint32_t lanes[4] = {0, 1, 2, 3};
  return vaddq_u32(vld1q_u32(lanes), vdupq_n_u32((uint32_t)offset));
}

/// Values `offset ..< offset + 4`. They are masked rather than written to a copy: reading that back
/// would wait for the write.
WK_NEON_INLINE float32x4_t four_values(const outlier_values *from, size_t offset) {
  const uint32x4_t bits = vreinterpretq_u32_f32(vld1q_f32(from->values + offset));
  const uint32x4_t left_out = vceqq_u32(from->outlier, indices_from(offset));
  return vreinterpretq_f32_u32(vbicq_u32(bits, left_out));
}

WK_NEON_INLINE uint32x4_t magnitudes(const outlier_values *from, size_t offset) {
  return vreinterpretq_u32_f32(vabsq_f32(four_values(from, offset)));
}

/// The bits of the largest magnitude of the group that begins at `offset`.
WK_NEON_INLINE uint32_t largest_of_group(const outlier_values *from, size_t offset) {
  uint32x4_t largest = magnitudes(from, offset);
  for (size_t i = 4; i < GROUP; i += 4) {
    largest = vmaxq_u32(largest, magnitudes(from, offset + i));
  }
  return vmaxvq_u32(largest);
}

/// The first value that is largest in magnitude.
WK_NEON_INLINE size_t find_outlier(const outlier_values *from) {
  uint32_t largest = 0;
  size_t begin = 0;
  for (size_t group = 0; group < from->groups; group++) {
    const uint32_t bits = largest_of_group(from, GROUP * group);
    begin = bits > largest ? GROUP * group : begin;
    largest = bits > largest ? bits : largest;
  }
  uint32x4_t first = vdupq_n_u32(UINT32_MAX);
  for (size_t i = begin; i < begin + GROUP; i += 4) {
    const uint32x4_t equal = vceqq_u32(magnitudes(from, i), vdupq_n_u32(largest));
    first = vminq_u32(first, vornq_u32(indices_from(i), equal));
  }
  return vminvq_u32(first);
}

WK_NEON_INLINE int32x4_t nearest_levels(const outlier_values *from, size_t offset, float inverse) {
  const float32x4_t round = vdupq_n_f32(0x1.8p23f);
  const float32x4_t shifted = vfmaq_n_f32(round, four_values(from, offset), inverse);
  return vsubq_s32(vreinterpretq_s32_f32(shifted), vreinterpretq_s32_f32(round));
}

/// The levels of the 16 values from `offset`. Narrowing cuts off what does not fit, at -128.
WK_NEON_INLINE int8x16_t sixteen_levels(const outlier_values *from, size_t offset, float inverse) {
  int16x8_t halves[2];
  for (size_t i = 0; i < 2; i++) {
    const int16x4_t low = vqmovn_s32(nearest_levels(from, offset + 8 * i, inverse));
    halves[i] = vqmovn_high_s32(low, nearest_levels(from, offset + 8 * i + 4, inverse));
  }
  const int8x16_t levels = vqmovn_high_s16(vqmovn_s16(halves[0]), halves[1]);
  return vmaxq_s8(levels, vdupq_n_s8(-WK_LARGEST_LEVEL));
}

WK_NEON_INLINE void put_group(const outlier_values *from, size_t offset, size_t lane,
                              wk_level_block *block) {
  const float largest = wk_float_of(largest_of_group(from, offset));
  const float scale = largest / WK_LARGEST_LEVEL;
  const float inverse = largest > 0 ? WK_LARGEST_LEVEL / largest : 0.0f;
  const int8x16_t first = sixteen_levels(from, offset, inverse);
  const int8x16_t second = sixteen_levels(from, offset + 16, inverse);
  int8_t levels[GROUP];
  vst1q_s8(levels, first);
  vst1q_s8(levels + 16, second);
  for (size_t quad = 0; quad < 8; quad++) {
    memcpy(block->levels + 16 * quad + 4 * lane, levels + 4 * quad, 4);
  }
  const int32_t sums[2] = {vaddlvq_s8(first), vaddlvq_s8(second)};
  block->scales[lane] = scale;
  block->sums[lane] = scale * (float)(sums[0] + sums[1]);
  block->level_sums[lane] = sums[0];
  block->level_sums[4 + lane] = sums[1];
}

void wk_neon_quantize(const float *values, size_t count, size_t lane, wk_level_block *levels,
                      wk_outlier_block *outliers) {
  for (size_t begin = 0; begin < count; begin += WK_OUTLIER_INPUTS, outliers++) {
    const size_t groups = wk_smaller(WK_OUTLIER_INPUTS, count - begin) / GROUP;
    outlier_values from = {values + begin, groups, vdupq_n_u32(UINT32_MAX)};
    const size_t index = find_outlier(&from);
    from.outlier = vdupq_n_u32((uint32_t)index);
    outliers->values[lane] = values[begin + index];
    outliers->inputs[lane] = (uint32_t)(begin + index);
    wk_level_block *blocks = levels + begin / GROUP;
    for (size_t group = 0; group < groups; group++) {
      put_group(&from, GROUP * group, lane, &blocks[group]);
    }
    blocks[index / GROUP].sums[lane] += values[begin + index];
  }
}

#endif
