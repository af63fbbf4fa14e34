#include "wk_avx2.h"
#include "wk_group_scale.h"

#if WK_HAS_AVX2

WK_AVX2 static float mean_of_squares(const float *values, size_t count) {
  float lanes[16] = {0};
  __m256 low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const __m256 a = _mm256_loadu_ps(values + i), b = _mm256_loadu_ps(values + i + 8);
    low = _mm256_fmadd_ps(a, a, low);
    high = _mm256_fmadd_ps(b, b, high);
  }
  _mm256_storeu_ps(lanes, low);
  _mm256_storeu_ps(lanes + 8, high);
  for (; i < count; i++) {
    lanes[i % 16] = fmaf(values[i], values[i], lanes[i % 16]);
  }
  return wk_sum_lanes(_mm256_loadu_ps(lanes), _mm256_loadu_ps(lanes + 8)) / (float)count;
}

WK_AVX2 void wk_avx2_rms_norm(const float *values, const float *weights, size_t count,
                              float epsilon, float *out) {
  const float factor = 1.0f / sqrtf(mean_of_squares(values, count) + epsilon);
  const __m256 factors = _mm256_set1_ps(factor);
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m256 normal = _mm256_mul_ps(_mm256_loadu_ps(values + i), factors);
    _mm256_storeu_ps(out + i, _mm256_mul_ps(normal, _mm256_loadu_ps(weights + i)));
  }
  for (; i < count; i++) {
    const float normal = values[i] * factor;
    out[i] = normal * weights[i];
  }
}

WK_AVX2 void wk_avx2_swiglu(const float *gate, const float *up, size_t count, float *out) {
  const __m256 sign = _mm256_set1_ps(-0.0f), one = _mm256_set1_ps(1.0f);
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m256 x = _mm256_loadu_ps(gate + i);
    const __m256 divisor = _mm256_add_ps(one, wk_exp8(_mm256_xor_ps(x, sign)));
    const __m256 activated = _mm256_div_ps(x, divisor);
    _mm256_storeu_ps(out + i, _mm256_mul_ps(activated, _mm256_loadu_ps(up + i)));
  }
  for (; i < count; i++) {
    const float activated = gate[i] / (1.0f + wk_exp(-gate[i]));
    out[i] = activated * up[i];
  }
}

WK_AVX2 void wk_avx2_geglu(const float *gate, const float *up, size_t count, float *out) {
  const __m256 linear = _mm256_set1_ps(WK_GELU_LINEAR), cubic = _mm256_set1_ps(WK_GELU_CUBIC);
  const __m256 one = _mm256_set1_ps(1.0f);
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m256 x = _mm256_loadu_ps(gate + i);
    const __m256 factor = _mm256_fmadd_ps(_mm256_mul_ps(x, x), cubic, linear);
    const __m256 divisor = _mm256_add_ps(one, wk_exp8(_mm256_mul_ps(x, factor)));
    const __m256 activated = _mm256_div_ps(x, divisor);
    _mm256_storeu_ps(out + i, _mm256_mul_ps(activated, _mm256_loadu_ps(up + i)));
  }
  for (; i < count; i++) {
    const float square = gate[i] * gate[i];
    const float factor = fmaf(square, WK_GELU_CUBIC, WK_GELU_LINEAR);
    const float activated = gate[i] / (1.0f + wk_exp(gate[i] * factor));
    out[i] = activated * up[i];
  }
}

WK_AVX2_INLINE __m256 load_clamped(const float *values) {
  const __m256 largest = _mm256_set1_ps(65504.0f), smallest = _mm256_set1_ps(-65504.0f);
  return _mm256_min_ps(_mm256_max_ps(_mm256_loadu_ps(values), smallest), largest);
}

