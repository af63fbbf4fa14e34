#include "wk_group_scale.h"
#include "wk_neon.h"

#if WK_HAS_NEON

static float mean_of_squares(const float *values, size_t count) {
  float32x4_t sums[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    for (int part = 0; part < 4; part++) {
      const float32x4_t four = vld1q_f32(values + i + 4 * part);
      sums[part] = vfmaq_f32(sums[part], four, four);
    }
  }
  float lanes[16];
  for (int part = 0; part < 4; part++) {
    vst1q_f32(lanes + 4 * part, sums[part]);
  }
  for (; i < count; i++) {
    lanes[i % 16] = fmaf(values[i], values[i], lanes[i % 16]);
  }
  for (int part = 0; part < 4; part++) {
    sums[part] = vld1q_f32(lanes + 4 * part);
  }
  return wk_sum_lanes(sums) / (float)count;
}

void wk_neon_rms_norm(const float *values, const float *weights, size_t count, float epsilon,
                      float *out) {
  const float factor = 1.0f / sqrtf(mean_of_squares(values, count) + epsilon);
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const float32x4_t normal = vmulq_n_f32(vld1q_f32(values + i), factor);
    vst1q_f32(out + i, vmulq_f32(normal, vld1q_f32(weights + i)));
  }
  for (; i < count; i++) {
    const float normal = values[i] * factor;
    out[i] = normal * weights[i];
  }
}

void wk_neon_swiglu(const float *gate, const float *up, size_t count, float *out) {
  const float32x4_t one = vdupq_n_f32(1.0f);
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const float32x4_t x = vld1q_f32(gate + i);
    const float32x4_t activated = vdivq_f32(x, vaddq_f32(one, wk_exp4(vnegq_f32(x))));
    vst1q_f32(out + i, vmulq_f32(activated, vld1q_f32(up + i)));
  }
  for (; i < count; i++) {
    const float activated = gate[i] / (1.0f + wk_exp(-gate[i]));
    out[i] = activated * up[i];
  }
}

void wk_neon_geglu(const float *gate, const float *up, size_t count, float *out) {
  const float32x4_t linear = vdupq_n_f32(WK_GELU_LINEAR), cubic = vdupq_n_f32(WK_GELU_CUBIC);
  const float32x4_t one = vdupq_n_f32(1.0f);
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const float32x4_t x = vld1q_f32(gate + i);
    const float32x4_t factor = vfmaq_f32(linear, vmulq_f32(x, x), cubic);
    const float32x4_t activated = vdivq_f32(x, vaddq_f32(one, wk_exp4(vmulq_f32(x, factor))));
    vst1q_f32(out + i, vmulq_f32(activated, vld1q_f32(up + i)));
  }
  for (; i < count; i++) {
    const float square = gate[i] * gate[i];
    const float factor = fmaf(square, WK_GELU_CUBIC, WK_GELU_LINEAR);
    const float activated = gate[i] / (1.0f + wk_exp(gate[i] * factor));
    out[i] = activated * up[i];
  }
}

/// Four wk_clamp_to_f16.
WK_NEON_INLINE float32x4_t clamped(float32x4_t value) {
  const uint32x4_t bits = vreinterpretq_u32_f32(value), sign = vdupq_n_u32(0x80000000u);
  const uint32x4_t magnitudes = vbicq_u32(bits, sign);
  const uint32x4_t are_nan = vcgtq_u32(magnitudes, vdupq_n_u32(0x7f800000u));
  const uint32x4_t smaller = vminq_u32(magnitudes, vdupq_n_u32(0x477fe000u));
  return vreinterpretq_f32_u32(vbslq_u32(sign, vorrq_u32(bits, are_nan), smaller));
}

void wk_neon_to_halves(const float *values, size_t count, uint16_t *halves) {
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const float16x4_t low = vcvt_f16_f32(clamped(vld1q_f32(values + i)));
    const float16x8_t both = vcvt_high_f16_f32(low, clamped(vld1q_f32(values + i + 4)));
    vst1q_u16(halves + i, vreinterpretq_u16_f16(both));
  }
  for (; i < count; i++) {
    halves[i] = wk_to_f16_finite(values[i]);
  }
}

