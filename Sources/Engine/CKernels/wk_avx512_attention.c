#include "wk_avx512.h"

#if WK_HAS_AVX2

// As the AVX2 kernel, with 16 positions or dimensions in a vector. Queries and weights lie such
// that one address and constant distances reach all of a tile's.

enum {
  POSITIONS = WK_ATTENTION_POSITIONS,
  CHUNK = WK_ATTENTION_CHUNK,
  PARTS = CHUNK / POSITIONS,
  QUERIES = WK_ATTENTION_QUERIES,
  /// Vectors of values that are gathered at a time, and the groups that these are of.
  VECTORS = 4,
  GROUPS = VECTORS * 16 / WK_KV_GROUP,
};

typedef struct running_softmax {
  float maxima[16];
  float sums[16];
  float corrections[16];
  float weights[QUERIES][CHUNK];
  /// Weights times the scales of the values' groups at hand.
  float scaled[GROUPS][QUERIES][CHUNK];
  /// [dimension][query].
  float queries[WK_ATTENTION_HEAD_LIMIT][QUERIES];
  float accumulators[QUERIES][WK_ATTENTION_HEAD_LIMIT];
} running_softmax;

/// The parts of a chunk: 16 positions each.
typedef struct chunk_parts {
  const uint8_t *keys[PARTS];
  const uint8_t *values[PARTS];
  /// Those of levels, group 0.
  const uint16_t *key_scales[PARTS];
  const uint16_t *value_scales[PARTS];
  int count;
} chunk_parts;

/// Few queries are done with their keys and values sooner than memory brings the next ones, which
/// lie in many places: for them, what comes next is asked for ahead.
WK_AVX512_INLINE bool fetches_ahead(const int count) { return count <= 4; }

WK_AVX512_INLINE __m512 load_halves(const uint16_t *source) {
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)source));
}

WK_AVX512_INLINE size_t element_bytes(const wk_kv_type type) { return type == WK_KV_Q8 ? 1 : 2; }

/// 16 elements of KV memory: halves, or levels without their scale.
WK_AVX512_INLINE __m512 load_elements(const uint8_t *source, const wk_kv_type type) {
  if (type == WK_KV_F16) {
    return load_halves((const uint16_t *)source);
  }
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)source)));
}

/// Dimensions whose products with keys are added before a scale is due.
WK_AVX512_INLINE size_t group_dimensions(size_t dimension, const wk_kv_type type) {
  return type == WK_KV_Q8 ? WK_KV_GROUP : dimension;
}

/// Adds the sums of a group of dimensions from `begin` to the scores; after the last they are
/// scaled.
WK_AVX512_INLINE void add_scores(const wk_attention_tile *tile, const int count,
                                 const chunk_parts *chunk, int first, const int parts, size_t begin,
                                 __m512 sums[QUERIES][PARTS], running_softmax *state,
                                 const wk_kv_type type) {
  const size_t dimension = tile->kv.head_dimension;
  const bool is_last = begin + group_dimensions(dimension, type) >= dimension;
  const __m512 scale = _mm512_set1_ps(tile->scale);
  for (int p = 0; p < parts; p++) {
    const __m512 scales = type == WK_KV_F16
                              ? _mm512_setzero_ps()
                              : load_halves(chunk->key_scales[first + p] +
                                            begin / WK_KV_GROUP * tile->kv.block_tokens);
    for (int q = 0; q < count; q++) {
      float *scores = state->weights[q] + POSITIONS * (first + p);
      __m512 sum = sums[q][p];
      if (type == WK_KV_Q8) {
        const __m512 before = begin == 0 ? _mm512_setzero_ps() : _mm512_loadu_ps(scores);
        sum = _mm512_fmadd_ps(sum, scales, before);
      }
      _mm512_storeu_ps(scores, is_last ? _mm512_mul_ps(sum, scale) : sum);
    }
  }
}

