#include <stdbool.h>
#include <string.h>

#include "wk_exponential.h"
#include "wk_internal.h"
#include "wk_operations.h"
#include "wk_portable.h"

// A query's positions are taken in range by range (WK_ATTENTION_RANGE), each as if there were no
// other, and the ranges' results are merged in order. So ranges may be shared out, and what comes
// out does not depend on it.

enum {
  /// Tiles per attention task.
  TILES_PER_TASK = 4,
  RANGE = WK_ATTENTION_RANGE,
};

typedef struct attention_work {
  const wk_kernel_set *kernels;
  const wk_attention_layer *layer;
  const wk_attention_span *spans;
  size_t count;
  const float *queries;
  float *out;
} attention_work;

/// A query of a span and KV head, those of one row after those of the one before.
typedef struct query_place {
  /// Of its values in `queries` and `out`.
  size_t offset;
  /// The positions that it sees.
  size_t start, length;
} query_place;

static size_t query_count(const attention_work *work, const wk_attention_span *span) {
  return span->row_count * (work->layer->query_heads / work->layer->kv_heads);
}

static query_place place_of(const attention_work *work, const wk_attention_span *span, size_t head,
                            size_t index) {
  const wk_attention_layer *layer = work->layer;
  const size_t group = layer->query_heads / layer->kv_heads;
  const size_t row = index / group, length = span->first_position + row + 1;
  const size_t query_head = (span->first_row + row) * layer->query_heads + head * group;
  return (query_place){
      .offset = (query_head + index % group) * layer->kv.head_dimension,
      .start = length > layer->window ? length - layer->window : 0,
      .length = length,
  };
}

static wk_attention_tile empty_tile(const attention_work *work, const wk_attention_span *span,
                                    size_t head) {
  const wk_attention_layer *layer = work->layer;
  wk_attention_tile tile = {
      .kv = layer->kv, .block_table = span->block_table, .scale = layer->scale};
  tile.kv.key_offset += head * layer->kv.head_stride;
  tile.kv.value_offset += head * layer->kv.head_stride;
  return tile;
}

/// Adds a query for what it sees of a range; false, and nothing, if that is nothing.
static bool add_query(const attention_work *work, wk_attention_tile *tile, const query_place *place,
                      size_t range, float *output) {
  const size_t start = wk_larger(place->start, range * RANGE);
  const size_t length = wk_smaller(place->length, (range + 1) * RANGE);
  if (start >= length) {
    return false;
  }
  tile->queries[tile->count] = work->queries + place->offset;
  tile->starts[tile->count] = start;
  tile->lengths[tile->count] = length;
  tile->outputs[tile->count] = output;
  tile->count++;
  return true;
}

static void attend(const attention_work *work, wk_attention_tile *tile) {
  (tile->kv.type == WK_KV_Q8 ? work->kernels->attend_q8 : work->kernels->attend)(tile);
}

/// output = the two outputs, each weighted by its share in the softmax's sum.
static void merge(wk_softmax_end *end, float *output, const wk_softmax_end *next,
                  const float *next_output, size_t dimension) {
  const float maximum = wk_second_max(end->maximum, next->maximum);
  const float sum = end->sum * wk_exp(end->maximum - maximum);
  const float next_sum = next->sum * wk_exp(next->maximum - maximum);
  const float total = sum + next_sum;
  const float weight = sum / total, next_weight = next_sum / total;
  for (size_t i = 0; i < dimension; i++) {
    output[i] = output[i] * weight + next_output[i] * next_weight;
  }
  *end = (wk_softmax_end){maximum, total};
}

// MARK: A tile of queries at a time

static size_t tasks_per_head(const attention_work *work, const wk_attention_span *span) {
  return wk_divided_up(query_count(work, span), TILES_PER_TASK * WK_ATTENTION_QUERIES);
}

