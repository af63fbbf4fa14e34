#include "wk_neon.h"

#if WK_HAS_NEON

// Written for `count` queries and inlined with a constant count, so that sums stay in registers. A
// query's arithmetic does not depend on the count.

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

/// Queries of a tile from `first`.
typedef struct tile_part {
  const wk_attention_tile *tile;
  size_t first;
} tile_part;

/// The parts of a chunk: 16 positions each.
typedef struct chunk_parts {
  const uint16_t *keys[PARTS];
  const uint16_t *values[PARTS];
  int count;
} chunk_parts;

/// How many vectors of sums, each of 16 positions or dimensions, a query has under way: few queries
/// take several, to hide an addition's latency.
WK_NEON_INLINE int sums_per_query(const int count) { return count == 1 ? 4 : count == 2 ? 2 : 1; }

/// Scaled scores of `parts` times 16 positions from part `first`.
WK_NEON_INLINE void score_parts(tile_part part, const int count, const chunk_parts *chunk,
                                int first, const int parts, running_softmax *state) {
  const wk_attention_tile *tile = part.tile;
  const size_t dimension = tile->kv.head_dimension, stride = tile->kv.block_tokens;
  float32x4_t sums[QUERIES][PARTS][4];
  for (int q = 0; q < count; q++) {
    for (int p = 0; p < parts; p++) {
      for (int i = 0; i < 4; i++) {
        sums[q][p][i] = vdupq_n_f32(0);
      }
    }
  }
  for (size_t d = 0; d < dimension; d++) {
    for (int p = 0; p < parts; p++) {
      float32x4_t keys[4];
      wk_sixteen_halves(chunk->keys[first + p] + d * stride, keys);
      for (int q = 0; q < count; q++) {
        const float value = tile->queries[part.first + (size_t)q][d];
        for (int i = 0; i < 4; i++) {
          sums[q][p][i] = vfmaq_n_f32(sums[q][p][i], keys[i], value);
        }
      }
    }
  }
  for (int q = 0; q < count; q++) {
    for (int p = 0; p < parts; p++) {
      for (int i = 0; i < 4; i++) {
        vst1q_f32(state->weights[q] + POSITIONS * (first + p) + 4 * i,
                  vmulq_n_f32(sums[q][p][i], tile->scale));
      }
    }
  }
}

WK_NEON_INLINE void score(tile_part part, const int count, const chunk_parts *chunk,
                          running_softmax *state) {
  const int step = sums_per_query(count);
  int first = 0;
  for (; first + step <= chunk->count; first += step) {
    score_parts(part, count, chunk, first, step, state);
  }
  for (; first < chunk->count; first++) {
    score_parts(part, count, chunk, first, 1, state);
  }
}

