#include "wk_operations.h"

#include <string.h>

#include "wk_float16.h"
#include "wk_internal.h"
#include "wk_rotary.h"

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
static size_t larger(size_t a, size_t b) { return a > b ? a : b; }
static size_t divided_up(size_t a, size_t b) { return (a + b - 1) / b; }

/// Work on rows, a few to a task: enough tasks to balance, none so small that sharing costs more.
typedef struct row_work {
  void (*body)(const void *arguments, size_t row);
  const void *arguments;
  size_t rows;
  size_t rows_per_task;
} row_work;

static void row_task(void *context, uint32_t index) {
  const row_work *work = context;
  const size_t begin = index * work->rows_per_task;
  const size_t end = smaller(begin + work->rows_per_task, work->rows);
  for (size_t row = begin; row < end; row++) {
    work->body(work->arguments, row);
  }
}

static void for_each_row(const wk_engine *engine, size_t rows, const void *arguments,
                         void (*body)(const void *arguments, size_t row)) {
  const size_t shares = 4 * (size_t)wk_pool_threads(engine->pool);
  row_work work = {body, arguments, rows, larger(4, divided_up(rows, shares))};
  wk_pool_run(engine->pool, (uint32_t)divided_up(rows, work.rows_per_task), row_task, &work);
}

typedef struct populate_work {
  volatile uint8_t *zeroes;
  size_t bytes;
} populate_work;

/// Large enough to be a huge page.
enum { BYTES_PER_POPULATE_TASK = 1 << 22, SMALLEST_PAGE = 4096 };

static void populate_task(void *context, uint32_t index) {
  const populate_work *work = context;
  const size_t begin = (size_t)index * BYTES_PER_POPULATE_TASK;
  const size_t end = smaller(begin + BYTES_PER_POPULATE_TASK, work->bytes);
  for (size_t offset = begin; offset < end; offset += SMALLEST_PAGE) {
    work->zeroes[offset] = 0;
  }
}

void wk_populate(const wk_engine *engine, void *zeroes, size_t bytes) {
  populate_work work = {zeroes, bytes};
  wk_pool_run(engine->pool, (uint32_t)divided_up(bytes, BYTES_PER_POPULATE_TASK), populate_task,
              &work);
}

typedef struct pack_work {
  const wk_matrix *matrix;
  wk_format format;
  const uint8_t *source;
  _Atomic bool exact;
} pack_work;

enum { PANELS_PER_PACK_TASK = 16 };

static void pack_task(void *context, uint32_t index) {
  pack_work *work = context;
  const size_t begin = (size_t)index * PANELS_PER_PACK_TASK;
  const size_t end = smaller(begin + PANELS_PER_PACK_TASK, wk_matrix_panel_count(work->matrix));
  if (!wk_matrix_pack(work->matrix, work->format, work->source, begin, end)) {
    work->exact = false;
  }
}

bool wk_pack(const wk_engine *engine, const wk_matrix *matrix, wk_format format,
             const uint8_t *source) {
  pack_work work = {matrix, format, source, true};
  const size_t tasks = divided_up(wk_matrix_panel_count(matrix), PANELS_PER_PACK_TASK);
  wk_pool_run(engine->pool, (uint32_t)tasks, pack_task, &work);
  return work.exact;
}

typedef struct embed_work {
  const wk_matrix *matrix;
  const uint32_t *ids;
  float *out;
} embed_work;

static void embed_row(const void *arguments, size_t row) {
  const embed_work *work = arguments;
  wk_matrix_column(work->matrix, work->ids[row], work->out + row * work->matrix->depth);
}

void wk_embed(const wk_engine *engine, const wk_matrix *matrix, const uint32_t *ids, size_t rows,
              float *out) {
  const embed_work work = {matrix, ids, out};
  for_each_row(engine, rows, &work, embed_row);
}

typedef struct angle_work {
  const uint32_t *positions;
  const float *frequencies;
  size_t count;
  float *cosines;
  float *sines;
} angle_work;

static void angle_row(const void *arguments, size_t row) {
  const angle_work *work = arguments;
  wk_rotary_angles(work->positions[row], work->frequencies, work->count,
                   work->cosines + row * work->count, work->sines + row * work->count);
}