/// Queries `begin ..< end` of a span and KV head, range after range.
static void attend_tile(const attention_work *work, const wk_attention_span *span, size_t head,
                        size_t begin, size_t end) {
  const size_t dimension = work->layer->kv.head_dimension;
  query_place places[WK_ATTENTION_QUERIES];
  wk_softmax_end ends[WK_ATTENTION_QUERIES];
  for (size_t index = begin; index < end; index++) {
    places[index - begin] = place_of(work, span, head, index);
  }
  const size_t last_range = (places[end - begin - 1].length - 1) / RANGE;
  for (size_t range = places[0].start / RANGE; range <= last_range; range++) {
    float outputs[WK_ATTENTION_QUERIES][WK_ATTENTION_HEAD_LIMIT];
    size_t queries[WK_ATTENTION_QUERIES];
    wk_attention_tile tile = empty_tile(work, span, head);
    for (size_t i = 0; i < end - begin; i++) {
      const bool is_first = places[i].start / RANGE == range;
      float *output = is_first ? work->out + places[i].offset : outputs[tile.count];
      const size_t index = tile.count;
      if (add_query(work, &tile, &places[i], range, output)) {
        queries[index] = i;
      }
    }
    attend(work, &tile);
    for (size_t index = 0; index < tile.count; index++) {
      const size_t i = queries[index];
      if (places[i].start / RANGE == range) {
        ends[i] = tile.ends[index];
      } else {
        merge(&ends[i], work->out + places[i].offset, &tile.ends[index], outputs[index], dimension);
      }
    }
  }
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

// MARK: A range at a time

// Spans of one row. A task's partial results are, query after query, the end and the output.

static size_t first_range(const attention_work *work, const wk_attention_span *span) {
  return place_of(work, span, 0, 0).start / RANGE;
}

static size_t range_count(const attention_work *work, const wk_attention_span *span) {
  return span->first_position / RANGE + 1 - first_range(work, span);
}

static size_t floats_per_query(const attention_work *work) {
  return sizeof(wk_softmax_end) / sizeof(float) + work->layer->kv.head_dimension;
}

static float *partial_of(const attention_work *work, size_t task, size_t query) {
  const size_t group = work->layer->query_heads / work->layer->kv_heads;
  return work->layer->partials + (task * group + query) * floats_per_query(work);
}

static void range_task(void *context, uint32_t task) {
  const attention_work *work = context;
  const wk_attention_span *span = span_of_task(work, task);
  const size_t index = task - span->first_task, ranges = range_count(work, span);
  const size_t head = index / ranges, range = first_range(work, span) + index % ranges;
  const size_t queries = query_count(work, span),
               end_floats = floats_per_query(work) - work->layer->kv.head_dimension;
  for (size_t begin = 0; begin < queries; begin += WK_ATTENTION_QUERIES) {
    wk_attention_tile tile = empty_tile(work, span, head);
    const size_t end = wk_smaller(begin + WK_ATTENTION_QUERIES, queries);
    for (size_t query = begin; query < end; query++) {
      const query_place place = place_of(work, span, head, query);
      add_query(work, &tile, &place, range, partial_of(work, task, query) + end_floats);
    }
    attend(work, &tile);
    for (size_t query = begin; query < end; query++) {
      memcpy(partial_of(work, task, query), &tile.ends[query - begin], sizeof(wk_softmax_end));
    }
  }
}

/// Merges the ranges of one span and KV head.
static void merge_task(void *context, uint32_t task) {
  const attention_work *work = context;
  const size_t dimension = work->layer->kv.head_dimension;
  const wk_attention_span *span = &work->spans[task / work->layer->kv_heads];
  const size_t head = task % work->layer->kv_heads, ranges = range_count(work, span);
  const size_t end_floats = floats_per_query(work) - dimension;
  for (size_t query = 0; query < query_count(work, span); query++) {
    float *output = work->out + place_of(work, span, head, query).offset;
    wk_softmax_end end, next;
    for (size_t range = 0; range < ranges; range++) {
      const float *partial = partial_of(work, span->first_task + head * ranges + range, query);
      if (range == 0) {
        memcpy(&end, partial, sizeof end);
        memcpy(output, partial + end_floats, dimension * sizeof *output);
      } else {
        memcpy(&next, partial, sizeof next);
        merge(&end, output, &next, partial + end_floats, dimension);
      }
    }
  }
}

/// Whether ranges are shared out: some span of single rows has several, and there is memory.
static bool shares_ranges(const attention_work *work) {
  const wk_attention_layer *layer = work->layer;
  const size_t group = layer->query_heads / layer->kv_heads;
  size_t tasks = 0, most = 0;
  for (size_t i = 0; i < work->count; i++) {
    if (work->spans[i].row_count != 1) {
      return false;
    }
    const size_t ranges = range_count(work, &work->spans[i]);
    most = wk_larger(most, ranges);
    tasks += layer->kv_heads * ranges;
  }
  return most > 1 && tasks * group * floats_per_query(work) <= layer->partial_floats;
}

void wk_attention(const wk_engine *engine, const wk_attention_layer *layer,
                  wk_attention_span *spans, size_t count, const float *queries, float *out) {
  attention_work work = {engine->kernels, layer, spans, count, queries, out};
  const bool by_ranges = wk_pool_threads(engine->pool) > 1 && shares_ranges(&work);
  size_t tasks = 0;
  for (size_t i = 0; i < count; i++) {
    spans[i].first_task = tasks;
    tasks += layer->kv_heads *
             (by_ranges ? range_count(&work, &spans[i]) : tasks_per_head(&work, &spans[i]));
  }
  wk_pool_run(engine->pool, (uint32_t)tasks, by_ranges ? range_task : attention_task, &work);
  if (by_ranges) {
    wk_pool_run(engine->pool, (uint32_t)(count * layer->kv_heads), merge_task, &work);
  }
}
