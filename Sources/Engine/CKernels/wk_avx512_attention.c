#include "wk_avx512.h"

#if WK_HAS_AVX2

// As the AVX2 kernel, with 16 positions or dimensions in a vector. Queries and weights lie such
// that one address and constant distances reach all of a tile's.

enum {
  POSITIONS = WK_ATTENTION_POSITIONS,
  CHUNK = WK_ATTENTION_CHUNK,
  PARTS = CHUNK / POSITIONS,
  QUERIES = WK_ATTENTION_QUERIES,
};

typedef struct running_softmax {
  float maxima[16];
  float sums[16];
  float corrections[16];
  float weights[QUERIES][CHUNK];
  /// [dimension][query].
  float queries[WK_ATTENTION_HEAD_LIMIT][QUERIES];
  float accumulators[QUERIES][WK_ATTENTION_HEAD_LIMIT];
} running_softmax;

/// The parts of a chunk: 16 positions each.
typedef struct chunk_parts {
  const uint16_t *keys[PARTS];
  const uint16_t *values[PARTS];
  int count;
} chunk_parts;

/// Few queries are done with their keys and values sooner than memory brings the next ones, which
/// lie in many places: for them, what comes next is asked for ahead.
WK_AVX512_INLINE bool fetches_ahead(const int count) { return count <= 4; }

WK_AVX512_INLINE __m512 load_halves(const uint16_t *source) {
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)source));
}

/// Scaled scores of `parts` times 16 positions from `first`. Few queries take several parts at a
/// time, so that enough independent sums are under way to hide an addition's latency.
WK_AVX512_INLINE void score_parts(const wk_attention_tile *tile, const int count,
                                  const chunk_parts *chunk, int first, const int parts,
                                  running_softmax *state) {
  const size_t dimension = tile->kv.head_dimension, stride = tile->kv.block_tokens;
  __m512 sums[QUERIES][PARTS];
  for (int q = 0; q < count; q++) {
    for (int p = 0; p < parts; p++) {
      sums[q][p] = _mm512_setzero_ps();
    }
  }
  for (size_t i = 0; i < dimension; i++) {
    __m512 keys[PARTS];
    for (int p = 0; p < parts; p++) {
      keys[p] = load_halves(chunk->keys[first + p] + i * stride);
      if (fetches_ahead(count) && i % 2 == 0) {
        // A part's values have half as many cache lines as there are dimensions.
        _mm_prefetch((const char *)(chunk->values[first + p] + 16 * i), _MM_HINT_T0);
      }
    }
    for (int q = 0; q < count; q++) {
      const __m512 value = _mm512_set1_ps(state->queries[i][q]);
      for (int p = 0; p < parts; p++) {
        sums[q][p] = _mm512_fmadd_ps(value, keys[p], sums[q][p]);
      }
    }
  }
  const __m512 scale = _mm512_set1_ps(tile->scale);
  for (int q = 0; q < count; q++) {
    for (int p = 0; p < parts; p++) {
      _mm512_storeu_ps(state->weights[q] + POSITIONS * (first + p),
                       _mm512_mul_ps(sums[q][p], scale));
    }
  }
}

WK_AVX512_INLINE void score(const wk_attention_tile *tile, const int count,
                            const chunk_parts *chunk, running_softmax *state) {
  const int step = count <= 4 ? 4 : count <= 8 ? 2 : 1;
  int first = 0;
  for (; first + step <= chunk->count; first += step) {
    score_parts(tile, count, chunk, first, step, state);
  }
  for (; first < chunk->count; first++) {
    score_parts(tile, count, chunk, first, 1, state);
  }
}

