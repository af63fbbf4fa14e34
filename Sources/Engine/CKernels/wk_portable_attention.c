#include <math.h>
#include <string.h>

#include "wk_exponential.h"
#include "wk_float16.h"
#include "wk_portable.h"

enum {
  CHUNK = WK_ATTENTION_CHUNK,
  LANES = WK_ATTENTION_POSITIONS,
  PARTS = CHUNK / LANES,
};

/// One query's running softmax.
typedef struct attention_state {
  float maximum;
  float sum;
  float accumulator[WK_ATTENTION_HEAD_LIMIT];
} attention_state;

/// 16 positions of a block each, or null beyond the query's last.
typedef struct attention_chunk {
  const uint16_t *keys[PARTS];
  const uint16_t *values[PARTS];
  /// Those of levels, group 0.
  const uint16_t *key_scales[PARTS];
  const uint16_t *value_scales[PARTS];
} attention_chunk;

static attention_chunk chunk_at(const wk_attention_tile *tile, size_t begin, size_t length) {
  const wk_kv_view *kv = &tile->kv;
  const size_t element_bytes = kv->type == WK_KV_Q8 ? 1 : 2;
  attention_chunk chunk = {0};
  for (size_t i = 0; i < PARTS && begin + i * LANES < length; i++) {
    const size_t position = begin + i * LANES, slot = position % kv->block_tokens;
    const uint16_t *block =
        kv->memory + tile->block_table[position / kv->block_tokens] * kv->block_stride;
    const size_t scales = kv->head_dimension * kv->block_tokens / 2 + slot;
    chunk.keys[i] = block + kv->key_offset + slot * element_bytes / 2;
    chunk.values[i] = block + kv->value_offset + slot * kv->head_dimension * element_bytes / 2;
    chunk.key_scales[i] = block + kv->key_offset + scales;
    chunk.value_scales[i] = block + kv->value_offset + scales;
  }
  return chunk;
}

/// Query times key of one of 16 positions, in f16.
static float f16_score(const wk_kv_view *kv, const float *query, const attention_chunk *chunk,
                       size_t index) {
  const uint16_t *keys = chunk->keys[index / LANES] + index % LANES;
  float sum = 0;
  for (size_t i = 0; i < kv->head_dimension; i++) {
    sum = fmaf(query[i], wk_from_f16(keys[i * kv->block_tokens]), sum);
  }
  return sum;
}

/// The same in 8 bits.
static float q8_score(const wk_kv_view *kv, const float *query, const attention_chunk *chunk,
                      size_t index) {
  const int8_t *levels = (const int8_t *)chunk->keys[index / LANES] + index % LANES;
  const uint16_t *scales = chunk->key_scales[index / LANES] + index % LANES;
  float score = 0;
  for (size_t begin = 0; begin < kv->head_dimension; begin += WK_KV_GROUP) {
    float sum = 0;
    for (size_t i = begin; i < wk_smaller(begin + WK_KV_GROUP, kv->head_dimension); i++) {
      sum = fmaf(query[i], (float)levels[i * kv->block_tokens], sum);
    }
    score = fmaf(sum, wk_from_f16(scales[begin / WK_KV_GROUP * kv->block_tokens]), score);
  }
  return score;
}

/// Scaled and capped scores; minus infinity for positions that the query does not see, which are
/// those before `start` and from `visible` on.
static void score(const wk_attention_tile *tile, const float *query, size_t start, size_t visible,
                  const attention_chunk *chunk, float scores[CHUNK]) {
  for (size_t index = 0; index < CHUNK; index++) {
    if (index < start || index >= visible) {
      scores[index] = -INFINITY;
      continue;
    }
    const float sum =
        (tile->kv.type == WK_KV_Q8 ? q8_score : f16_score)(&tile->kv, query, chunk, index);
    const float scaled = sum * tile->scale;
    scores[index] =
        tile->soft_cap > 0 ? wk_soft_capped(scaled, tile->soft_cap, 2.0f / tile->soft_cap) : scaled;
  }
}