WK_AVX2 void wk_avx2_to_halves(const float *values, size_t count, uint16_t *halves) {
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    _mm_storeu_si128(
        (__m128i *)(halves + i),
        _mm256_cvtps_ph(load_clamped(values + i), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
  for (; i < count; i++) {
    halves[i] = wk_to_f16_finite(values[i]);
  }
}

WK_AVX2 void wk_avx2_to_levels(const float *values, size_t count, int8_t *levels,
                               uint16_t *scales) {
  const __m256 sign = _mm256_set1_ps(-0.0f), round = _mm256_set1_ps(0x1.8p23f);
  for (size_t start = 0; start < count; start += WK_KV_GROUP) {
    const size_t end = wk_smaller(start + WK_KV_GROUP, count);
    __m256 largest = _mm256_setzero_ps();
    for (size_t i = start; i < end; i += 8) {
      largest = _mm256_max_ps(_mm256_andnot_ps(sign, load_clamped(values + i)), largest);
    }
    const uint16_t scale = wk_group_scale(wk_largest_lane(largest));
    const __m256 inverse = _mm256_set1_ps(wk_group_inverse(scale));
    for (size_t i = start; i < end; i += 16) {
      const __m256 low = _mm256_fmadd_ps(load_clamped(values + i), inverse, round);
      const __m256 high = _mm256_fmadd_ps(load_clamped(values + i + 8), inverse, round);
      // Levels are in the low bits. Packing works in 128-bit halves: the permutation undoes it.
      const __m256i words = _mm256_permute4x64_epi64(
          _mm256_packs_epi32(
              _mm256_sub_epi32(_mm256_castps_si256(low), _mm256_castps_si256(round)),
              _mm256_sub_epi32(_mm256_castps_si256(high), _mm256_castps_si256(round))),
          0xd8);
      const __m128i bytes =
          _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
      _mm_storeu_si128((__m128i *)(levels + i), bytes);
    }
    *scales++ = scale;
  }
}

WK_AVX2 size_t wk_avx2_largest(const float *values, size_t count, bool *all_finite) {
  // value * 0 is not 0 for an infinity or a NaN, and stays so in the sum.
  __m256 zeros = _mm256_setzero_ps(), maxima = _mm256_set1_ps(values[0]);
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m256 eight = _mm256_loadu_ps(values + i);
    maxima = _mm256_max_ps(maxima, eight);
    zeros = _mm256_fmadd_ps(eight, _mm256_setzero_ps(), zeros);
  }
  float lanes[8];
  float zero_sum = wk_sum_lanes(zeros, _mm256_setzero_ps());
  _mm256_storeu_ps(lanes, maxima);
  float maximum = lanes[0];
  for (int lane = 1; lane < 8; lane++) {
    maximum = lanes[lane] > maximum ? lanes[lane] : maximum;
  }
  for (; i < count; i++) {
    maximum = values[i] > maximum ? values[i] : maximum;
    zero_sum += values[i] * 0.0f;
  }
  *all_finite = zero_sum == 0;
  size_t index = 0;
  while (*all_finite && values[index] != maximum) {
    index++;
  }
  return index;
}

WK_AVX2 void wk_avx2_exponentials(const float *values, size_t count, float maximum, float factor,
                                  float *out) {
  const __m256 maxima = _mm256_set1_ps(maximum), factors = _mm256_set1_ps(factor);
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m256 distance = _mm256_sub_ps(_mm256_loadu_ps(values + i), maxima);
    _mm256_storeu_ps(out + i, wk_exp8(_mm256_mul_ps(distance, factors)));
  }
  for (; i < count; i++) {
    const float distance = values[i] - maximum;
    out[i] = wk_exp(distance * factor);
  }
}

/// Eight wk_soft_capped.
WK_AVX2_INLINE __m256 soft_capped(__m256 values, __m256 cap, __m256 factor) {
  static const float terms[8] = WK_EXP_TERMS;
  const __m256 one = _mm256_set1_ps(1.0f), two = _mm256_set1_ps(2.0f);
  // Of a NaN and a number these take the second.
  const __m256 below =
      _mm256_min_ps(_mm256_set1_ps(WK_TANH_LARGEST), _mm256_mul_ps(values, factor));
  const wk_exp_parts8 parts = wk_split8(_mm256_max_ps(_mm256_set1_ps(-WK_TANH_LARGEST), below));
  __m256 sum = _mm256_set1_ps(terms[0]);
  for (int i = 1; i < 7; i++) {
    sum = _mm256_fmadd_ps(sum, parts.r, _mm256_set1_ps(terms[i]));
  }
  const __m256 less_one =
      _mm256_fmadd_ps(_mm256_mul_ps(sum, parts.r), parts.power, _mm256_sub_ps(parts.power, one));
  return _mm256_mul_ps(cap, _mm256_div_ps(less_one, _mm256_add_ps(less_one, two)));
}

WK_AVX2 void wk_avx2_soft_cap(float *values, size_t count, float cap) {
  const float factor = 2.0f / cap;
  const __m256 caps = _mm256_set1_ps(cap), factors = _mm256_set1_ps(factor);
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    _mm256_storeu_ps(values + i, soft_capped(_mm256_loadu_ps(values + i), caps, factors));
  }
  for (; i < count; i++) {
    values[i] = wk_soft_capped(values[i], cap, factor);
  }
}

#endif
