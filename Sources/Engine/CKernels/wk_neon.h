/// What the NEON kernels share.
#ifndef WK_NEON_H
#define WK_NEON_H

#include "wk_exponential.h"
#include "wk_internal.h"
#include "wk_kernel_set.h"

#if WK_HAS_NEON
#include <arm_neon.h>

/// The sum of 16 lanes, pairwise, as the portable kernels add them.
WK_NEON_INLINE float wk_sum_lanes(const float32x4_t lanes[4]) {
  const float32x4_t four = vaddq_f32(vaddq_f32(lanes[0], lanes[2]), vaddq_f32(lanes[1], lanes[3]));
  const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
  return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

/// Four wk_exp_parts.
typedef struct wk_exp_parts4 {
  float32x4_t power;
  float32x4_t r;
} wk_exp_parts4;

WK_NEON_INLINE wk_exp_parts4 wk_split4(float32x4_t x) {
  const float32x4_t round = vdupq_n_f32(WK_EXP_ROUND);
  const float32x4_t shifted = vfmaq_f32(round, x, vdupq_n_f32(WK_EXP_LOG2_E));
  const float32x4_t n = vsubq_f32(shifted, round);
  const float32x4_t high = vfmaq_f32(x, n, vdupq_n_f32(-WK_EXP_LN2_HIGH));
  const uint32x4_t exponent = vaddq_u32(vreinterpretq_u32_f32(shifted), vdupq_n_u32(127));
  return (wk_exp_parts4){
      .power = vreinterpretq_f32_u32(vshlq_n_u32(exponent, 23)),
      .r = vfmaq_f32(high, n, vdupq_n_f32(-WK_EXP_LN2_LOW)),
  };
}

/// Four wk_exp.
WK_NEON_INLINE float32x4_t wk_exp4(float32x4_t value) {
  static const float terms[8] = WK_EXP_TERMS;
  // Of a NaN and a number this takes the number.
  const float32x4_t x = vminnmq_f32(value, vdupq_n_f32(WK_EXP_LARGEST));
  const wk_exp_parts4 parts = wk_split4(x);
  float32x4_t sum = vdupq_n_f32(terms[0]);
  for (int i = 1; i < 8; i++) {
    sum = vfmaq_f32(vdupq_n_f32(terms[i]), sum, parts.r);
  }
  const uint32x4_t tiny = vcltq_f32(x, vdupq_n_f32(WK_EXP_SMALLEST));
  const uint32x4_t product = vreinterpretq_u32_f32(vmulq_f32(sum, parts.power));
  return vreinterpretq_f32_u32(vbicq_u32(product, tiny));
}

/// The f32 of 4 halves.
WK_NEON_INLINE float32x4_t wk_four_halves(const uint16_t *halves) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(halves)));
}

/// The f32 of 16 halves.
WK_NEON_INLINE void wk_sixteen_halves(const uint16_t *halves, float32x4_t values[4]) {
  const float16x8_t first = vreinterpretq_f16_u16(vld1q_u16(halves));
  const float16x8_t second = vreinterpretq_f16_u16(vld1q_u16(halves + 8));
  values[0] = vcvt_f32_f16(vget_low_f16(first));
  values[1] = vcvt_high_f32_f16(first);
  values[2] = vcvt_f32_f16(vget_low_f16(second));
  values[3] = vcvt_high_f32_f16(second);
}

void wk_neon_quantize(const float *values, size_t count, size_t lane, wk_level_block *levels,
                      wk_outlier_block *outliers);
void wk_neon_multiply(const wk_product *product, size_t panel_begin, size_t panel_end,
                      size_t row_begin, size_t row_end);
void wk_neon_dot_multiply(const wk_product *product, size_t panel_begin, size_t panel_end,
                          size_t row_begin, size_t row_end);
void wk_neon_rms_norm(const float *values, const float *weights, size_t count, float epsilon,
                      float *out);
void wk_neon_swiglu(const float *gate, const float *up, size_t count, float *out);
void wk_neon_geglu(const float *gate, const float *up, size_t count, float *out);
void wk_neon_to_halves(const float *values, size_t count, uint16_t *halves);
void wk_neon_to_levels(const float *values, size_t count, int8_t *levels, uint16_t *scales);
void wk_neon_attend(wk_attention_tile *tile);
void wk_neon_attend_q8(wk_attention_tile *tile);
size_t wk_neon_largest(const float *values, size_t count, bool *all_finite);
void wk_neon_exponentials(const float *values, size_t count, float maximum, float factor,
                          float *out);
void wk_neon_soft_cap(float *values, size_t count, float cap);

#endif
#endif