/// Scaled scores of `parts` times 16 positions from `first`. Few queries take several parts at a
/// time, so that enough independent sums are under way to hide an addition's latency.
WK_AVX512_INLINE void score_parts(const wk_attention_tile *tile, const int count,
                                  const chunk_parts *chunk, int first, const int parts,
                                  running_softmax *state, const wk_kv_type type) {
  const size_t dimension = tile->kv.head_dimension, bytes = element_bytes(type);
  const size_t stride = tile->kv.block_tokens * bytes, group = group_dimensions(dimension, type);
  for (size_t begin = 0; begin < dimension; begin += group) {
    __m512 sums[QUERIES][PARTS];
    for (int q = 0; q < count; q++) {
      for (int p = 0; p < parts; p++) {
        sums[q][p] = _mm512_setzero_ps();
      }
    }
    for (size_t i = begin; i < wk_smaller(begin + group, dimension); i++) {
      __m512 keys[PARTS];
      for (int p = 0; p < parts; p++) {
        keys[p] = load_elements(chunk->keys[first + p] + i * stride, type);
        if (fetches_ahead(count) && 16 * bytes * i % 64 == 0) {
          // 16 positions' values are as many bytes as their keys.
          _mm_prefetch((const char *)chunk->values[first + p] + 16 * bytes * i, _MM_HINT_T0);
        }
      }
      for (int q = 0; q < count; q++) {
        const __m512 value = _mm512_set1_ps(state->queries[i][q]);
        for (int p = 0; p < parts; p++) {
          sums[q][p] = _mm512_fmadd_ps(value, keys[p], sums[q][p]);
        }
      }
    }
    add_scores(tile, count, chunk, first, parts, begin, sums, state, type);
  }
}

WK_AVX512_INLINE void score(const wk_attention_tile *tile, const int count,
                            const chunk_parts *chunk, running_softmax *state,
                            const wk_kv_type type) {
  const int step = count <= 4 ? 4 : count <= 8 ? 2 : 1;
  int first = 0;
  for (; first + step <= chunk->count; first += step) {
    score_parts(tile, count, chunk, first, step, state, type);
  }
  for (; first < chunk->count; first++) {
    score_parts(tile, count, chunk, first, 1, state, type);
  }
}

WK_AVX512_INLINE float largest_lane(__m512 sixteen) {
  return wk_largest_lane(
      _mm256_max_ps(_mm512_castps512_ps256(sixteen), _mm512_extractf32x8_ps(sixteen, 1)));
}

/// Turns a chunk's scores into weights and updates the running softmax of each query.
WK_AVX512_INLINE void soften(const wk_attention_tile *tile, const int count, size_t begin,
                             int parts, running_softmax *state) {
  const __m512 unseen = _mm512_set1_ps(-INFINITY);
  float maxima[16] = {0};
  for (int q = 0; q < count; q++) {
    const size_t visible = tile->lengths[q] > begin ? tile->lengths[q] - begin : 0;
    const size_t start = tile->starts[q] > begin ? tile->starts[q] - begin : 0;
    const uint64_t hidden = start >= CHUNK ? ~0ull : (1ull << start) - 1;
    const uint64_t seen = (visible >= CHUNK ? ~0ull : (1ull << visible) - 1) & ~hidden;
    __m512 largest = _mm512_set1_ps(state->maxima[q]);
    for (int p = 0; p < parts; p++) {
      float *weights = state->weights[q] + POSITIONS * p;
      const __m512 scores =
          _mm512_mask_loadu_ps(unseen, (__mmask16)(seen >> POSITIONS * p), weights);
      _mm512_storeu_ps(weights, scores);
      largest = _mm512_max_ps(scores, largest);
    }
    maxima[q] = largest_lane(largest);
  }
  const __m512 maximum = _mm512_loadu_ps(maxima);
  const __m512 correction = wk_exp16(_mm512_sub_ps(_mm512_loadu_ps(state->maxima), maximum));
  _mm512_storeu_ps(state->corrections, correction);
  _mm512_storeu_ps(state->maxima, maximum);
  float sums[16] = {0};
  for (int q = 0; q < count; q++) {
    const __m512 subtrahend = _mm512_set1_ps(maxima[q]);
    __m512 sum = _mm512_setzero_ps();
    for (int p = 0; p < parts; p++) {
      float *weights = state->weights[q] + POSITIONS * p;
      const __m512 weight = wk_exp16(_mm512_sub_ps(_mm512_loadu_ps(weights), subtrahend));
      _mm512_storeu_ps(weights, weight);
      sum = _mm512_add_ps(sum, weight);
    }
    sums[q] = wk_sum_lanes(_mm512_castps512_ps256(sum), _mm512_extractf32x8_ps(sum, 1));
  }
  _mm512_storeu_ps(state->sums, _mm512_fmadd_ps(_mm512_loadu_ps(state->sums), correction,
                                                _mm512_loadu_ps(sums)));
}

/// Fetches a 16th of what a part's keys, or values, are: elements and, after them, scales.
WK_AVX512_INLINE void fetch_part(const uint8_t *part, int index, size_t dimension,
                                 const wk_kv_type type) {
  size_t bytes = dimension * element_bytes(type);
  if (type == WK_KV_Q8) {
    bytes += 2 * wk_divided_up(dimension, WK_KV_GROUP);
  }
  for (size_t byte = 0; byte < bytes; byte += 64) {
    _mm_prefetch((const char *)part + (size_t)index * bytes + byte, _MM_HINT_T0);
  }
}

