/// Conversions between f32, IEEE f16 and bfloat16, as bits.
#ifndef WK_FLOAT16_H
#define WK_FLOAT16_H

#include <stdint.h>
#include <string.h>

static inline uint32_t wk_bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static inline float wk_float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/// The exact f32 of an f16.
static inline float wk_from_f16(uint16_t half) {
  const uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1fu;
  const uint32_t fraction = half & 0x3ffu;
  if (exponent == 0) {
    const float magnitude = (float)fraction * 0x1p-24f;
    return wk_float_of(wk_bits_of(magnitude) | sign);
  }
  if (exponent == 31) {
    // A NaN comes out quiet, as from the hardware conversion.
    const uint32_t quiet = fraction != 0 ? 0x400000u : 0;
    return wk_float_of(sign | 0x7f800000u | quiet | fraction << 13);
  }
  return wk_float_of(sign | (exponent + 112u) << 23 | fraction << 13);
}

/// The value, or the finite f16 that is nearest to one beyond them; -65504 for a NaN. Compared as
/// integers: compilers take what they like of a signalling NaN and a number.
static inline float wk_clamp_to_f16(float value) {
  const uint32_t bits = wk_bits_of(value);
  if ((bits & 0x7fffffffu) <= 0x477fe000u) {
    return value;
  }
  return bits <= 0x7f800000u ? 65504.0f : -65504.0f;
}

/// The f16 nearest to a finite f32 (ties to even), clamped to the largest finite f16.
static inline uint16_t wk_to_f16_finite(float value) {
  const uint32_t bits = wk_bits_of(wk_clamp_to_f16(value));
  const uint32_t sign = bits >> 16 & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude < 0x38800000u) {
    // Below the smallest normal f16: adding 0.5 leaves a rounded multiple of 2^-24 in the low bits.
    const float rounded = wk_float_of(magnitude) + 0.5f;
    return (uint16_t)(sign | (wk_bits_of(rounded) - 0x3f000000u));
  }
  const uint32_t odd = magnitude >> 13 & 1u;
  return (uint16_t)(sign | ((magnitude - 0x38000000u + 0xfffu + odd) >> 13));
}

/// The exact f32 of a bfloat16.
static inline float wk_from_bf16(uint16_t half) { return wk_float_of((uint32_t)half << 16); }

#endif