/// The levels of 4 values, in 16 bits. Narrowing changes none: they are at most 127.
WK_NEON_INLINE int16x4_t four_levels(float32x4_t values, float inverse) {
  const float32x4_t round = vdupq_n_f32(0x1.8p23f);
  const int32x4_t shifted = vreinterpretq_s32_f32(vfmaq_n_f32(round, values, inverse));
  return vmovn_s32(vsubq_s32(shifted, vreinterpretq_s32_f32(round)));
}

void wk_neon_to_levels(const float *values, size_t count, int8_t *levels, uint16_t *scales) {
  for (size_t start = 0; start < count; start += WK_KV_GROUP) {
    const size_t end = wk_smaller(start + WK_KV_GROUP, count);
    float32x4_t largest = vdupq_n_f32(0);
    for (size_t i = start; i < end; i += 4) {
      largest = vmaxq_f32(largest, vabsq_f32(clamped(vld1q_f32(values + i))));
    }
    const uint16_t scale = wk_group_scale(vmaxvq_f32(largest));
    const float inverse = wk_group_inverse(scale);
    for (size_t i = start; i < end; i += 8) {
      const int16x4_t low = four_levels(clamped(vld1q_f32(values + i)), inverse);
      const int16x4_t high = four_levels(clamped(vld1q_f32(values + i + 4)), inverse);
      vst1_s8(levels + i, vmovn_s16(vcombine_s16(low, high)));
    }
    *scales++ = scale;
  }
}

size_t wk_neon_largest(const float *values, size_t count, bool *all_finite) {
  // The magnitudes of infinities and NaNs are, as integers, those from infinity's on.
  const uint32_t infinity = 0x7f800000u;
  float32x4_t maxima = vdupq_n_f32(values[0]);
  uint32x4_t magnitudes = vdupq_n_u32(0);
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const float32x4_t four = vld1q_f32(values + i);
    maxima = vmaxq_f32(maxima, four);
    magnitudes = vmaxq_u32(magnitudes, vreinterpretq_u32_f32(vabsq_f32(four)));
  }
  float maximum = vmaxvq_f32(maxima);
  bool finite = vmaxvq_u32(magnitudes) < infinity;
  for (; i < count; i++) {
    maximum = values[i] > maximum ? values[i] : maximum;
    finite &= (wk_bits_of(values[i]) & 0x7fffffffu) < infinity;
  }
  *all_finite = finite;
  size_t index = 0;
  while (finite && values[index] != maximum) {
    index++;
  }
  return index;
}

void wk_neon_exponentials(const float *values, size_t count, float maximum, float factor,
                          float *out) {
  const float32x4_t maxima = vdupq_n_f32(maximum);
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const float32x4_t distance = vsubq_f32(vld1q_f32(values + i), maxima);
    vst1q_f32(out + i, wk_exp4(vmulq_n_f32(distance, factor)));
  }
  for (; i < count; i++) {
    const float distance = values[i] - maximum;
    out[i] = wk_exp(distance * factor);
  }
}

/// Four wk_soft_capped.
WK_NEON_INLINE float32x4_t soft_capped(float32x4_t values, float cap, float factor) {
  static const float terms[8] = WK_EXP_TERMS;
  const float32x4_t largest = vdupq_n_f32(WK_TANH_LARGEST);
  // Of a NaN and a number these take the NaN.
  const float32x4_t below = vminq_f32(vmulq_n_f32(values, factor), largest);
  const wk_exp_parts4 parts = wk_split4(vmaxq_f32(below, vnegq_f32(largest)));
  float32x4_t sum = vdupq_n_f32(terms[0]);
  for (int i = 1; i < 7; i++) {
    sum = vfmaq_f32(vdupq_n_f32(terms[i]), sum, parts.r);
  }
  const float32x4_t less_one =
      vfmaq_f32(vsubq_f32(parts.power, vdupq_n_f32(1.0f)), vmulq_f32(sum, parts.r), parts.power);
  const float32x4_t quotient = vdivq_f32(less_one, vaddq_f32(less_one, vdupq_n_f32(2.0f)));
  return vmulq_n_f32(quotient, cap);
}

void wk_neon_soft_cap(float *values, size_t count, float cap) {
  const float factor = 2.0f / cap;
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    vst1q_f32(values + i, soft_capped(vld1q_f32(values + i), cap, factor));
  }
  for (; i < count; i++) {
    values[i] = wk_soft_capped(values[i], cap, factor);
  }
}

#endif
