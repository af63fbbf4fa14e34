#include <string.h>

#include "wk_attention_work.h"

// Spans of one row. A part's partial results are those of a KV head's queries and a range.

static size_t first_range(const wk_attention_work *work, const wk_attention_span *span) {
  return wk_place_of_query(work, span, 0, 0).start / WK_RANGE;
}

size_t wk_range_count(const wk_attention_work *work, const wk_attention_span *span) {
  return span->first_position / WK_RANGE + 1 - first_range(work, span);
}

void wk_range_task(const wk_attention_work *work, const wk_attention_span *span, size_t index) {
  const size_t ranges = wk_range_count(work, span), queries = wk_queries_per_head(work);
  const size_t head = index / ranges, range = first_range(work, span) + index % ranges;
  for (size_t begin = 0; begin < queries; begin += WK_ATTENTION_QUERIES) {
    wk_attention_tile tile = wk_empty_tile(work, span, head);
    const size_t end = wk_smaller(begin + WK_ATTENTION_QUERIES, queries);
    for (size_t query = begin; query < end; query++) {
      const wk_query_place place = wk_place_of_query(work, span, head, query);
      float *output = wk_output_of_partial(wk_partial_of(work, span, index, query));
      wk_add_query(work, &tile, &place, range * WK_RANGE, (range + 1) * WK_RANGE, output);
    }
    wk_attend(work, &tile);
    for (size_t query = begin; query < end; query++) {
      memcpy(wk_partial_of(work, span, index, query), &tile.ends[query - begin],
             sizeof(wk_softmax_end));
    }
  }
}

void wk_merge_ranges(const wk_attention_work *work, const wk_attention_span *span, size_t head) {
  const size_t dimension = work->layer->kv.head_dimension, ranges = wk_range_count(work, span);
  for (size_t query = 0; query < wk_queries_per_head(work); query++) {
    float *output = work->out + wk_place_of_query(work, span, head, query).offset;
    wk_softmax_end end, next;
    for (size_t range = 0; range < ranges; range++) {
      float *partial = wk_partial_of(work, span, head * ranges + range, query);
      if (range == 0) {
        memcpy(&end, partial, sizeof end);
        memcpy(output, wk_output_of_partial(partial), dimension * sizeof *output);
      } else {
        memcpy(&next, partial, sizeof next);
        wk_merge(&end, output, &next, wk_output_of_partial(partial), dimension);
      }
    }
  }
}
