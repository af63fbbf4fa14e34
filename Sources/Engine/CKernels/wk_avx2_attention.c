#include "wk_avx2.h"

#if WK_HAS_AVX2

// Written for `count` queries and inlined with a constant count, so that accumulators stay in
// registers. A query's arithmetic does not depend on the count.

enum {
  POSITIONS = WK_ATTENTION_POSITIONS,
  CHUNK = WK_ATTENTION_CHUNK,
  PARTS = CHUNK / POSITIONS,
  /// Queries whose sums fit in the registers.
  QUERIES = 6,
};

typedef struct running_softmax {
  float maxima[QUERIES];
  float sums[QUERIES];
  float corrections[QUERIES];
  float weights[QUERIES][CHUNK];
  float accumulators[QUERIES][WK_ATTENTION_HEAD_LIMIT];
} running_softmax;

WK_AVX2_INLINE __m256 load_halves(const uint16_t *source) {
  return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)source));
}

/// Queries of a tile from `first`.
typedef struct tile_part {
  const wk_attention_tile *tile;
  size_t first;
} tile_part;

/// Scaled scores of 16 positions into `weights`.
WK_AVX2_INLINE void score(tile_part part, const int count, const uint16_t *keys,
                          const size_t offset, running_softmax *state) {
  const wk_attention_tile *tile = part.tile;
  const size_t dimension = tile->kv.head_dimension, stride = tile->kv.block_tokens;
  __m256 sums[QUERIES][2];
  for (int q = 0; q < count; q++) {
    sums[q][0] = sums[q][1] = _mm256_setzero_ps();
  }
  for (size_t i = 0; i < dimension; i++) {
    const __m256 low = load_halves(keys + i * stride), high = load_halves(keys + i * stride + 8);
    for (int q = 0; q < count; q++) {
      const __m256 value = _mm256_set1_ps(tile->queries[part.first + (size_t)q][i]);
      sums[q][0] = _mm256_fmadd_ps(value, low, sums[q][0]);
      sums[q][1] = _mm256_fmadd_ps(value, high, sums[q][1]);
    }
  }
  const __m256 scale = _mm256_set1_ps(tile->scale);
  for (int q = 0; q < count; q++) {
    _mm256_storeu_ps(state->weights[q] + offset, _mm256_mul_ps(sums[q][0], scale));
    _mm256_storeu_ps(state->weights[q] + offset + 8, _mm256_mul_ps(sums[q][1], scale));
  }
}

WK_AVX2_INLINE float largest_lane(__m256 eight) {
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

/// Turns the scores of `parts` times 16 positions into weights and updates the running softmax of
/// query `q`, which sees those from `start` and before `visible`. A query may see none: then
/// nothing changes.
WK_AVX2_INLINE void soften(running_softmax *state, int q, size_t start, size_t visible, int parts) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i limit = _mm256_set1_epi32((int)wk_smaller(visible, CHUNK));
  const __m256i last_hidden = _mm256_set1_epi32((int)wk_smaller(start, CHUNK) - 1);
  float *weights = state->weights[q];
  __m256 maxima = _mm256_set1_ps(state->maxima[q]);
  for (int i = 0; i < 2 * parts; i++) {
    const __m256i positions = _mm256_add_epi32(lanes, _mm256_set1_epi32(8 * i));
    const __m256 seen = _mm256_castsi256_ps(_mm256_and_si256(
        _mm256_cmpgt_epi32(limit, positions), _mm256_cmpgt_epi32(positions, last_hidden)));
    const __m256 scores =
        _mm256_blendv_ps(_mm256_set1_ps(-INFINITY), _mm256_loadu_ps(weights + 8 * i), seen);
    _mm256_storeu_ps(weights + 8 * i, scores);
    maxima = _mm256_max_ps(scores, maxima);
  }
  const float maximum = largest_lane(maxima);
  const float correction = wk_exp(state->maxima[q] - maximum);
  __m256 low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
  for (int part = 0; part < parts; part++) {
    float *scores = weights + POSITIONS * part;
    const __m256 maximum8 = _mm256_set1_ps(maximum);
    const __m256 first = wk_exp8(_mm256_sub_ps(_mm256_loadu_ps(scores), maximum8));
    const __m256 second = wk_exp8(_mm256_sub_ps(_mm256_loadu_ps(scores + 8), maximum8));
    _mm256_storeu_ps(scores, first);
    _mm256_storeu_ps(scores + 8, second);
    low = _mm256_add_ps(low, first);
    high = _mm256_add_ps(high, second);
  }
  state->sums[q] = fmaf(state->sums[q], correction, wk_sum_lanes(low, high));
  state->corrections[q] = correction;
  state->maxima[q] = maximum;
}

