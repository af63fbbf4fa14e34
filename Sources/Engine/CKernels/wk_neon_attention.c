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
  /// Groups of dimensions, with scales of their own in 8 bits, of which values are added at a time.
  GROUPS = 2,
};

typedef struct running_softmax {
  float maxima[QUERIES];
  float sums[QUERIES];
  float corrections[QUERIES];
  float weights[QUERIES][CHUNK];
  /// Weights times the scales of values' groups of dimensions.
  float scaled[GROUPS][QUERIES][CHUNK];
  float accumulators[QUERIES][WK_ATTENTION_HEAD_LIMIT];
} running_softmax;

/// Queries of a tile from `first`.
typedef struct tile_part {
  wk_attention_tile *tile;
  size_t first;
} tile_part;

/// The parts of a chunk: 16 positions each.
typedef struct chunk_parts {
  const uint8_t *keys[PARTS];
  const uint8_t *values[PARTS];
  /// Those of levels, group 0.
  const uint16_t *key_scales[PARTS];
  const uint16_t *value_scales[PARTS];
  int count;
} chunk_parts;

WK_NEON_INLINE size_t element_bytes(const wk_kv_type type) { return type == WK_KV_Q8 ? 1 : 2; }

/// 16 elements of KV memory: halves, or levels without their scale.
WK_NEON_INLINE void sixteen_elements(const uint8_t *source, const wk_kv_type type,
                                     float32x4_t elements[4]) {
  if (type == WK_KV_F16) {
    wk_sixteen_halves((const uint16_t *)(const void *)source, elements);
    return;
  }
  const int8x16_t levels = vld1q_s8((const int8_t *)source);
  const int16x8_t low = vmovl_s8(vget_low_s8(levels)), high = vmovl_high_s8(levels);
  elements[0] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(low)));
  elements[1] = vcvtq_f32_s32(vmovl_high_s16(low));
  elements[2] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(high)));
  elements[3] = vcvtq_f32_s32(vmovl_high_s16(high));
}

/// How many vectors of sums, each of 16 positions or dimensions, a query has under way: few queries
/// take several, to hide an addition's latency.
WK_NEON_INLINE int sums_per_query(const int count) { return count == 1 ? 4 : count == 2 ? 2 : 1; }

/// Adds a query's sums over a group of dimensions from `begin` to its scores of a part; after the
/// last group they are scaled.
WK_NEON_INLINE void add_scores(const wk_attention_tile *tile, const uint16_t *key_scales,
                               size_t begin, const bool is_last, const float32x4_t sums[4],
                               float *scores, const wk_kv_type type) {
  for (int i = 0; i < 4; i++) {
    float32x4_t sum = sums[i];
    if (type == WK_KV_Q8) {
      const float32x4_t before = begin == 0 ? vdupq_n_f32(0) : vld1q_f32(scores + 4 * i);
      const size_t group = begin / WK_KV_GROUP * tile->kv.block_tokens;
      sum = vfmaq_f32(before, sum, wk_four_halves(key_scales + group + 4 * i));
    }
    vst1q_f32(scores + 4 * i, is_last ? vmulq_n_f32(sum, tile->scale) : sum);
  }
}

/// Scaled scores of `parts` times 16 positions from part `first`.
WK_NEON_INLINE void score_parts(tile_part part, const int count, const chunk_parts *chunk,
                                int first, const int parts, running_softmax *state,
                                const wk_kv_type type) {
  const wk_attention_tile *tile = part.tile;
  const size_t dimension = tile->kv.head_dimension;
  const size_t stride = tile->kv.block_tokens * element_bytes(type);
  const size_t group = type == WK_KV_Q8 ? WK_KV_GROUP : dimension;
  for (size_t begin = 0; begin < dimension; begin += group) {
    const size_t end = wk_smaller(begin + group, dimension);
    float32x4_t sums[QUERIES][PARTS][4];
    for (int q = 0; q < count; q++) {
      for (int p = 0; p < parts; p++) {
        for (int i = 0; i < 4; i++) {
          sums[q][p][i] = vdupq_n_f32(0);
        }
      }
    }
    for (size_t d = begin; d < end; d++) {
      for (int p = 0; p < parts; p++) {
        float32x4_t keys[4];
        sixteen_elements(chunk->keys[first + p] + d * stride, type, keys);
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
        add_scores(tile, chunk->key_scales[first + p], begin, end == dimension, sums[q][p],
                   state->weights[q] + POSITIONS * (first + p), type);
      }
    }
  }
}