/// Weights times the scales of `groups` groups of the values' dimensions.
WK_AVX512_INLINE void scale_weights(const int count, const chunk_parts *chunk, size_t scale_offset,
                                    size_t stride, const int groups, running_softmax *state) {
  for (int group = 0; group < groups; group++) {
    for (int p = 0; p < chunk->count; p++) {
      const __m512 scales =
          load_halves(chunk->value_scales[p] + scale_offset + (size_t)group * stride);
      for (int q = 0; q < count; q++) {
        const __m512 weights = _mm512_loadu_ps(state->weights[q] + POSITIONS * p);
        _mm512_storeu_ps(state->scaled[group][q] + POSITIONS * p, _mm512_mul_ps(weights, scales));
      }
    }
  }
}

/// accumulators = accumulators * correction + weights · values, for 16 * `vectors` dimensions.
WK_AVX512_INLINE void gather_dimensions(const wk_kv_view *kv, size_t begin, const int vectors,
                                        const int count, const chunk_parts *chunk,
                                        const chunk_parts *next, running_softmax *state,
                                        const wk_kv_type type) {
  const size_t dimension = kv->head_dimension, bytes = element_bytes(type);
  const int group_vectors = type == WK_KV_Q8 ? WK_KV_GROUP / 16 : VECTORS;
  const int groups = (vectors + group_vectors - 1) / group_vectors;
  if (type == WK_KV_Q8) {
    scale_weights(count, chunk, begin / WK_KV_GROUP * kv->block_tokens, kv->block_tokens, groups,
                  state);
  }
  float(*weights)[QUERIES][CHUNK] = type == WK_KV_Q8 ? state->scaled : &state->weights;
  __m512 sums[QUERIES][VECTORS];
  for (int q = 0; q < count; q++) {
    const __m512 correction = _mm512_set1_ps(state->corrections[q]);
    for (int v = 0; v < vectors; v++) {
      const float *accumulators = state->accumulators[q] + begin + 16 * (size_t)v;
      sums[q][v] = _mm512_mul_ps(_mm512_loadu_ps(accumulators), correction);
    }
  }
  for (int p = 0; p < chunk->count; p++) {
    const uint8_t *values = chunk->values[p] + begin * bytes;
    for (int slot = 0; slot < POSITIONS; slot++) {
      if (fetches_ahead(count) && begin == 0 && p < next->count) {
        fetch_part(next->keys[p], slot, dimension, type);
      }
      __m512 value[VECTORS];
      for (int v = 0; v < vectors; v++) {
        const size_t element = (size_t)slot * dimension + 16 * (size_t)v;
        value[v] = load_elements(values + element * bytes, type);
      }
      for (int q = 0; q < count; q++) {
        for (int group = 0; group < groups; group++) {
          const __m512 weight = _mm512_set1_ps(weights[group][q][POSITIONS * p + slot]);
          for (int v = group * group_vectors; v < vectors && v < (group + 1) * group_vectors; v++) {
            sums[q][v] = _mm512_fmadd_ps(weight, value[v], sums[q][v]);
          }
        }
      }
    }
  }
  for (int q = 0; q < count; q++) {
    for (int v = 0; v < vectors; v++) {
      _mm512_storeu_ps(state->accumulators[q] + begin + 16 * (size_t)v, sums[q][v]);
    }
  }
}

WK_AVX512_INLINE void gather(const wk_kv_view *kv, const int count, const chunk_parts *chunk,
                             const chunk_parts *next, running_softmax *state,
                             const wk_kv_type type) {
  const int vectors = count <= 4 ? VECTORS : VECTORS / 2;
  size_t begin = 0;
  for (; begin + 16 * (size_t)vectors <= kv->head_dimension; begin += 16 * (size_t)vectors) {
    gather_dimensions(kv, begin, vectors, count, chunk, next, state, type);
  }
  for (; begin < kv->head_dimension; begin += 16) {
    gather_dimensions(kv, begin, 1, count, chunk, next, state, type);
  }
}

