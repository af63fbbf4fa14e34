/// What attention's tasks share.
#ifndef WK_ATTENTION_WORK_H
#define WK_ATTENTION_WORK_H

#include "wk_internal.h"
#include "wk_operations.h"

enum { WK_RANGE = WK_ATTENTION_RANGE };

typedef struct wk_attention_work {
  const wk_kernel_set *kernels;
  const wk_attention_layer *layer;
  const wk_attention_span *spans;
  size_t count;
  const float *queries;
  float *out;
  /// Whether ranges of spans of one row are shared out.
  bool by_ranges;
  /// Whether groups of spans take in together what they share.
  bool by_groups;
} wk_attention_work;

/// A query of a span and KV head, those of one row after those of the one before.
typedef struct wk_query_place {
  /// Of its values in `queries` and `out`.
  size_t offset;
  /// The positions that it sees.
  size_t start, length;
} wk_query_place;

wk_query_place wk_place_of_query(const wk_attention_work *work, const wk_attention_span *span,
                                 size_t head, size_t index);

wk_attention_tile wk_empty_tile(const wk_attention_work *work, const wk_attention_span *span,
                                size_t head);

/// Adds a query for what it sees of positions `start ..< end`; false, and nothing, if that is
/// nothing.
bool wk_add_query(const wk_attention_work *work, wk_attention_tile *tile,
                  const wk_query_place *place, size_t start, size_t end, float *output);

void wk_attend(const wk_attention_work *work, wk_attention_tile *tile);

/// output = the two outputs, each weighted by its share in the softmax's sum.
void wk_merge(wk_softmax_end *end, float *output, const wk_softmax_end *next,
              const float *next_output, size_t dimension);

/// Queries that share a KV head.
static inline size_t wk_queries_per_head(const wk_attention_work *work) {
  return work->layer->query_heads / work->layer->kv_heads;
}

/// Floats of a partial result: the end, then the output.
static inline size_t wk_floats_per_partial(const wk_attention_work *work) {
  return sizeof(wk_softmax_end) / sizeof(float) + work->layer->kv.head_dimension;
}

/// The partial result of a query of a span of one row: the end, then the output. A part is a KV
/// head and a range, counted by heads.
float *wk_partial_of(const wk_attention_work *work, const wk_attention_span *span, size_t part,
                     size_t query);

static inline float *wk_output_of_partial(float *partial) {
  return partial + sizeof(wk_softmax_end) / sizeof(float);
}

/// The ranges that a span of one row sees.
size_t wk_range_count(const wk_attention_work *work, const wk_attention_span *span);

/// One range of a span of one row, and a KV head: index = head * ranges + range.
void wk_range_task(const wk_attention_work *work, const wk_attention_span *span, size_t index);

/// Merges the ranges of a span of one row and a KV head.
void wk_merge_ranges(const wk_attention_work *work, const wk_attention_span *span, size_t head);

/// Whether the span's group takes in together what it shares.
static inline bool wk_is_grouped(const wk_attention_work *work, const wk_attention_span *span) {
  return work->by_groups && span->shared_positions > 0;
}

/// Ranges of what the span's group shares, the last one perhaps not whole.
static inline size_t wk_shared_ranges(const wk_attention_span *span) {
  return wk_divided_up(span->shared_positions, WK_RANGE);
}

/// Tasks of a group that takes in what it shares; 0 but for its leader.
size_t wk_shared_tasks(const wk_attention_work *work, const wk_attention_span *span);

/// One of them: some queries of the group and a KV head, and a range.
void wk_shared_task(const wk_attention_work *work, const wk_attention_span *leader, size_t index);

/// Takes in what a grouped span does not share, and merges it with what it does, for a KV head.
void wk_finish_shared(const wk_attention_work *work, const wk_attention_span *span, size_t head);

#endif
