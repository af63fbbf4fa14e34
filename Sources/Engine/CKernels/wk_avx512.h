/// What the AVX-512 kernels share.
#ifndef WK_AVX512_H
#define WK_AVX512_H

#include "wk_avx2_product.h"

#if WK_HAS_AVX2

/// 16 wk_exp.
WK_AVX512_INLINE __m512 wk_exp16(__m512 value) {
  static const float terms[8] = WK_EXP_TERMS;
  const __m512 round = _mm512_set1_ps(WK_EXP_ROUND);
  const __m512 x = _mm512_min_ps(value, _mm512_set1_ps(WK_EXP_LARGEST));
  const __m512 shifted = _mm512_fmadd_ps(x, _mm512_set1_ps(WK_EXP_LOG2_E), round);
  const __m512 n = _mm512_sub_ps(shifted, round);
  const __m512 high = _mm512_fmadd_ps(n, _mm512_set1_ps(-WK_EXP_LN2_HIGH), x);
  const __m512 r = _mm512_fmadd_ps(n, _mm512_set1_ps(-WK_EXP_LN2_LOW), high);
  __m512 sum = _mm512_set1_ps(terms[0]);
  for (int i = 1; i < 8; i++) {
    sum = _mm512_fmadd_ps(sum, r, _mm512_set1_ps(terms[i]));
  }
  const __m512i exponent = _mm512_add_epi32(_mm512_castps_si512(shifted), _mm512_set1_epi32(127));
  const __m512 power = _mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23));
  const __mmask16 ordinary = _mm512_cmp_ps_mask(x, _mm512_set1_ps(WK_EXP_SMALLEST), _CMP_NLT_UQ);
  return _mm512_maskz_mul_ps(ordinary, sum, power);
}

void wk_avx512_multiply(const wk_product *product, size_t panel_begin, size_t panel_end,
                        size_t row_begin, size_t row_end);
void wk_avx512_attend(wk_attention_tile *tile);
void wk_avx512_attend_q8(wk_attention_tile *tile);

#endif
#endif
