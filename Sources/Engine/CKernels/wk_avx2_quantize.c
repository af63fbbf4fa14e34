#include <string.h>

#include "wk_avx2.h"

#if WK_HAS_AVX2

// Magnitudes are compared as integers: their bits are in order of size, NaNs last.

enum { GROUP = WK_GROUP_INPUTS };

/// The values of one outlier: up to 4 groups, of which the value at `outlier` counts as 0.
typedef struct outlier_values {
  const float *values;
  size_t groups;
  __m256i outlier;
} outlier_values;

/// Values `offset ..< offset + 8`. They are masked rather than written to a copy: reading that back
/// would wait for the write.
WK_AVX2_INLINE __m256i eight_values(const outlier_values *from, int offset) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i indices = _mm256_add_epi32(lanes, _mm256_set1_epi32(offset));
  const __m256i bits = _mm256_loadu_si256((const __m256i *)(const void *)(from->values + offset));
  return _mm256_andnot_si256(_mm256_cmpeq_epi32(from->outlier, indices), bits);
}

WK_AVX2_INLINE __m256i magnitudes(const outlier_values *from, int offset) {
  return _mm256_and_si256(eight_values(from, offset), _mm256_set1_epi32(0x7fffffff));
}

/// The largest magnitude of each 8th of a group that begins at `offset`.
WK_AVX2_INLINE __m256i largest_of_group(const outlier_values *from, int offset) {
  return _mm256_max_epi32(
      _mm256_max_epi32(magnitudes(from, offset), magnitudes(from, offset + 8)),
      _mm256_max_epi32(magnitudes(from, offset + 16), magnitudes(from, offset + 24)));
}

/// The larger of neighbouring lanes: of `a` in the even lanes, of `b` in the odd ones.
WK_AVX2_INLINE __m256i largest_pairs(__m256i a, __m256i b) {
  return _mm256_max_epi32(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
}

/// The largest lane of each of four vectors.
WK_AVX2_INLINE __m128i largest_lanes(const __m256i vectors[4]) {
  const __m256i first = largest_pairs(vectors[0], vectors[1]);
  const __m256i second = largest_pairs(vectors[2], vectors[3]);
  const __m256i eight =
      _mm256_max_epi32(_mm256_unpacklo_epi64(first, second), _mm256_unpackhi_epi64(first, second));
  return _mm_max_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
}

/// The largest magnitude of each group; 0 for groups that are not there.
WK_AVX2_INLINE __m128i largest_of_groups(const outlier_values *from) {
  __m256i maxima[4];
  for (int group = 0; group < 4; group++) {
    const bool exists = (size_t)group < from->groups;
    maxima[group] = exists ? largest_of_group(from, GROUP * group) : _mm256_setzero_si256();
  }
  return largest_lanes(maxima);
}

/// The first value that is largest in magnitude.
WK_AVX2_INLINE size_t find_outlier(const outlier_values *from) {
  const __m128i group_maxima = largest_of_groups(from);
  const __m128i two = _mm_max_epi32(group_maxima, _mm_shuffle_epi32(group_maxima, 0x4e));
  const __m128i largest = _mm_max_epi32(two, _mm_shuffle_epi32(two, 0xb1));
  const __m128i same = _mm_cmpeq_epi32(group_maxima, largest);
  const int begin = GROUP * __builtin_ctz((unsigned)_mm_movemask_ps(_mm_castsi128_ps(same)));
  const __m256i value = _mm256_broadcastd_epi32(largest);
  unsigned mask = 0;
  for (int i = 0; i < 4; i++) {
    const __m256i equal = _mm256_cmpeq_epi32(magnitudes(from, begin + 8 * i), value);
    mask |= (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(equal)) << 8 * i;
  }
  return (size_t)(begin + __builtin_ctz(mask));
}

WK_AVX2_INLINE __m256i nearest_levels(const outlier_values *from, int offset, __m256 inverse) {
  const __m256 round = _mm256_set1_ps(0x1.8p23f);
  const __m256 values = _mm256_castsi256_ps(eight_values(from, offset));
  const __m256 shifted = _mm256_fmadd_ps(values, inverse, round);
  return _mm256_sub_epi32(_mm256_castps_si256(shifted), _mm256_castps_si256(round));
}

/// The levels of the 32 values from `offset`, in order.
WK_AVX2_INLINE __m256i levels_of_group(const outlier_values *from, int offset, __m256 inverse) {
  const __m256i a = nearest_levels(from, offset, inverse);
  const __m256i b = nearest_levels(from, offset + 8, inverse);
  const __m256i c = nearest_levels(from, offset + 16, inverse);
  const __m256i d = nearest_levels(from, offset + 24, inverse);
  // Packing cuts off what does not fit, at -128. It works in 128-bit halves; the permutation puts
  // the 4-byte pieces back in order.
  const __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  return _mm256_max_epi8(_mm256_permutevar8x32_epi32(packed, order),
                         _mm256_set1_epi8(-WK_LARGEST_LEVEL));
}

WK_AVX2_INLINE void put_group(__m256i levels, float scale, size_t lane, wk_level_block *block) {
  int32_t quads[8];
  _mm256_storeu_si256((__m256i *)quads, levels);
  for (size_t i = 0; i < 8; i++) {
    memcpy(block->levels + 16 * i + 4 * lane, quads + i, 4);
  }
  const __m256i pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), levels);
  __m256i sums = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
  sums = _mm256_hadd_epi32(sums, sums);
  sums = _mm256_hadd_epi32(sums, sums);
  const int32_t first = _mm_cvtsi128_si32(_mm256_castsi256_si128(sums));
  const int32_t second = _mm_cvtsi128_si32(_mm256_extracti128_si256(sums, 1));
  block->scales[lane] = scale;
  block->sums[lane] = scale * (float)(first + second);
  block->level_sums[lane] = first;
  block->level_sums[4 + lane] = second;
}

