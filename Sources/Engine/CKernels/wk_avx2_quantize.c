#include <string.h>

#include "wk_avx2.h"

#if WK_HAS_AVX2

// Magnitudes are compared as integers: their bits are in order of size, NaNs last.

WK_AVX2_INLINE __m256i magnitudes(const float *source) {
  return _mm256_and_si256(_mm256_loadu_si256((const __m256i *)source),
                          _mm256_set1_epi32(0x7fffffff));
}

WK_AVX2_INLINE __m256i largest_of_group(const float *source) {
  return _mm256_max_epi32(_mm256_max_epi32(magnitudes(source), magnitudes(source + 8)),
                          _mm256_max_epi32(magnitudes(source + 16), magnitudes(source + 24)));
}

WK_AVX2_INLINE int32_t largest_lane(__m256i values) {
  const __m128i four =
      _mm_max_epi32(_mm256_castsi256_si128(values), _mm256_extracti128_si256(values, 1));
  const __m128i two = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return _mm_cvtsi128_si32(_mm_max_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
}

/// The first of `count` values (a multiple of 32) that is largest in magnitude.
WK_AVX2_INLINE size_t find_outlier(const float *values, size_t count) {
  __m256i maxima = _mm256_setzero_si256();
  for (size_t i = 0; i < count; i += 32) {
    maxima = _mm256_max_epi32(maxima, largest_of_group(values + i));
  }
  const __m256i largest = _mm256_set1_epi32(largest_lane(maxima));
  size_t begin = 0;
  for (;; begin += 8) {
    const __m256i equal = _mm256_cmpeq_epi32(magnitudes(values + begin), largest);
    const int mask = _mm256_movemask_ps(_mm256_castsi256_ps(equal));
    if (mask != 0) {
      return begin + (size_t)__builtin_ctz((unsigned)mask);
    }
  }
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

/// Quantises 32 values, of which the outlier is 0 by now.
WK_AVX2_INLINE void quantize_group(const float *values, size_t lane, wk_level_block *block) {
  float largest;
  const int32_t bits = largest_lane(largest_of_group(values));
  memcpy(&largest, &bits, 4);
  const float scale = largest / WK_LARGEST_LEVEL;
  const __m256 inverse = _mm256_set1_ps(largest > 0 ? WK_LARGEST_LEVEL / largest : 0.0f);
  const __m256i a = nearest_levels(values, inverse), b = nearest_levels(values + 8, inverse);
  const __m256i c = nearest_levels(values + 16, inverse), d = nearest_levels(values + 24, inverse);
  const __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
  // Packing works in 128-bit halves; the permutation puts the 4-byte pieces back in order.
  int32_t pieces[8];
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  _mm256_storeu_si256((__m256i *)pieces, _mm256_permutevar8x32_epi32(packed, order));
  for (size_t i = 0; i < 8; i++) {
    memcpy(block->levels + 16 * i + 4 * lane, pieces + i, 4);
  }
  const int32_t first = sum_integers(_mm256_add_epi32(a, b));
  const int32_t second = sum_integers(_mm256_add_epi32(c, d));
  block->scales[lane] = scale;
  block->sums[lane] = scale * (float)(first + second);
  block->level_sums[lane] = first;
  block->level_sums[4 + lane] = second;
}

WK_AVX2 void wk_avx2_quantize(const float *values, size_t count, size_t lane,
                              wk_level_block *levels, wk_outlier_block *outliers) {
  for (size_t begin = 0; begin < count; begin += WK_OUTLIER_INPUTS) {
    const size_t width = wk_smaller(WK_OUTLIER_INPUTS, count - begin);
    float rest[WK_OUTLIER_INPUTS];
    memcpy(rest, values + begin, width * sizeof(float));
    const size_t index = find_outlier(rest, width);
    const float outlier = rest[index];
    rest[index] = 0;
    wk_outlier_block *block = &outliers[begin / WK_OUTLIER_INPUTS];
    block->values[lane] = outlier;
    block->inputs[lane] = (uint32_t)(begin + index);
    for (size_t i = 0; i < width; i += 32) {
      quantize_group(rest + i, lane, &levels[(begin + i) / 32]);
    }
    levels[(begin + index) / 32].sums[lane] += outlier;
  }
}

#endif