/// The sum of a chunk's weights: positions apart by 16 in order, then 16 lanes.
static float sum_chunk(const float weights[CHUNK]) {
  float lanes[LANES];
  for (size_t lane = 0; lane < LANES; lane++) {
    lanes[lane] = weights[lane];
    for (size_t i = lane + LANES; i < CHUNK; i += LANES) {
      lanes[lane] = lanes[lane] + weights[i];
    }
  }
  return wk_add_lanes(lanes);
}

/// sum + weight * dimension `i` of the values of one of 16 positions.
static float add_value(const wk_kv_view *kv, const attention_chunk *chunk, size_t index, size_t i,
                       float weight, float sum) {
  const uint16_t *values = chunk->values[index / LANES];
  const size_t element = index % LANES * kv->head_dimension + i;
  if (kv->type == WK_KV_F16) {
    return fmaf(weight, wk_from_f16(values[element]), sum);
  }
  const uint16_t *scales = chunk->value_scales[index / LANES] + index % LANES;
  const float scaled = weight * wk_from_f16(scales[i / WK_KV_GROUP * kv->block_tokens]);
  return fmaf(scaled, (float)((const int8_t *)values)[element], sum);
}

static void take_in(const wk_attention_tile *tile, attention_state *state, float scores[CHUNK],
                    const attention_chunk *chunk) {
  float maximum = state->maximum;
  for (int i = 0; i < CHUNK; i++) {
    maximum = wk_second_max(scores[i], maximum);
  }
  const float correction = wk_exp(state->maximum - maximum);
  for (int i = 0; i < CHUNK; i++) {
    scores[i] = wk_exp(scores[i] - maximum);
  }
  state->sum = fmaf(state->sum, correction, sum_chunk(scores));
  state->maximum = maximum;
  for (size_t i = 0; i < tile->kv.head_dimension; i++) {
    float sum = state->accumulator[i] * correction;
    for (size_t index = 0; index < CHUNK && chunk->values[index / LANES] != NULL; index++) {
      sum = add_value(&tile->kv, chunk, index, i, scores[index], sum);
    }
    state->accumulator[i] = sum;
  }
}

static void attend_query(wk_attention_tile *tile, size_t index) {
  const size_t start = tile->starts[index], length = tile->lengths[index];
  const size_t bytes = tile->kv.head_dimension * sizeof(float);
  attention_state state = {.maximum = WK_ATTENTION_NO_MAXIMUM};
  if (tile->continues) {
    state.maximum = tile->ends[index].maximum;
    state.sum = tile->ends[index].sum;
    memcpy(state.accumulator, tile->outputs[index], bytes);
  }
  for (size_t begin = start / CHUNK * CHUNK; begin < length; begin += CHUNK) {
    const attention_chunk chunk = chunk_at(tile, begin, length);
    float scores[CHUNK];
    score(tile, tile->queries[index], start > begin ? start - begin : 0, length - begin, &chunk,
          scores);
    take_in(tile, &state, scores, &chunk);
  }
  tile->ends[index] = (wk_softmax_end){state.maximum, state.sum};
  if (tile->unfinished) {
    memcpy(tile->outputs[index], state.accumulator, bytes);
    return;
  }
  for (size_t i = 0; i < tile->kv.head_dimension; i++) {
    // Adding 0 makes -0 positive: unseen slots, whatever they hold, only ever change a zero's sign.
    tile->outputs[index][i] = (state.accumulator[i] + 0.0f) / state.sum;
  }
}

static void attend(wk_attention_tile *tile) {
  for (size_t index = 0; index < tile->count; index++) {
    attend_query(tile, index);
  }
}

void wk_portable_attend(wk_attention_tile *tile) { attend(tile); }

void wk_portable_attend_q8(wk_attention_tile *tile) { attend(tile); }