/// Turns the scores of `parts` times 16 positions into weights and updates the running softmax of
/// query `q`, which sees those from `start` and before `visible`. A query may see none: then
/// nothing changes.
WK_NEON_INLINE void soften(running_softmax *state, int q, size_t start, size_t visible, int parts) {
  static const int32_t lanes[4] = {0, 1, 2, 3};
  const int32x4_t limit = vdupq_n_s32((int32_t)wk_smaller(visible, CHUNK));
  const int32x4_t begin = vdupq_n_s32((int32_t)wk_smaller(start, CHUNK));
  float *weights = state->weights[q];
  float32x4_t maxima = vdupq_n_f32(state->maxima[q]);
  for (int i = 0; i < 4 * parts; i++) {
    const int32x4_t positions = vaddq_s32(vld1q_s32(lanes), vdupq_n_s32(4 * i));
    const uint32x4_t seen = vandq_u32(vcgtq_s32(limit, positions), vcgeq_s32(positions, begin));
    const float32x4_t scores = vbslq_f32(seen, vld1q_f32(weights + 4 * i), vdupq_n_f32(-INFINITY));
    vst1q_f32(weights + 4 * i, scores);
    // Of a NaN and a number this takes the number.
    maxima = vmaxnmq_f32(scores, maxima);
  }
  const float maximum = vmaxnmvq_f32(maxima);
  const float correction = wk_exp(state->maxima[q] - maximum);
  float32x4_t sums[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
  for (int part = 0; part < parts; part++) {
    for (int i = 0; i < 4; i++) {
      float *scores = weights + POSITIONS * part + 4 * i;
      const float32x4_t weight = wk_exp4(vsubq_f32(vld1q_f32(scores), vdupq_n_f32(maximum)));
      vst1q_f32(scores, weight);
      sums[i] = vaddq_f32(sums[i], weight);
    }
  }
  state->sums[q] = fmaf(state->sums[q], correction, wk_sum_lanes(sums));
  state->corrections[q] = correction;
  state->maxima[q] = maximum;
}

/// accumulators = accumulators * correction + weights · values, for 16 * `sixteens` dimensions.
WK_NEON_INLINE void gather_dimensions(size_t dimension, size_t begin, const int sixteens,
                                      const int count, const chunk_parts *chunk,
                                      running_softmax *state) {
  float32x4_t sums[QUERIES][16];
  for (int q = 0; q < count; q++) {
    for (int i = 0; i < 4 * sixteens; i++) {
      const float32x4_t before = vld1q_f32(state->accumulators[q] + begin + 4 * i);
      sums[q][i] = vmulq_n_f32(before, state->corrections[q]);
    }
  }
  for (int slot = 0; slot < POSITIONS * chunk->count; slot++) {
    const uint16_t *values =
        chunk->values[slot / POSITIONS] + (size_t)(slot % POSITIONS) * dimension + begin;
    for (int sixteen = 0; sixteen < sixteens; sixteen++) {
      float32x4_t value[4];
      wk_sixteen_halves(values + 16 * sixteen, value);
      for (int q = 0; q < count; q++) {
        const float weight = state->weights[q][slot];
        for (int i = 0; i < 4; i++) {
          sums[q][4 * sixteen + i] = vfmaq_n_f32(sums[q][4 * sixteen + i], value[i], weight);
        }
      }
    }
  }
  for (int q = 0; q < count; q++) {
    for (int i = 0; i < 4 * sixteens; i++) {
      vst1q_f32(state->accumulators[q] + begin + 4 * i, sums[q][i]);
    }
  }
}

WK_NEON_INLINE void gather(size_t dimension, const int count, const chunk_parts *chunk,
                           running_softmax *state) {
  const int sixteens = sums_per_query(count);
  size_t begin = 0;
  for (; begin + 16 * (size_t)sixteens <= dimension; begin += 16 * (size_t)sixteens) {
    gather_dimensions(dimension, begin, sixteens, count, chunk, state);
  }
  for (; begin < dimension; begin += 16) {
    gather_dimensions(dimension, begin, 1, count, chunk, state);
  }
}

WK_NEON_INLINE void finish(tile_part part, const int count, const running_softmax *state) {
  for (int q = 0; q < count; q++) {
    const float32x4_t sum = vdupq_n_f32(state->sums[q]);
    for (size_t i = 0; i < part.tile->kv.head_dimension; i += 4) {
      // Adding 0 makes -0 positive, as in the portable kernel.
      const float32x4_t value = vaddq_f32(vld1q_f32(state->accumulators[q] + i), vdupq_n_f32(0));
      vst1q_f32(part.tile->outputs[part.first + (size_t)q] + i, vdivq_f32(value, sum));
    }
  }
}

WK_NEON_INLINE chunk_parts parts_at(const wk_attention_tile *tile, size_t begin, size_t longest) {
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

WK_NEON_INLINE void attend(tile_part part, const int count) {
  const wk_attention_tile *tile = part.tile;
  const size_t *starts = tile->starts + part.first, *lengths = tile->lengths + part.first;
  running_softmax state;
  size_t first = starts[0], longest = 0;
  for (int q = 0; q < count; q++) {
    first = wk_smaller(first, starts[q]);
    longest = wk_larger(longest, lengths[q]);
    state.maxima[q] = WK_ATTENTION_NO_MAXIMUM;
    state.sums[q] = 0;
    for (size_t i = 0; i < tile->kv.head_dimension; i++) {
      state.accumulators[q][i] = 0;
    }
  }
  for (size_t begin = first / CHUNK * CHUNK; begin < longest; begin += CHUNK) {
    const chunk_parts chunk = parts_at(tile, begin, longest);
    score(part, count, &chunk, &state);
    for (int q = 0; q < count; q++) {
      soften(&state, q, starts[q] > begin ? starts[q] - begin : 0,
             lengths[q] > begin ? lengths[q] - begin : 0, chunk.count);
    }
    gather(tile->kv.head_dimension, count, &chunk, &state);
  }
  finish(part, count, &state);
}

void wk_neon_attend(const wk_attention_tile *tile) {
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