WK_AVX512_INLINE float largest_lane(__m512 sixteen) {
  const __m256 eight =
      _mm256_max_ps(_mm512_castps512_ps256(sixteen), _mm512_extractf32x8_ps(sixteen, 1));
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
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

/// Fetches a 16th of a part's keys.
WK_AVX512_INLINE void fetch_keys(const chunk_parts *chunk, int part, int slot, size_t dimension) {
  const char *keys = (const char *)chunk->keys[part] + (size_t)slot * 2 * dimension;
  for (size_t byte = 0; byte < 2 * dimension; byte += 64) {
    _mm_prefetch(keys + byte, _MM_HINT_T0);
  }
}

/// accumulators = accumulators * correction + weights · values, for 16 * `vectors` dimensions.
WK_AVX512_INLINE void gather_dimensions(size_t dimension, size_t begin, const int vectors,
                                        const int count, const chunk_parts *chunk,
                                        const chunk_parts *next, running_softmax *state) {
  __m512 sums[QUERIES][4];
  for (int q = 0; q < count; q++) {
    const __m512 correction = _mm512_set1_ps(state->corrections[q]);
    for (int v = 0; v < vectors; v++) {
      const float *accumulators = state->accumulators[q] + begin + 16 * (size_t)v;
      sums[q][v] = _mm512_mul_ps(_mm512_loadu_ps(accumulators), correction);
    }
  }
  for (int p = 0; p < chunk->count; p++) {
    const uint16_t *values = chunk->values[p] + begin;
    for (int slot = 0; slot < POSITIONS; slot++) {
      if (fetches_ahead(count) && begin == 0 && p < next->count) {
        fetch_keys(next, p, slot, dimension);
      }
      __m512 value[4];
      for (int v = 0; v < vectors; v++) {
        value[v] = load_halves(values + (size_t)slot * dimension + 16 * v);
      }
      for (int q = 0; q < count; q++) {
        const __m512 weight = _mm512_set1_ps(state->weights[q][POSITIONS * p + slot]);
        for (int v = 0; v < vectors; v++) {
          sums[q][v] = _mm512_fmadd_ps(weight, value[v], sums[q][v]);
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

WK_AVX512_INLINE void gather(size_t dimension, const int count, const chunk_parts *chunk,
                             const chunk_parts *next, running_softmax *state) {
  const int vectors = count <= 4 ? 4 : 2;
  size_t begin = 0;
  for (; begin + 16 * (size_t)vectors <= dimension; begin += 16 * (size_t)vectors) {
    gather_dimensions(dimension, begin, vectors, count, chunk, next, state);
  }
  for (; begin < dimension; begin += 16) {
    gather_dimensions(dimension, begin, 1, count, chunk, next, state);
  }
}

WK_AVX512_INLINE chunk_parts parts_at(const wk_attention_tile *tile, size_t begin, size_t longest) {
  const wk_kv_view *kv = &tile->kv;
  chunk_parts chunk = {.count = 0};
  for (size_t position = begin; position < longest && chunk.count < PARTS;
       position += POSITIONS, chunk.count++) {
    const size_t slot = position % kv->block_tokens;
    const uint16_t *block =
        kv->memory + tile->block_table[position / kv->block_tokens] * kv->block_stride;
    chunk.keys[chunk.count] = block + kv->key_offset + slot;
    chunk.values[chunk.count] = block + kv->value_offset + slot * kv->head_dimension;
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
    for (size_t i = 0; i < tile->kv.head_dimension; i++) {
      state->queries[i][q] = tile->queries[q][i];
      state->accumulators[q][i] = 0;
    }
  }
}

WK_AVX512_INLINE void finish(const wk_attention_tile *tile, const running_softmax *state) {
  for (size_t q = 0; q < tile->count; q++) {
    const __m512 sum = _mm512_set1_ps(state->sums[q]);
    for (size_t i = 0; i < tile->kv.head_dimension; i += 16) {
      // Adding 0 makes -0 positive, as in the portable kernel.
      const __m512 value =
          _mm512_add_ps(_mm512_loadu_ps(state->accumulators[q] + i), _mm512_setzero_ps());
      _mm512_storeu_ps(tile->outputs[q] + i, _mm512_div_ps(value, sum));
    }
  }
}

/// `count` is at least the tile's: surplus queries are repetitions, whose results are dropped.
WK_AVX512_INLINE void attend(const wk_attention_tile *tile, const int count) {
  running_softmax state;
  size_t first = tile->starts[0], longest = 0;
  for (int q = 0; q < count; q++) {
    first = wk_smaller(first, tile->starts[q]);
    longest = wk_larger(longest, tile->lengths[q]);
  }
  begin_tile(tile, count, &state);
  first = first / CHUNK * CHUNK;
  chunk_parts chunk = parts_at(tile, first, longest);
  for (size_t begin = first; begin < longest; begin += CHUNK) {
    score(tile, count, &chunk, &state);
    soften(tile, count, begin, chunk.count, &state);
    const chunk_parts next = parts_at(tile, begin + CHUNK, longest);
    gather(tile->kv.head_dimension, count, &chunk, &next, &state);
    chunk = next;
  }
  finish(tile, &state);
}

WK_AVX512 void wk_avx512_attend(const wk_attention_tile *original) {
  wk_attention_tile tile = *original;
  for (size_t q = tile.count; q < QUERIES; q++) {
    tile.queries[q] = tile.queries[0];
    tile.starts[q] = tile.starts[0];
    tile.lengths[q] = tile.lengths[0];
  }
  switch (tile.count) {
  case 1:
    attend(&tile, 1);
    break;
  case 2:
    attend(&tile, 2);
    break;
  case 3:
    attend(&tile, 3);
    break;
  case 4:
    attend(&tile, 4);
    break;
  case 5:
  case 6:
    attend(&tile, 6);
    break;
  case 7:
  case 8:
    attend(&tile, 8);
    break;
  default:
    attend(&tile, 12);
    break;
  }
}

#endif