void wk_angles(const wk_engine *engine, const uint32_t *positions, size_t rows,
               const float *frequencies, size_t count, float *cosines, float *sines) {
  const angle_work work = {positions, frequencies, count, cosines, sines};
  for_each_row(engine, rows, &work, angle_row);
}

/// Arguments of the operations that end in activations of `width`.
typedef struct activation_work {
  const wk_kernel_set *kernels;
  const float *first;
  const float *second;
  const uint32_t *indices;
  size_t width;
  float epsilon;
  const wk_activation_buffer *out;
} activation_work;

static void quantize_row(const void *arguments, size_t row) {
  const activation_work *work = arguments;
  const wk_activation_buffer *out = work->out;
  if (out->quantize) {
    const size_t groups = work->width / 32;
    work->kernels->quantize(out->values + row * work->width, work->width,
                            out->levels + row * work->width, out->scales + row * groups,
                            out->sums + row * groups);
  }
}

static void normalize_row(const void *arguments, size_t row) {
  const activation_work *work = arguments;
  const size_t source = work->indices != NULL ? work->indices[row] : row;
  work->kernels->rms_norm(work->first + source * work->width, work->second, work->width,
                          work->epsilon, work->out->values + row * work->width);
  quantize_row(arguments, row);
}

static void gate_row(const void *arguments, size_t row) {
  const activation_work *work = arguments;
  const size_t offset = row * work->width;
  work->kernels->swiglu(work->first + offset, work->second + offset, work->width,
                        work->out->values + offset);
  quantize_row(arguments, row);
}

void wk_normalize(const wk_engine *engine, const float *values, const uint32_t *indices,
                  size_t rows, size_t width, const float *weights, float epsilon,
                  const wk_activation_buffer *out) {
  const activation_work work = {engine->kernels, values, weights, indices, width, epsilon, out};
  for_each_row(engine, rows, &work, normalize_row);
}

void wk_gate(const wk_engine *engine, const float *gate, const float *up, size_t rows, size_t width,
             const wk_activation_buffer *out) {
  const activation_work work = {engine->kernels, gate, up, NULL, width, 0, out};
  for_each_row(engine, rows, &work, gate_row);
}

void wk_quantize(const wk_engine *engine, size_t rows, size_t width,
                 const wk_activation_buffer *buffer) {
  if (buffer->quantize) {
    const activation_work work = {engine->kernels, NULL, NULL, NULL, width, 0, buffer};
    for_each_row(engine, rows, &work, quantize_row);
  }
}

enum {
  /// Rows whose activations stay in the second-level cache while a task's panels pass by.
  ROWS_PER_BLOCK = 64,
  /// Multiply-adds of a task: at least some 2 µs of work, at most some 100 µs.
  SMALLEST_TASK = 1 << 15,
  LARGEST_TASK = 1 << 23,
};

typedef struct multiply_part {
  const wk_product *product;
  size_t panels;
  size_t panels_per_task;
  size_t tasks_per_block;
  size_t tasks;
} multiply_part;

typedef struct multiply_work {
  const wk_kernel_set *kernels;
  size_t rows;
  size_t count;
  multiply_part parts[WK_MULTIPLY_LIMIT];
} multiply_work;

static void multiply_task(void *context, uint32_t task) {
  const multiply_work *work = context;
  const multiply_part *part = work->parts;
  size_t index = task;
  for (; index >= part->tasks; part++) {
    index -= part->tasks;
  }
  const size_t row = index / part->tasks_per_block * ROWS_PER_BLOCK;
  const size_t panel = index % part->tasks_per_block * part->panels_per_task;
  work->kernels->multiply(part->product, panel,
                          smaller(panel + part->panels_per_task, part->panels), row,
                          smaller(row + ROWS_PER_BLOCK, work->rows));
}

