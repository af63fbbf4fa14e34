#include <stdbool.h>
#include <string.h>

#include "wk_attention_work.h"
#include "wk_exponential.h"
#include "wk_portable.h"

// A query's positions are taken in range by range (WK_ATTENTION_RANGE), each as if there were no
// other, and the ranges' results are merged in order. So ranges may be shared out, and what comes
// out does not depend on it.

/// Tiles per attention task.
enum { TILES_PER_TASK = 4 };

static size_t query_count(const wk_attention_work *work, const wk_attention_span *span) {
  return span->row_count * wk_queries_per_head(work);
}

wk_query_place wk_place_of_query(const wk_attention_work *work, const wk_attention_span *span,
                                 size_t head, size_t index) {
  const wk_attention_layer *layer = work->layer;
  const size_t group = layer->query_heads / layer->kv_heads;
  const size_t row = index / group, length = span->first_position + row + 1;
  const size_t query_head = (span->first_row + row) * layer->query_heads + head * group;
  return (wk_query_place){
      .offset = (query_head + index % group) * layer->kv.head_dimension,
      .start = length > layer->window ? length - layer->window : 0,
      .length = length,
  };
}

wk_attention_tile wk_empty_tile(const wk_attention_work *work, const wk_attention_span *span,
                                size_t head) {
  const wk_attention_layer *layer = work->layer;
  wk_attention_tile tile = {.kv = layer->kv,
                            .block_table = span->block_table,
                            .scale = layer->scale,
                            .soft_cap = layer->soft_cap};
  tile.kv.key_offset += head * layer->kv.head_stride;
  tile.kv.value_offset += head * layer->kv.head_stride;
  return tile;
}

bool wk_add_query(const wk_attention_work *work, wk_attention_tile *tile,
                  const wk_query_place *place, size_t start, size_t end, float *output) {
  const size_t first = wk_larger(place->start, start), last = wk_smaller(place->length, end);
  if (first >= last) {
    return false;
  }
  tile->queries[tile->count] = work->queries + place->offset;
  tile->starts[tile->count] = first;
  tile->lengths[tile->count] = last;
  tile->outputs[tile->count] = output;
  tile->count++;
  return true;
}

void wk_attend(const wk_attention_work *work, wk_attention_tile *tile) {
  (tile->kv.type == WK_KV_Q8 ? work->kernels->attend_q8 : work->kernels->attend)(tile);
}