WK_AVX512_INLINE chunk_parts parts_at(const wk_attention_tile *tile, size_t begin, size_t longest,
                                      const wk_kv_type type) {
  const wk_kv_view *kv = &tile->kv;
  const size_t bytes = element_bytes(type);
  chunk_parts chunk = {.count = 0};
  for (size_t position = begin; position < longest && chunk.count < PARTS;
       position += POSITIONS, chunk.count++) {
    const size_t slot = position % kv->block_tokens;
    const uint16_t *block =
        kv->memory + tile->block_table[position / kv->block_tokens] * kv->block_stride;
    const uint16_t *keys = block + kv->key_offset, *values = block + kv->value_offset;
    const size_t scales = kv->head_dimension * kv->block_tokens / 2 + slot;
    chunk.keys[chunk.count] = (const uint8_t *)keys + slot * bytes;
    chunk.values[chunk.count] = (const uint8_t *)values + slot * kv->head_dimension * bytes;
    chunk.key_scales[chunk.count] = keys + scales;
    chunk.value_scales[chunk.count] = values + scales;
  }
  return chunk;
}

WK_AVX512_INLINE void begin_tile(const wk_attention_tile *tile, const int count,
                                 running_softmax *state) {
  for (int q = 0; q < 16; q++) {
    state->maxima[q] = WK_ATTENTION_NO_MAXIMUM;
    state->sums[q] = 0;
  }
  for (int q = 0; q < count; q++) {
    const bool continues = tile->continues && (size_t)q < tile->count;
    if (continues) {
      state->maxima[q] = tile->ends[q].maximum;
      state->sums[q] = tile->ends[q].sum;
    }
    for (size_t i = 0; i < tile->kv.head_dimension; i++) {
      state->queries[i][q] = tile->queries[q][i];
      state->accumulators[q][i] = continues ? tile->outputs[q][i] : 0;
    }
  }
}

WK_AVX512_INLINE void finish(wk_attention_tile *tile, const running_softmax *state) {
  for (size_t q = 0; q < tile->count; q++) {
    const __m512 sum = _mm512_set1_ps(state->sums[q]);
    for (size_t i = 0; i < tile->kv.head_dimension; i += 16) {
      const __m512 value = _mm512_loadu_ps(state->accumulators[q] + i);
      // Adding 0 makes -0 positive, as in the portable kernel.
      const __m512 finished = _mm512_div_ps(_mm512_add_ps(value, _mm512_setzero_ps()), sum);
      _mm512_storeu_ps(tile->outputs[q] + i, tile->unfinished ? value : finished);
    }
    tile->ends[q] = (wk_softmax_end){state->maxima[q], state->sums[q]};
  }
}

/// `count` is at least the tile's: surplus queries are repetitions, whose results are dropped.
WK_AVX512_INLINE void attend(wk_attention_tile *tile, const int count, const wk_kv_type type) {
  const float soft_cap = tile->soft_cap;
  running_softmax state;
  size_t first = tile->starts[0], longest = 0;
  for (int q = 0; q < count; q++) {
    first = wk_smaller(first, tile->starts[q]);
    longest = wk_larger(longest, tile->lengths[q]);
  }
  begin_tile(tile, count, &state);
  first = first / CHUNK * CHUNK;
  chunk_parts chunk = parts_at(tile, first, longest, type);
  for (size_t begin = first; begin < longest; begin += CHUNK) {
    score(tile, count, &chunk, &state, type);
    for (int q = 0; q < count && soft_cap > 0; q++) {
      wk_avx2_soft_cap(state.weights[q], (size_t)(POSITIONS * chunk.count), soft_cap);
    }
    soften(tile, count, begin, chunk.count, &state);
    const chunk_parts next = parts_at(tile, begin + CHUNK, longest, type);
    gather(&tile->kv, count, &chunk, &next, &state, type);
    chunk = next;
  }
  finish(tile, &state);
}

WK_AVX512_INLINE void attend_tile(wk_attention_tile *tile, const wk_kv_type type) {
  for (size_t q = tile->count; q < QUERIES; q++) {
    tile->queries[q] = tile->queries[0];
    tile->starts[q] = tile->starts[0];
    tile->lengths[q] = tile->lengths[0];
  }
  switch (tile->count) {
  case 1:
    attend(tile, 1, type);
    break;
  case 2:
    attend(tile, 2, type);
    break;
  case 3:
    attend(tile, 3, type);
    break;
  case 4:
    attend(tile, 4, type);
    break;
  case 5:
  case 6:
    attend(tile, 6, type);
    break;
  case 7:
  case 8:
    attend(tile, 8, type);
    break;
  default:
    attend(tile, 12, type);
    break;
  }
}

WK_AVX512 void wk_avx512_attend(wk_attention_tile *tile) { attend_tile(tile, WK_KV_F16); }

WK_AVX512 void wk_avx512_attend_q8(wk_attention_tile *tile) { attend_tile(tile, WK_KV_Q8); }

#endif
