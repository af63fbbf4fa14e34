#include "wk_for_each_row.h"
#include "wk_internal.h"
#include "wk_rotary.h"

typedef struct store_work {
  const wk_kernel_set *kernels;
  const wk_kv_store *store;
} store_work;

/// Stores one head's key and value in f16.
static void store_halves(const store_work *work, const float *key, const float *value,
                         uint16_t *keys, uint16_t *values, size_t slot) {
  const size_t dimension = work->store->layer.kv.head_dimension;
  const size_t block_tokens = work->store->layer.kv.block_tokens;
  uint16_t halves[WK_ATTENTION_HEAD_LIMIT];
  work->kernels->to_halves(key, dimension, halves);
  for (size_t i = 0; i < dimension; i++) {
    keys[i * block_tokens + slot] = halves[i];
  }
  work->kernels->to_halves(value, dimension, values + slot * dimension);
}

/// Stores one head's key and value in 8 bits.
static void store_levels(const store_work *work, const float *key, const float *value,
                         uint16_t *keys, uint16_t *values, size_t slot) {
  const size_t dimension = work->store->layer.kv.head_dimension;
  const size_t block_tokens = work->store->layer.kv.block_tokens;
  int8_t levels[WK_ATTENTION_HEAD_LIMIT];
  uint16_t scales[2][WK_ATTENTION_HEAD_LIMIT / WK_KV_GROUP];
  int8_t *key_levels = (int8_t *)keys, *value_levels = (int8_t *)values;
  work->kernels->to_levels(key, dimension, levels, scales[0]);
  for (size_t i = 0; i < dimension; i++) {
    key_levels[i * block_tokens + slot] = levels[i];
  }
  work->kernels->to_levels(value, dimension, value_levels + slot * dimension, scales[1]);
  const size_t scale_offset = dimension * block_tokens / 2 + slot;
  for (size_t group = 0; group < wk_divided_up(dimension, WK_KV_GROUP); group++) {
    keys[scale_offset + group * block_tokens] = scales[0][group];
    values[scale_offset + group * block_tokens] = scales[1][group];
  }
}

static void store_row(const void *arguments, size_t row) {
  const store_work *work = arguments;
  const wk_kv_store *store = work->store;
  const wk_attention_layer *layer = &store->layer;
  const wk_kv_view *kv = &layer->kv;
  const size_t dimension = kv->head_dimension, width = layer->kv_heads * dimension;
  const float *cosines = store->cosines + row * store->rotations;
  const float *sines = store->sines + row * store->rotations;
  wk_rotate(store->queries + row * layer->query_heads * dimension, layer->query_heads, dimension,
            store->pairs, cosines, sines, store->rotations);
  float *keys = store->keys + row * width;
  wk_rotate(keys, layer->kv_heads, dimension, store->pairs, cosines, sines, store->rotations);
  const float *values = store->values + row * width;
  uint16_t *block = kv->memory + store->blocks[row] * kv->block_stride;
  for (size_t head = 0; head < layer->kv_heads; head++) {
    uint16_t *head_block = block + head * kv->head_stride;
    (kv->type == WK_KV_Q8 ? store_levels : store_halves)(
        work, keys + head * dimension, values + head * dimension, head_block + kv->key_offset,
        head_block + kv->value_offset, store->slots[row]);
  }
}

void wk_store(const wk_engine *engine, const wk_kv_store *store, size_t rows) {
  const store_work work = {engine->kernels, store};
  wk_for_each_row(engine, rows, &work, store_row);
}
