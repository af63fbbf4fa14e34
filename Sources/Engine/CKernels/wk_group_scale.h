/// Scales of groups of levels of 8 bits.
#ifndef WK_GROUP_SCALE_H
#define WK_GROUP_SCALE_H

#include <math.h>

#include "wk_float16.h"
#include "wk_internal.h"

/// The largest level of 8 bits that stands for a value of a KV block.
enum { WK_LARGEST_KV_LEVEL = 127 };

/// The smallest f16 that is at least largest / 127, of a magnitude that an f16 has: rounded up, no
/// level is beyond 127, and values that are multiples of the smallest f16 alone stay as they are.
static inline uint16_t wk_group_scale(float largest) {
  uint16_t scale = wk_to_f16_finite(largest / WK_LARGEST_KV_LEVEL);
  // Exact: 11 bits times 7.
  if (wk_from_f16(scale) * WK_LARGEST_KV_LEVEL < largest) {
    scale++;
  }
  return scale;
}

/// What turns values into levels.
static inline float wk_group_inverse(uint16_t scale) {
  return scale != 0 ? 1.0f / wk_from_f16(scale) : 0.0f;
}

/// The level nearest to value * inverse.
static inline int8_t wk_group_level(float value, float inverse) {
  // Adding 1.5 * 2^23 rounds to the nearest integer, which is then in the low bits.
  const uint32_t bits = wk_bits_of(fmaf(value, inverse, 0x1.8p23f));
  return (int8_t)(uint8_t)(bits - wk_bits_of(0x1.8p23f));
}

#endif
