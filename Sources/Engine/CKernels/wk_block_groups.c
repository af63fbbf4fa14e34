#include "wk_block_groups.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "wk_float16.h"
#include "wk_group_scale.h"
#include "wk_internal.h"

enum { GROUP = WK_BLOCK_GROUP, GROUP_BYTES = WK_BLOCK_GROUP_BYTES };

void wk_block_to_groups_portable(const uint16_t *halves, size_t count, uint8_t *bytes) {
  for (size_t start = 0; start < count; start += GROUP, bytes += GROUP_BYTES) {
    float largest = 0;
    for (int i = 0; i < GROUP; i++) {
      const float magnitude = fabsf(wk_from_f16(halves[start + (size_t)i]));
      largest = magnitude > largest ? magnitude : largest;
    }
    const uint16_t scale = wk_group_scale(largest);
    const float inverse = wk_group_inverse(scale);
    memcpy(bytes, &scale, sizeof scale);
    for (int i = 0; i < GROUP; i++) {
      bytes[2 + i] = (uint8_t)wk_group_level(wk_from_f16(halves[start + (size_t)i]), inverse);
    }
  }
}

void wk_block_from_groups_portable(const uint8_t *bytes, size_t count, uint16_t *halves) {
  for (size_t start = 0; start < count; start += GROUP, bytes += GROUP_BYTES) {
    uint16_t scale;
    memcpy(&scale, bytes, sizeof scale);
    const float factor = wk_from_f16(scale);
    for (int i = 0; i < GROUP; i++) {
      halves[start + (size_t)i] = wk_to_f16_finite((float)(int8_t)bytes[2 + i] * factor);
    }
  }
}

#if WK_HAS_AVX2
#include <immintrin.h>

WK_AVX2_INLINE __m256 eight_values(const uint16_t *halves) {
  return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)halves));
}

WK_AVX2_INLINE __m256i eight_levels(__m256 values, __m256 inverse) {
  const __m256 round = _mm256_set1_ps(0x1.8p23f);
  const __m256 shifted = _mm256_fmadd_ps(values, inverse, round);
  return _mm256_sub_epi32(_mm256_castps_si256(shifted), _mm256_castps_si256(round));
}

WK_AVX2_INLINE float largest_of(__m256 a, __m256 b, __m256 c, __m256 d) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  const __m256 ab = _mm256_max_ps(_mm256_andnot_ps(sign, a), _mm256_andnot_ps(sign, b));
  const __m256 cd = _mm256_max_ps(_mm256_andnot_ps(sign, c), _mm256_andnot_ps(sign, d));
  const __m256 eight = _mm256_max_ps(ab, cd);
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

WK_AVX2 static void to_groups_avx2(const uint16_t *halves, size_t count, uint8_t *bytes) {
  // Packing works in 128-bit halves; the permutation puts the 4-byte pieces back in order.
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  for (size_t start = 0; start < count; start += GROUP, bytes += GROUP_BYTES) {
    const __m256 a = eight_values(halves + start), b = eight_values(halves + start + 8);
    const __m256 c = eight_values(halves + start + 16), d = eight_values(halves + start + 24);
    const uint16_t scale = wk_group_scale(largest_of(a, b, c, d));
    const __m256 inverse = _mm256_set1_ps(wk_group_inverse(scale));
    const __m256i ab = _mm256_packs_epi32(eight_levels(a, inverse), eight_levels(b, inverse));
    const __m256i cd = _mm256_packs_epi32(eight_levels(c, inverse), eight_levels(d, inverse));
    const __m256i levels = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(ab, cd), order);
    memcpy(bytes, &scale, sizeof scale);
    _mm256_storeu_si256((__m256i *)(bytes + 2), levels);
  }
}

WK_AVX2 static void from_groups_avx2(const uint8_t *bytes, size_t count, uint16_t *halves) {
  const __m256 largest = _mm256_set1_ps(65504.0f), smallest = _mm256_set1_ps(-65504.0f);
  for (size_t start = 0; start < count; start += GROUP, bytes += GROUP_BYTES) {
    uint16_t scale;
    memcpy(&scale, bytes, sizeof scale);
    const __m256 factor = _mm256_set1_ps(wk_from_f16(scale));
    for (int i = 0; i < GROUP; i += 8) {
      const __m128i eight = _mm_loadl_epi64((const __m128i *)(bytes + 2 + i));
      const __m256 product = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(eight)), factor);
      const __m256 value = _mm256_min_ps(_mm256_max_ps(product, smallest), largest);
      _mm_storeu_si128((__m128i *)(halves + start + (size_t)i),
                       _mm256_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    }
  }
}

static bool has_avx2(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("f16c");
}

void wk_block_to_groups(const uint16_t *halves, size_t count, uint8_t *bytes) {
  (has_avx2() ? to_groups_avx2 : wk_block_to_groups_portable)(halves, count, bytes);
}

void wk_block_from_groups(const uint8_t *bytes, size_t count, uint16_t *halves) {
  (has_avx2() ? from_groups_avx2 : wk_block_from_groups_portable)(bytes, count, halves);
}

#else

void wk_block_to_groups(const uint16_t *halves, size_t count, uint8_t *bytes) {
  wk_block_to_groups_portable(halves, count, bytes);
}

void wk_block_from_groups(const uint8_t *bytes, size_t count, uint16_t *halves) {
  wk_block_from_groups_portable(bytes, count, halves);
}

#endif
