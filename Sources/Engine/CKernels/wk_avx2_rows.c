#include "wk_avx2.h"

#if WK_HAS_AVX2

WK_AVX2_INLINE float largest_magnitude(const float *source) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  __m256 largest = _mm256_setzero_ps();
  for (int i = 0; i < 32; i += 8) {
    // The order of operands matters: a NaN leaves the largest as it is.
    largest = _mm256_max_ps(_mm256_andnot_ps(sign, _mm256_loadu_ps(source + i)), largest);
  }
  const __m128 four =
      _mm_max_ps(_mm256_castps256_ps128(largest), _mm256_extractf128_ps(largest, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

WK_AVX2_INLINE __m256i nearest_levels(const float *source, __m256 inverse) {
  const __m256 round = _mm256_set1_ps(0x1.8p23f);
  const __m256 shifted = _mm256_fmadd_ps(_mm256_loadu_ps(source), inverse, round);
  const __m256i level = _mm256_sub_epi32(_mm256_castps_si256(shifted), _mm256_castps_si256(round));
  return _mm256_min_epi32(_mm256_max_epi32(level, _mm256_set1_epi32(-WK_LARGEST_LEVEL)),
                          _mm256_set1_epi32(WK_LARGEST_LEVEL));
}

WK_AVX2_INLINE int32_t sum_integers(__m256i values) {
  const __m128i four =
      _mm_add_epi32(_mm256_castsi256_si128(values), _mm256_extracti128_si256(values, 1));
  const __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
}

/// Narrows two vectors to 16 bits, in order.
WK_AVX2_INLINE __m256i narrow(__m256i first, __m256i second) {
  // Packing works in 128-bit halves; the permutation puts the 8-byte pieces back in order.
  return _mm256_permute4x64_epi64(_mm256_packs_epi32(first, second), 0xd8);
}

WK_AVX2 static void quantize(const float *values, size_t count, int16_t *levels, float *scales,
                             float *sums) {
  for (size_t group = 0; group < count / 32; group++) {
    const float *source = values + group * 32;
    const float largest = largest_magnitude(source);
    const float scale = largest / WK_LARGEST_LEVEL;
    const __m256 inverse = _mm256_set1_ps(largest > 0 ? WK_LARGEST_LEVEL / largest : 0.0f);
    const __m256i a = nearest_levels(source, inverse);
    const __m256i b = nearest_levels(source + 8, inverse);
    const __m256i c = nearest_levels(source + 16, inverse);
    const __m256i d = nearest_levels(source + 24, inverse);
    __m256i *target = (__m256i *)(levels + group * 32);
    _mm256_storeu_si256(target, narrow(a, b));
    _mm256_storeu_si256(target + 1, narrow(c, d));
    scales[group] = scale;
    const __m256i sum = _mm256_add_epi32(_mm256_add_epi32(a, b), _mm256_add_epi32(c, d));
    sums[group] = scale * (float)sum_integers(sum);
  }
}

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

WK_AVX2 static void rms_norm(const float *values, const float *weights, size_t count, float epsilon,
                             float *out) {
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

WK_AVX2 static void swiglu(const float *gate, const float *up, size_t count, float *out) {
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

WK_AVX2 static void geglu(const float *gate, const float *up, size_t count, float *out) {
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

WK_AVX2 static void to_halves(const float *values, size_t count, uint16_t *halves) {
  const __m256 largest = _mm256_set1_ps(65504.0f), smallest = _mm256_set1_ps(-65504.0f);
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m256 value =
        _mm256_min_ps(_mm256_max_ps(_mm256_loadu_ps(values + i), smallest), largest);
    _mm_storeu_si128((__m128i *)(halves + i),
                     _mm256_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
  for (; i < count; i++) {
    halves[i] = wk_to_f16_finite(values[i]);
  }
}

WK_AVX2 static size_t largest(const float *values, size_t count, bool *all_finite) {
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

WK_AVX2 static void exponentials(const float *values, size_t count, float maximum, float factor,
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

const wk_kernel_set *wk_kernel_set_avx2(void) {
  static const wk_kernel_set set = {
      .name = "avx2",
      .quantize = quantize,
      .multiply = wk_avx2_multiply,
      .rms_norm = rms_norm,
      .swiglu = swiglu,
      .geglu = geglu,
      .to_halves = to_halves,
      .attend = wk_avx2_attend,
      .largest = largest,
      .exponentials = exponentials,
  };
  __builtin_cpu_init();
  const bool supported = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                         __builtin_cpu_supports("f16c");
  return supported ? &set : NULL;
}

#else

const wk_kernel_set *wk_kernel_set_avx2(void) { return NULL; }

#endif
