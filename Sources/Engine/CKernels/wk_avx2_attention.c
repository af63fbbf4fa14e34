#include "wk_avx2.h"

#if WK_HAS_AVX2

// Written for `count` queries and inlined with a constant count, so that accumulators stay in
// registers. A query's arithmetic does not depend on the count.

enum { POSITIONS = WK_ATTENTION_POSITIONS, QUERIES = WK_ATTENTION_QUERIES };

typedef struct running_softmax {
  float maxima[QUERIES];
  float sums[QUERIES];
  float corrections[QUERIES];
  float weights[QUERIES][POSITIONS];
  float accumulators[QUERIES][WK_ATTENTION_HEAD_LIMIT];
} running_softmax;

WK_AVX2_INLINE __m256 load_halves(const uint16_t *source) {
  return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)source));
}

/// Scaled scores of 16 positions into `weights`.
WK_AVX2_INLINE void score(const wk_attention_tile *tile, const int count, const uint16_t *keys,
                          running_softmax *state) {
  const size_t dimension = tile->kv.head_dimension, stride = tile->kv.block_tokens;
  __m256 sums[QUERIES][2];
  for (int q = 0; q < count; q++) {
    sums[q][0] = sums[q][1] = _mm256_setzero_ps();
  }
  for (size_t i = 0; i < dimension; i++) {
    const __m256 low = load_halves(keys + i * stride), high = load_halves(keys + i * stride + 8);
    for (int q = 0; q < count; q++) {
      const __m256 value = _mm256_set1_ps(tile->queries[q][i]);
      sums[q][0] = _mm256_fmadd_ps(value, low, sums[q][0]);
      sums[q][1] = _mm256_fmadd_ps(value, high, sums[q][1]);
    }
  }
  const __m256 scale = _mm256_set1_ps(tile->scale);
  for (int q = 0; q < count; q++) {
    _mm256_storeu_ps(state->weights[q], _mm256_mul_ps(sums[q][0], scale));
    _mm256_storeu_ps(state->weights[q] + 8, _mm256_mul_ps(sums[q][1], scale));
  }
}

WK_AVX2_INLINE float largest_lane(__m256 low, __m256 high, float before) {
  const __m256 eight = _mm256_max_ps(high, _mm256_max_ps(low, _mm256_set1_ps(before)));
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

/// Turns scores into weights and updates maximum, sum and correction of each query.
WK_AVX2_INLINE void soften(const wk_attention_tile *tile, const int count, size_t begin,
                           running_softmax *state) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256 unseen = _mm256_set1_ps(-INFINITY);
  for (int q = 0; q < count; q++) {
    const size_t length = tile->lengths[q];
    const size_t visible = length > begin ? length - begin : 0;
    const __m256i limit = _mm256_set1_epi32((int)(visible < POSITIONS ? visible : POSITIONS));
    const __m256i limit_high = _mm256_sub_epi32(limit, _mm256_set1_epi32(8));
    const __m256 seen_low = _mm256_castsi256_ps(_mm256_cmpgt_epi32(limit, lanes));
    const __m256 seen_high = _mm256_castsi256_ps(_mm256_cmpgt_epi32(limit_high, lanes));
    __m256 low = _mm256_blendv_ps(unseen, _mm256_loadu_ps(state->weights[q]), seen_low);
    __m256 high = _mm256_blendv_ps(unseen, _mm256_loadu_ps(state->weights[q] + 8), seen_high);
    const float maximum = largest_lane(low, high, state->maxima[q]);
    const float correction = wk_exp(state->maxima[q] - maximum);
    low = wk_exp8(_mm256_sub_ps(low, _mm256_set1_ps(maximum)));
    high = wk_exp8(_mm256_sub_ps(high, _mm256_set1_ps(maximum)));
    _mm256_storeu_ps(state->weights[q], low);
    _mm256_storeu_ps(state->weights[q] + 8, high);
    state->sums[q] = fmaf(state->sums[q], correction, wk_sum_lanes(low, high));
    state->corrections[q] = correction;
    state->maxima[q] = maximum;
  }
}

/// accumulators = accumulators * correction + weights · values, 16 dimensions at a time.
WK_AVX2_INLINE void gather(const wk_attention_tile *tile, const int count, const uint16_t *values,
                           running_softmax *state) {
  const size_t dimension = tile->kv.head_dimension;
  for (size_t i = 0; i < dimension; i += 16) {
    __m256 sums[QUERIES][2];
    for (int q = 0; q < count; q++) {
      const __m256 correction = _mm256_set1_ps(state->corrections[q]);
      sums[q][0] = _mm256_mul_ps(_mm256_loadu_ps(state->accumulators[q] + i), correction);
      sums[q][1] = _mm256_mul_ps(_mm256_loadu_ps(state->accumulators[q] + i + 8), correction);
    }
    for (int slot = 0; slot < POSITIONS; slot++) {
      const uint16_t *value = values + (size_t)slot * dimension + i;
      const __m256 low = load_halves(value), high = load_halves(value + 8);
      for (int q = 0; q < count; q++) {
        const __m256 weight = _mm256_set1_ps(state->weights[q][slot]);
        sums[q][0] = _mm256_fmadd_ps(weight, low, sums[q][0]);
        sums[q][1] = _mm256_fmadd_ps(weight, high, sums[q][1]);
      }
    }
    for (int q = 0; q < count; q++) {
      _mm256_storeu_ps(state->accumulators[q] + i, sums[q][0]);
      _mm256_storeu_ps(state->accumulators[q] + i + 8, sums[q][1]);
    }
  }
}

WK_AVX2_INLINE void finish(const wk_attention_tile *tile, const int count,
                           const running_softmax *state) {
  const __m256 zero = _mm256_setzero_ps();
  for (int q = 0; q < count; q++) {
    const __m256 sum = _mm256_set1_ps(state->sums[q]);
    for (size_t i = 0; i < tile->kv.head_dimension; i += 8) {
      // Adding 0 makes -0 positive, as in the portable kernel.
      const __m256 value = _mm256_add_ps(_mm256_loadu_ps(state->accumulators[q] + i), zero);
      _mm256_storeu_ps(tile->outputs[q] + i, _mm256_div_ps(value, sum));
    }
  }
}

WK_AVX2_INLINE void attend(const wk_attention_tile *tile, const int count) {
  const wk_kv_view *kv = &tile->kv;
  running_softmax state;
  size_t longest = 0;
  for (int q = 0; q < count; q++) {
    longest = tile->lengths[q] > longest ? tile->lengths[q] : longest;
    state.maxima[q] = -INFINITY;
    state.sums[q] = 0;
    for (size_t i = 0; i < kv->head_dimension; i++) {
      state.accumulators[q][i] = 0;
    }
  }
  for (size_t begin = 0; begin < longest; begin += POSITIONS) {
    const size_t slot = begin % kv->block_tokens;
    const uint16_t *block =
        kv->memory + tile->block_table[begin / kv->block_tokens] * kv->block_stride;
    score(tile, count, block + kv->key_offset + slot, &state);
    soften(tile, count, begin, &state);
    gather(tile, count, block + kv->value_offset + slot * kv->head_dimension, &state);
  }
  finish(tile, count, &state);
}

WK_AVX2 void wk_avx2_attend(const wk_attention_tile *tile) {
  switch (tile->count) {
  case 1:
    attend(tile, 1);
    break;
  case 2:
    attend(tile, 2);
    break;
  case 3:
    attend(tile, 3);
    break;
  case 4:
    attend(tile, 4);
    break;
  case 5:
    attend(tile, 5);
    break;
  default:
    attend(tile, 6);
    break;
  }
}

#endif