/// accumulators = accumulators * correction + weights · values, 16 dimensions at a time.
WK_AVX2_INLINE void gather(size_t dimension, const int count, const uint16_t *const *values,
                           int parts, running_softmax *state) {
  for (size_t i = 0; i < dimension; i += 16) {
    __m256 sums[QUERIES][2];
    for (int q = 0; q < count; q++) {
      const __m256 correction = _mm256_set1_ps(state->corrections[q]);
      sums[q][0] = _mm256_mul_ps(_mm256_loadu_ps(state->accumulators[q] + i), correction);
      sums[q][1] = _mm256_mul_ps(_mm256_loadu_ps(state->accumulators[q] + i + 8), correction);
    }
    for (int slot = 0; slot < POSITIONS * parts; slot++) {
      const uint16_t *value = values[slot / POSITIONS] + (size_t)(slot % POSITIONS) * dimension + i;
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

WK_AVX2_INLINE void finish(tile_part part, const int count, const running_softmax *state) {
  const __m256 zero = _mm256_setzero_ps();
  for (int q = 0; q < count; q++) {
    const __m256 sum = _mm256_set1_ps(state->sums[q]);
    for (size_t i = 0; i < part.tile->kv.head_dimension; i += 8) {
      // Adding 0 makes -0 positive, as in the portable kernel.
      const __m256 value = _mm256_add_ps(_mm256_loadu_ps(state->accumulators[q] + i), zero);
      _mm256_storeu_ps(part.tile->outputs[part.first + (size_t)q] + i, _mm256_div_ps(value, sum));
    }
  }
}

WK_AVX2_INLINE void attend(tile_part part, const int count) {
  const wk_kv_view *kv = &part.tile->kv;
  const size_t *starts = part.tile->starts + part.first;
  const size_t *lengths = part.tile->lengths + part.first;
  running_softmax state;
  size_t first = starts[0], longest = 0;
  for (int q = 0; q < count; q++) {
    first = wk_smaller(first, starts[q]);
    longest = wk_larger(longest, lengths[q]);
    state.maxima[q] = WK_ATTENTION_NO_MAXIMUM;
    state.sums[q] = 0;
    for (size_t i = 0; i < kv->head_dimension; i++) {
      state.accumulators[q][i] = 0;
    }
  }
  for (size_t begin = first / CHUNK * CHUNK; begin < longest; begin += CHUNK) {
    const uint16_t *values[PARTS];
    int parts = 0;
    for (; parts < PARTS && begin + (size_t)parts * POSITIONS < longest; parts++) {
      const size_t position = begin + (size_t)parts * POSITIONS, slot = position % kv->block_tokens;
      const uint16_t *block =
          kv->memory + part.tile->block_table[position / kv->block_tokens] * kv->block_stride;
      values[parts] = block + kv->value_offset + slot * kv->head_dimension;
      score(part, count, block + kv->key_offset + slot, (size_t)parts * POSITIONS, &state);
    }
    for (int q = 0; q < count; q++) {
      soften(&state, q, starts[q] > begin ? starts[q] - begin : 0,
             lengths[q] > begin ? lengths[q] - begin : 0, parts);
    }
    gather(kv->head_dimension, count, values, parts, &state);
  }
  finish(part, count, &state);
}

WK_AVX2 void wk_avx2_attend(const wk_attention_tile *tile) {
  for (size_t first = 0; first < tile->count; first += QUERIES) {
    const tile_part part = {tile, first};
    switch (tile->count - first) {
    case 1:
      attend(part, 1);
      break;
    case 2:
      attend(part, 2);
      break;
    case 3:
      attend(part, 3);
      break;
    case 4:
      attend(part, 4);
      break;
    case 5:
      attend(part, 5);
      break;
    default:
      attend(part, 6);
      break;
    }
  }
}

#endif