/// Quantises `groups` groups that share an outlier.
WK_AVX2_INLINE void quantize_groups(const float *values, const size_t groups, size_t begin,
                                    size_t lane, wk_level_block *levels,
                                    wk_outlier_block *outliers) {
  outlier_values from = {values, groups, _mm256_set1_epi32(-1)};
  const size_t index = find_outlier(&from);
  from.outlier = _mm256_set1_epi32((int)index);
  outliers->values[lane] = values[index];
  outliers->inputs[lane] = (uint32_t)(begin + index);
  const __m128 largest = _mm_castsi128_ps(largest_of_groups(&from));
  const __m128 level = _mm_set1_ps(WK_LARGEST_LEVEL);
  const __m128 positive = _mm_cmpgt_ps(largest, _mm_setzero_ps());
  float scales[4], inverses[4];
  _mm_storeu_ps(scales, _mm_div_ps(largest, level));
  _mm_storeu_ps(inverses, _mm_and_ps(_mm_div_ps(level, largest), positive));
  for (int group = 0; (size_t)group < groups; group++) {
    const __m256 inverse = _mm256_broadcast_ss(&inverses[group]);
    put_group(levels_of_group(&from, GROUP * group, inverse), scales[group], lane, &levels[group]);
  }
  levels[index / GROUP].sums[lane] += values[index];
}

WK_AVX2 void wk_avx2_quantize(const float *values, size_t count, size_t lane,
                              wk_level_block *levels, wk_outlier_block *outliers) {
  size_t begin = 0;
  for (; begin + WK_OUTLIER_INPUTS <= count; begin += WK_OUTLIER_INPUTS) {
    quantize_groups(values + begin, 4, begin, lane, levels + begin / GROUP, outliers++);
  }
  if (begin < count) {
    const size_t groups = (count - begin) / GROUP;
    quantize_groups(values + begin, groups, begin, lane, levels + begin / GROUP, outliers);
  }
}

#endif