void wk_merge(wk_softmax_end *end, float *output, const wk_softmax_end *next,
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

static size_t tasks_per_head(const wk_attention_work *work, const wk_attention_span *span) {
  return wk_divided_up(query_count(work, span), TILES_PER_TASK * WK_ATTENTION_QUERIES);
}

/// Queries `begin ..< end` of a span and KV head, range after range.
static void attend_tile(const wk_attention_work *work, const wk_attention_span *span, size_t head,
                        size_t begin, size_t end) {
  const size_t dimension = work->layer->kv.head_dimension;
  wk_query_place places[WK_ATTENTION_QUERIES];
  wk_softmax_end ends[WK_ATTENTION_QUERIES];
  for (size_t index = begin; index < end; index++) {
    places[index - begin] = wk_place_of_query(work, span, head, index);
  }
  const size_t last_range = (places[end - begin - 1].length - 1) / WK_RANGE;
  for (size_t range = places[0].start / WK_RANGE; range <= last_range; range++) {
    float outputs[WK_ATTENTION_QUERIES][WK_ATTENTION_HEAD_LIMIT];
    size_t queries[WK_ATTENTION_QUERIES];
    wk_attention_tile tile = wk_empty_tile(work, span, head);
    for (size_t i = 0; i < end - begin; i++) {
      const bool is_first = places[i].start / WK_RANGE == range;
      float *output = is_first ? work->out + places[i].offset : outputs[tile.count];
      const size_t index = tile.count;
      if (wk_add_query(work, &tile, &places[i], range * WK_RANGE, (range + 1) * WK_RANGE, output)) {
        queries[index] = i;
      }
    }
    wk_attend(work, &tile);
    for (size_t index = 0; index < tile.count; index++) {
      const size_t i = queries[index];
      if (places[i].start / WK_RANGE == range) {
        ends[i] = tile.ends[index];
      } else {
        wk_merge(&ends[i], work->out + places[i].offset, &tile.ends[index], outputs[index],
                 dimension);
      }
    }
  }
}

static void tile_task(const wk_attention_work *work, const wk_attention_span *span, size_t index) {
  const size_t per_head = tasks_per_head(work, span);
  const size_t queries = query_count(work, span);
  const size_t first = index % per_head * TILES_PER_TASK * WK_ATTENTION_QUERIES;
  const size_t last = wk_smaller(first + TILES_PER_TASK * WK_ATTENTION_QUERIES, queries);
  for (size_t begin = first; begin < last; begin += WK_ATTENTION_QUERIES) {
    attend_tile(work, span, index / per_head, begin,
                wk_smaller(begin + WK_ATTENTION_QUERIES, last));
  }
}

// MARK: All of it

static size_t partials_of(const wk_attention_work *work, const wk_attention_span *span) {
  if (wk_is_grouped(work, span)) {
    return work->layer->kv_heads * wk_shared_ranges(span);
  }
  return work->by_ranges ? work->layer->kv_heads * wk_range_count(work, span) : 0;
}

float *wk_partial_of(const wk_attention_work *work, const wk_attention_span *span, size_t part,
                     size_t query) {
  const size_t index = (span->first_partial + part) * wk_queries_per_head(work) + query;
  return work->layer->partials + index * wk_floats_per_partial(work);
}

/// Whether ranges are worth being shared out: all spans have one row, and some several ranges.
static bool shares_ranges(const wk_attention_work *work) {
  size_t most = 0;
  for (size_t i = 0; i < work->count; i++) {
    if (work->spans[i].row_count != 1) {
      return false;
    }
    most = wk_larger(most, wk_range_count(work, &work->spans[i]));
  }
  return most > 1;
}

/// Whether there are groups, and no window hides what they share from a member.
static bool shares_positions(const wk_attention_work *work) {
  bool shares = false;
  for (size_t i = 0; i < work->count; i++) {
    const wk_attention_span *span = &work->spans[i];
    if (span->shared_positions > 0) {
      shares = true;
      if (span->first_position >= work->layer->window) {
        return false;
      }
    }
  }
  return shares;
}

/// Places partial results. Returns whether there is memory for them.
static bool place_partials(const wk_attention_work *work, wk_attention_span *spans) {
  size_t partials = 0;
  for (size_t i = 0; i < work->count; i++) {
    spans[i].first_partial = partials;
    partials += partials_of(work, &spans[i]);
  }
  return partials * wk_queries_per_head(work) * wk_floats_per_partial(work) <=
         work->layer->partial_floats;
}

static const wk_attention_span *span_of_task(const wk_attention_work *work, size_t task) {
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

static size_t tasks_of(const wk_attention_work *work, const wk_attention_span *span) {
  if (wk_is_grouped(work, span)) {
    return wk_shared_tasks(work, span);
  }
  return work->layer->kv_heads *
         (work->by_ranges ? wk_range_count(work, span) : tasks_per_head(work, span));
}

static void first_task(void *context, uint32_t task) {
  const wk_attention_work *work = context;
  const wk_attention_span *span = span_of_task(work, task);
  const size_t index = task - span->first_task;
  if (wk_is_grouped(work, span)) {
    wk_shared_task(work, span, index);
  } else if (work->by_ranges) {
    wk_range_task(work, span, index);
  } else {
    tile_task(work, span, index);
  }
}

/// What is left to do for a span and KV head.
static void last_task(void *context, uint32_t task) {
  const wk_attention_work *work = context;
  const wk_attention_span *span = &work->spans[task / work->layer->kv_heads];
  const size_t head = task % work->layer->kv_heads;
  if (wk_is_grouped(work, span)) {
    wk_finish_shared(work, span, head);
  } else if (work->by_ranges) {
    wk_merge_ranges(work, span, head);
  }
}

void wk_attention(const wk_engine *engine, const wk_attention_layer *layer,
                  wk_attention_span *spans, size_t count, const float *queries, float *out) {
  wk_attention_work work = {engine->kernels, layer, spans, count, queries, out, false, false};
  work.by_ranges = wk_pool_threads(engine->pool) > 1 && shares_ranges(&work);
  work.by_groups = shares_positions(&work);
  if (!place_partials(&work, spans)) {
    work.by_ranges = false;
    work.by_groups = work.by_groups && place_partials(&work, spans);
  }
  size_t tasks = 0;
  for (size_t i = 0; i < count; i++) {
    spans[i].first_task = tasks;
    tasks += tasks_of(&work, &spans[i]);
  }
  wk_pool_run(engine->pool, (uint32_t)tasks, first_task, &work);
  if (work.by_ranges || work.by_groups) {
    wk_pool_run(engine->pool, (uint32_t)(count * layer->kv_heads), last_task, &work);
  }
}
