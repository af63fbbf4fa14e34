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
  /// Weights times the scales of the values' group at hand.
  float scaled[QUERIES][CHUNK];
  float accumulators[QUERIES][WK_ATTENTION_HEAD_LIMIT];
} running_softmax;

WK_AVX2_INLINE __m256 load_halves(const uint16_t *source) {
  return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)source));
}

WK_AVX2_INLINE size_t element_bytes(const wk_kv_type type) { return type == WK_KV_Q8 ? 1 : 2; }

/// 8 elements of KV memory: halves, or levels without their scale.
WK_AVX2_INLINE __m256 load_elements(const uint8_t *source, const wk_kv_type type) {
  if (type == WK_KV_F16) {
    return load_halves((const uint16_t *)source);
  }
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)source)));
}

/// 16 positions of a block.
typedef struct chunk_part {
  const uint8_t *keys;
  const uint8_t *values;
  /// Those of levels, group 0.
  const uint16_t *key_scales;
  const uint16_t *value_scales;
} chunk_part;

/// Queries of a tile from `first`.
typedef struct tile_part {
  wk_attention_tile *tile;
  size_t first;
} tile_part;

/// Scaled scores of 16 positions into `weights`.
WK_AVX2_INLINE void score(tile_part part, const int count, const chunk_part *positions,
                          const size_t offset, running_softmax *state, const wk_kv_type type) {
  const wk_attention_tile *tile = part.tile;
  const size_t dimension = tile->kv.head_dimension, stride = tile->kv.block_tokens;
  const size_t group = type == WK_KV_Q8 ? WK_KV_GROUP : dimension;
  const __m256 scale = _mm256_set1_ps(tile->scale);
  for (size_t begin = 0; begin < dimension; begin += group) {
    const size_t end = wk_smaller(begin + group, dimension);
    __m256 sums[QUERIES][2];
    for (int q = 0; q < count; q++) {
      sums[q][0] = sums[q][1] = _mm256_setzero_ps();
    }
    for (size_t i = begin; i < end; i++) {
      const uint8_t *keys = positions->keys + i * stride * element_bytes(type);
      const __m256 low = load_elements(keys, type);
      const __m256 high = load_elements(keys + 8 * element_bytes(type), type);
      for (int q = 0; q < count; q++) {
        const __m256 value = _mm256_set1_ps(tile->queries[part.first + (size_t)q][i]);
        sums[q][0] = _mm256_fmadd_ps(value, low, sums[q][0]);
        sums[q][1] = _mm256_fmadd_ps(value, high, sums[q][1]);
      }
    }
    for (int q = 0; q < count; q++) {
      for (int half = 0; half < 2; half++) {
        float *weights = state->weights[q] + offset + 8 * half;
        __m256 sum = sums[q][half];
        if (type == WK_KV_Q8) {
          const uint16_t *scales = positions->key_scales + begin / WK_KV_GROUP * stride + 8 * half;
          const __m256 before = begin == 0 ? _mm256_setzero_ps() : _mm256_loadu_ps(weights);
          sum = _mm256_fmadd_ps(sum, load_halves(scales), before);
        }
        _mm256_storeu_ps(weights, end == dimension ? _mm256_mul_ps(sum, scale) : sum);
      }
    }
  }
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
  const float maximum = wk_largest_lane(maxima);
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

/// Weights times the scales of a group of the values' dimensions.
WK_AVX2_INLINE void scale_weights(const int count, const chunk_part *chunk, int parts,
                                  size_t scale_offset, running_softmax *state) {
  for (int i = 0; i < 2 * parts; i++) {
    const __m256 scales = load_halves(chunk[i / 2].value_scales + scale_offset + 8 * (i % 2));
    for (int q = 0; q < count; q++) {
      const __m256 weights = _mm256_loadu_ps(state->weights[q] + 8 * i);
      _mm256_storeu_ps(state->scaled[q] + 8 * i, _mm256_mul_ps(weights, scales));
    }
  }
}

/// accumulators = accumulators * correction + weights · values, 16 dimensions at a time.
WK_AVX2_INLINE void gather(const wk_kv_view *kv, const int count, const chunk_part *chunk,
                           int parts, running_softmax *state, const wk_kv_type type) {
  const size_t dimension = kv->head_dimension;
  for (size_t i = 0; i < dimension; i += 16) {
    if (type == WK_KV_Q8 && i % WK_KV_GROUP == 0) {
      scale_weights(count, chunk, parts, i / WK_KV_GROUP * kv->block_tokens, state);
    }
    float(*weights)[CHUNK] = type == WK_KV_Q8 ? state->scaled : state->weights;
    __m256 sums[QUERIES][2];
    for (int q = 0; q < count; q++) {
      const __m256 correction = _mm256_set1_ps(state->corrections[q]);
      sums[q][0] = _mm256_mul_ps(_mm256_loadu_ps(state->accumulators[q] + i), correction);
      sums[q][1] = _mm256_mul_ps(_mm256_loadu_ps(state->accumulators[q] + i + 8), correction);
    }
    for (int slot = 0; slot < POSITIONS * parts; slot++) {
      const size_t element = (size_t)(slot % POSITIONS) * dimension + i;
      const uint8_t *value = chunk[slot / POSITIONS].values + element * element_bytes(type);
      const __m256 low = load_elements(value, type);
      const __m256 high = load_elements(value + 8 * element_bytes(type), type);
      for (int q = 0; q < count; q++) {
        const __m256 weight = _mm256_set1_ps(weights[q][slot]);
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
      const __m256 value = _mm256_loadu_ps(state->accumulators[q] + i);
      // Adding 0 makes -0 positive, as in the portable kernel.
      const __m256 finished = _mm256_div_ps(_mm256_add_ps(value, zero), sum);
      _mm256_storeu_ps(part.tile->outputs[part.first + (size_t)q] + i,
                       part.tile->unfinished ? value : finished);
    }
    part.tile->ends[part.first + (size_t)q] = (wk_softmax_end){state->maxima[q], state->sums[q]};
  }
}

/// The 16 positions from `position`.
WK_AVX2_INLINE chunk_part part_at(const wk_attention_tile *tile, size_t position,
                                  const wk_kv_type type) {
  const wk_kv_view *kv = &tile->kv;
  const size_t slot = position % kv->block_tokens;
  const uint16_t *block =
      kv->memory + tile->block_table[position / kv->block_tokens] * kv->block_stride;
  const uint16_t *keys = block + kv->key_offset, *values = block + kv->value_offset;
  const size_t scales = kv->head_dimension * kv->block_tokens / 2 + slot;
  return (chunk_part){
      .keys = (const uint8_t *)keys + slot * element_bytes(type),
      .values = (const uint8_t *)values + slot * kv->head_dimension * element_bytes(type),
      .key_scales = keys + scales,
      .value_scales = values + scales,
  };
}

WK_AVX2_INLINE void attend(tile_part part, const int count, const wk_kv_type type) {
  const wk_kv_view *kv = &part.tile->kv;
  const size_t *starts = part.tile->starts + part.first;
  const size_t *lengths = part.tile->lengths + part.first;
  const float soft_cap = part.tile->soft_cap;
  running_softmax state;
  size_t first = starts[0], longest = 0;
  for (int q = 0; q < count; q++) {
    first = wk_smaller(first, starts[q]);
    longest = wk_larger(longest, lengths[q]);
    const size_t query = part.first + (size_t)q;
    const bool continues = part.tile->continues;
    state.maxima[q] = continues ? part.tile->ends[query].maximum : WK_ATTENTION_NO_MAXIMUM;
    state.sums[q] = continues ? part.tile->ends[query].sum : 0;
    for (size_t i = 0; i < kv->head_dimension; i++) {
      state.accumulators[q][i] = continues ? part.tile->outputs[query][i] : 0;
    }
  }
  for (size_t begin = first / CHUNK * CHUNK; begin < longest; begin += CHUNK) {
    chunk_part chunk[PARTS];
    int parts = 0;
    for (; parts < PARTS && begin + (size_t)parts * POSITIONS < longest; parts++) {
      chunk[parts] = part_at(part.tile, begin + (size_t)parts * POSITIONS, type);
      score(part, count, &chunk[parts], (size_t)parts * POSITIONS, &state, type);
    }
    for (int q = 0; q < count && soft_cap > 0; q++) {
      wk_avx2_soft_cap(state.weights[q], (size_t)(POSITIONS * parts), soft_cap);
    }
    for (int q = 0; q < count; q++) {
      soften(&state, q, starts[q] > begin ? starts[q] - begin : 0,
             lengths[q] > begin ? lengths[q] - begin : 0, parts);
    }
    gather(kv, count, chunk, parts, &state, type);
  }
  finish(part, count, &state);
}

WK_AVX2_INLINE void attend_tile(wk_attention_tile *tile, const wk_kv_type type) {
  for (size_t first = 0; first < tile->count; first += QUERIES) {
    const tile_part part = {tile, first};
    switch (tile->count - first) {
    case 1:
      attend(part, 1, type);
      break;
    case 2:
      attend(part, 2, type);
      break;
    case 3:
      attend(part, 3, type);
      break;
    case 4:
      attend(part, 4, type);
      break;
    case 5:
      attend(part, 5, type);
      break;
    default:
      attend(part, 6, type);
      break;
    }
  }
}

WK_AVX2 void wk_avx2_attend(wk_attention_tile *tile) { attend_tile(tile, WK_KV_F16); }

WK_AVX2 void wk_avx2_attend_q8(wk_attention_tile *tile) { attend_tile(tile, WK_KV_Q8); }

#endif