static multiply_part plan_part(const wk_product *product, size_t rows, size_t task_size) {
  const size_t panel_size =
      WK_PANEL_COLUMNS * product->matrix->depth * smaller(rows, ROWS_PER_BLOCK);
  multiply_part part = {.product = product, .panels = wk_matrix_panel_count(product->matrix)};
  // An even number, because the kernels for float weights take panels in pairs.
  part.panels_per_task = larger(2, task_size / panel_size / 2 * 2);
  part.tasks_per_block = divided_up(part.panels, part.panels_per_task);
  part.tasks = part.tasks_per_block * divided_up(rows, ROWS_PER_BLOCK);
  return part;
}

void wk_multiply(const wk_engine *engine, const wk_product *products, size_t count, size_t rows) {
  size_t total = 0;
  for (size_t i = 0; i < count; i++) {
    total += products[i].matrix->columns * products[i].matrix->depth * rows;
  }
  const size_t share = total / (4 * (size_t)wk_pool_threads(engine->pool));
  const size_t task_size = smaller(larger(share, SMALLEST_TASK), LARGEST_TASK);
  multiply_work work = {.kernels = engine->kernels, .rows = rows, .count = count};
  size_t tasks = 0;
  for (size_t i = 0; i < count; i++) {
    work.parts[i] = plan_part(&products[i], rows, task_size);
    tasks += work.parts[i].tasks;
  }
  wk_pool_run(engine->pool, (uint32_t)tasks, multiply_task, &work);
}

typedef struct store_work {
  const wk_kernel_set *kernels;
  const wk_kv_store *store;
} store_work;

static void store_row(const void *arguments, size_t row) {
  const store_work *work = arguments;
  const wk_kv_store *store = work->store;
  const wk_attention_layer *layer = &store->layer;
  const wk_kv_view *kv = &layer->kv;
  const size_t dimension = kv->head_dimension, width = layer->kv_heads * dimension;
  const float *cosines = store->cosines + row * store->rotations;
  const float *sines = store->sines + row * store->rotations;
  wk_rotate(store->queries + row * layer->query_heads * dimension, layer->query_heads, dimension,
            cosines, sines, store->rotations);
  float *keys = store->keys + row * width;
  wk_rotate(keys, layer->kv_heads, dimension, cosines, sines, store->rotations);
  uint16_t *block = kv->memory + store->blocks[row] * kv->block_stride;
  for (size_t head = 0; head < layer->kv_heads; head++) {
    const size_t head_offset = head * kv->block_tokens * dimension;
    uint16_t *key_slots = block + kv->key_offset + head_offset + store->slots[row];
    uint16_t halves[WK_ATTENTION_HEAD_LIMIT];
    work->kernels->to_halves(keys + head * dimension, dimension, halves);
    for (size_t i = 0; i < dimension; i++) {
      key_slots[i * kv->block_tokens] = halves[i];
    }
    uint16_t *value = block + kv->value_offset + head_offset + store->slots[row] * dimension;
    work->kernels->to_halves(store->values + row * width + head * dimension, dimension, value);
  }
}

void wk_store(const wk_engine *engine, const wk_kv_store *store, size_t rows) {
  const store_work work = {engine->kernels, store};
  for_each_row(engine, rows, &work, store_row);
}

/// Tiles per attention task.
enum { TILES_PER_TASK = 8 };

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
  return divided_up(query_count(work, span), TILES_PER_TASK * WK_ATTENTION_QUERIES);
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
  tile.kv.key_offset += head * layer->kv.block_tokens * dimension;
  tile.kv.value_offset += head * layer->kv.block_tokens * dimension;
  for (size_t index = begin; index < end; index++) {
    const size_t row = index / group, query_head = head * group + index % group;
    const size_t offset = ((span->first_row + row) * layer->query_heads + query_head) * dimension;
    tile.queries[index - begin] = work->queries + offset;
    tile.outputs[index - begin] = work->out + offset;
    tile.lengths[index - begin] = span->first_position + row + 1;
  }
  work->kernels->attend(&tile);
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
  const size_t last = smaller(first + TILES_PER_TASK * WK_ATTENTION_QUERIES, queries);
  for (size_t begin = first; begin < last; begin += WK_ATTENTION_QUERIES) {
    attend_tile(work, span, index / per_head, begin, smaller(begin + WK_ATTENTION_QUERIES, last));
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
