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

/// Tiles per attention task.
enum { TILES_PER_TASK = 4 };

typedef struct attention_work {
  const wk_kernel_set *kernels;
  const wk_attention_layer *layer;
  const wk_attention_span *spans;
  size_t count;
  const float *queries;
  float *out;
} attention_work;

static size_t query_count(const attention_work *work, const wk_attention_span *span) {
  return span->row_count * (work->layer->query_heads / work->layer->kv_heads);
}

static size_t tasks_per_head(const attention_work *work, const wk_attention_span *span) {
  return wk_divided_up(query_count(work, span), TILES_PER_TASK * WK_ATTENTION_QUERIES);
}

/// Queries `begin ..< end` of a span and KV head: those of one row after those of the one before.
static void attend_tile(const attention_work *work, const wk_attention_span *span, size_t head,
                        size_t begin, size_t end) {
  const wk_attention_layer *layer = work->layer;
  const size_t dimension = layer->kv.head_dimension;
  const size_t group = layer->query_heads / layer->kv_heads;
  wk_attention_tile tile = {.kv = layer->kv,
                            .block_table = span->block_table,
                            .scale = layer->scale,
                            .count = end - begin};
  tile.kv.key_offset += head * layer->kv.head_stride;
  tile.kv.value_offset += head * layer->kv.head_stride;
  for (size_t index = begin; index < end; index++) {
    const size_t row = index / group, query_head = head * group + index % group;
    const size_t offset = ((span->first_row + row) * layer->query_heads + query_head) * dimension;
    tile.queries[index - begin] = work->queries + offset;
    tile.outputs[index - begin] = work->out + offset;
    const size_t length = span->first_position + row + 1;
    tile.lengths[index - begin] = length;
    tile.starts[index - begin] = length > layer->window ? length - layer->window : 0;
  }
  (layer->kv.type == WK_KV_Q8 ? work->kernels->attend_q8 : work->kernels->attend)(&tile);
}

static const wk_attention_span *span_of_task(const attention_work *work, size_t task) {
  size_t low = 0, high = work->count;
  while (high - low > 1) {
    const size_t middle = low + (high - low) / 2;
    if (work->spans[middle].first_task <= task) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return &work->spans[low];
}

static void attention_task(void *context, uint32_t task) {
  const attention_work *work = context;
  const wk_attention_span *span = span_of_task(work, task);
  const size_t index = task - span->first_task, per_head = tasks_per_head(work, span);
  const size_t queries = query_count(work, span);
  const size_t first = index % per_head * TILES_PER_TASK * WK_ATTENTION_QUERIES;
  const size_t last = wk_smaller(first + TILES_PER_TASK * WK_ATTENTION_QUERIES, queries);
  for (size_t begin = first; begin < last; begin += WK_ATTENTION_QUERIES) {
    attend_tile(work, span, index / per_head, begin,
                wk_smaller(begin + WK_ATTENTION_QUERIES, last));
  }
}

void wk_attention(const wk_engine *engine, const wk_attention_layer *layer,
                  wk_attention_span *spans, size_t count, const float *queries, float *out) {
  attention_work work = {engine->kernels, layer, spans, count, queries, out};
  size_t tasks = 0;
  for (size_t i = 0; i < count; i++) {
    spans[i].first_task = tasks;
    tasks += layer->kv_heads * tasks_per_head(&work, &spans[i]);
  }
  wk_pool_run(engine->pool, (uint32_t)tasks, attention_task, &work);
}