WK_NEON_INLINE void score(tile_part part, const int count, const chunk_parts *chunk,
                          running_softmax *state, const wk_kv_type type) {
  const int step = sums_per_query(count);
  int first = 0;
  for (; first + step <= chunk->count; first += step) {
    score_parts(part, count, chunk, first, step, state, type);
  }
  for (; first < chunk->count; first++) {
    score_parts(part, count, chunk, first, 1, state, type);
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

/// Weights times the scales of a group of the values' dimensions.
WK_NEON_INLINE void scale_weights(const int count, const chunk_parts *chunk, size_t scale_offset,
                                  const running_softmax *state, float scaled[QUERIES][CHUNK]) {
  for (int i = 0; i < 4 * chunk->count; i++) {
    const uint16_t *halves = chunk->value_scales[i / 4] + scale_offset + 4 * (i % 4);
    const float32x4_t scales = wk_four_halves(halves);
    for (int q = 0; q < count; q++) {
      vst1q_f32(scaled[q] + 4 * i, vmulq_f32(vld1q_f32(state->weights[q] + 4 * i), scales));
    }
  }
}

/// accumulators = accumulators * correction + weights · values, for 16 * `sixteens` dimensions.
WK_NEON_INLINE void gather_dimensions(const wk_kv_view *kv, size_t begin, const int sixteens,
                                      const int count, const chunk_parts *chunk,
                                      running_softmax *state, const wk_kv_type type) {
  const size_t bytes = element_bytes(type);
  // 16 dimensions in a group's middle meet the weights that its first 16 have left.
  const bool are_due = type == WK_KV_Q8 && begin % WK_KV_GROUP == 0;
  for (int group = 0; are_due && 2 * group < sixteens; group++) {
    const size_t index = begin / WK_KV_GROUP + (size_t)group;
    scale_weights(count, chunk, index * kv->block_tokens, state, state->scaled[group]);
  }
  float32x4_t sums[QUERIES][16];
  for (int q = 0; q < count; q++) {
    for (int i = 0; i < 4 * sixteens; i++) {
      const float32x4_t before = vld1q_f32(state->accumulators[q] + begin + 4 * i);
      sums[q][i] = vmulq_n_f32(before, state->corrections[q]);
    }
  }
  for (int slot = 0; slot < POSITIONS * chunk->count; slot++) {
    const size_t element = (size_t)(slot % POSITIONS) * kv->head_dimension + begin;
    const uint8_t *values = chunk->values[slot / POSITIONS] + element * bytes;
    for (int sixteen = 0; sixteen < sixteens; sixteen++) {
      float32x4_t value[4];
      sixteen_elements(values + 16 * (size_t)sixteen * bytes, type, value);
      float(*weights)[CHUNK] = type == WK_KV_Q8 ? state->scaled[sixteen / 2] : state->weights;
      for (int q = 0; q < count; q++) {
        const float weight = weights[q][slot];
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

WK_NEON_INLINE void gather(const wk_kv_view *kv, const int count, const chunk_parts *chunk,
                           running_softmax *state, const wk_kv_type type) {
  const int sixteens = sums_per_query(count);
  size_t begin = 0;
  for (; begin + 16 * (size_t)sixteens <= kv->head_dimension; begin += 16 * (size_t)sixteens) {
    gather_dimensions(kv, begin, sixteens, count, chunk, state, type);
  }
  for (; begin < kv->head_dimension; begin += 16) {
    gather_dimensions(kv, begin, 1, count, chunk, state, type);
  }
}

WK_NEON_INLINE void finish(tile_part part, const int count, const running_softmax *state) {
  for (int q = 0; q < count; q++) {
    const float32x4_t sum = vdupq_n_f32(state->sums[q]);
    for (size_t i = 0; i < part.tile->kv.head_dimension; i += 4) {
      const float32x4_t value = vld1q_f32(state->accumulators[q] + i);
      // Adding 0 makes -0 positive, as in the portable kernel.
      const float32x4_t finished = vdivq_f32(vaddq_f32(value, vdupq_n_f32(0)), sum);
      vst1q_f32(part.tile->outputs[part.first + (size_t)q] + i,
                part.tile->unfinished ? value : finished);
    }
    part.tile->ends[part.first + (size_t)q] = (wk_softmax_end){state->maxima[q], state->sums[q]};
  }
}

WK_NEON_INLINE chunk_parts parts_at(const wk_attention_tile *tile, size_t begin, size_t longest,
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

WK_NEON_INLINE void attend(tile_part part, const int count, const wk_kv_type type) {
  const wk_attention_tile *tile = part.tile;
  const size_t *starts = tile->starts + part.first, *lengths = tile->lengths + part.first;
  const float soft_cap = tile->soft_cap;
  running_softmax state;
  size_t first = starts[0], longest = 0;
  for (int q = 0; q < count; q++) {
    first = wk_smaller(first, starts[q]);
    longest = wk_larger(longest, lengths[q]);
    const size_t query = part.first + (size_t)q;
    const bool continues = tile->continues;
    state.maxima[q] = continues ? tile->ends[query].maximum : WK_ATTENTION_NO_MAXIMUM;
    state.sums[q] = continues ? tile->ends[query].sum : 0;
    for (size_t i = 0; i < tile->kv.head_dimension; i++) {
      state.accumulators[q][i] = continues ? tile->outputs[query][i] : 0;
    }
  }
  for (size_t begin = first / CHUNK * CHUNK; begin < longest; begin += CHUNK) {
    const chunk_parts chunk = parts_at(tile, begin, longest, type);
    score(part, count, &chunk, &state, type);
    for (int q = 0; q < count && soft_cap > 0; q++) {
      wk_neon_soft_cap(state.weights[q], (size_t)(POSITIONS * chunk.count), soft_cap);
    }
    for (int q = 0; q < count; q++) {
      soften(&state, q, starts[q] > begin ? starts[q] - begin : 0,
             lengths[q] > begin ? lengths[q] - begin : 0, chunk.count);
    }
    gather(&tile->kv, count, &chunk, &state, type);
  }
  finish(part, count, &state);
}

WK_NEON_INLINE void attend_tile(wk_attention_tile *tile, const wk_kv_type type) {
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

void wk_neon_attend(wk_attention_tile *tile) { attend_tile(tile, WK_KV_F16); }

void wk_neon_attend_q8(wk_attention_tile *tile) { attend_tile(tile, WK_KV_Q8); }

#endif
