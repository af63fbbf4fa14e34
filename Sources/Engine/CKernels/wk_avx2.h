/// What the AVX2 kernels share.
#ifndef WK_AVX2_H
#define WK_AVX2_H

#include "wk_exponential.h"
#include "wk_internal.h"
#include "wk_kernel_set.h"

#if WK_HAS_AVX2
#include <immintrin.h>

/// The sum of 16 lanes, pairwise, as the portable kernels add them.
WK_AVX2_INLINE float wk_sum_lanes(__m256 low, __m256 high) {
  const __m256 eight = _mm256_add_ps(low, high);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/// The largest of 8 lanes.
WK_AVX2_INLINE float wk_largest_lane(__m256 eight) {
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

/// Eight wk_exp_parts.
typedef struct wk_exp_parts8 {
  __m256 power;
  __m256 r;
} wk_exp_parts8;

WK_AVX2_INLINE wk_exp_parts8 wk_split8(__m256 x) {
  const __m256 round = _mm256_set1_ps(WK_EXP_ROUND);
  const __m256 shifted = _mm256_fmadd_ps(x, _mm256_set1_ps(WK_EXP_LOG2_E), round);
  const __m256 n = _mm256_sub_ps(shifted, round);
  const __m256 high = _mm256_fmadd_ps(n, _mm256_set1_ps(-WK_EXP_LN2_HIGH), x);
  const __m256i exponent = _mm256_add_epi32(_mm256_castps_si256(shifted), _mm256_set1_epi32(127));
  return (wk_exp_parts8){
      .power = _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)),
      .r = _mm256_fmadd_ps(n, _mm256_set1_ps(-WK_EXP_LN2_LOW), high),
  };
}

/// Eight wk_exp.
WK_AVX2_INLINE __m256 wk_exp8(__m256 value) {
  static const float terms[8] = WK_EXP_TERMS;
  const __m256 x = _mm256_min_ps(value, _mm256_set1_ps(WK_EXP_LARGEST));
  const wk_exp_parts8 parts = wk_split8(x);
  __m256 sum = _mm256_set1_ps(terms[0]);
  for (int i = 1; i < 8; i++) {
    sum = _mm256_fmadd_ps(sum, parts.r, _mm256_set1_ps(terms[i]));
  }
  const __m256 tiny = _mm256_cmp_ps(x, _mm256_set1_ps(WK_EXP_SMALLEST), _CMP_LT_OQ);
  return _mm256_andnot_ps(tiny, _mm256_mul_ps(sum, parts.power));
}

void wk_avx2_quantize(const float *values, size_t count, size_t lane, wk_level_block *levels,
                      wk_outlier_block *outliers);
void wk_avx2_multiply(const wk_product *product, size_t panel_begin, size_t panel_end,
                      size_t row_begin, size_t row_end);
void wk_avx2_rms_norm(const float *values, const float *weights, size_t count, float epsilon,
                      float *out);
void wk_avx2_swiglu(const float *gate, const float *up, size_t count, float *out);
void wk_avx2_geglu(const float *gate, const float *up, size_t count, float *out);
void wk_avx2_to_halves(const float *values, size_t count, uint16_t *halves);
void wk_avx2_to_levels(const float *values, size_t count, int8_t *levels, uint16_t *scales);
void wk_avx2_attend(wk_attention_tile *tile);
void wk_avx2_attend_q8(wk_attention_tile *tile);
size_t wk_avx2_largest(const float *values, size_t count, bool *all_finite);
void wk_avx2_exponentials(const float *values, size_t count, float maximum, float factor,
                          float *out);
void wk_avx2_soft_cap(float *values, size_t count, float cap);

#endif
#endif
