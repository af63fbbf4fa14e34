#include <string.h>

#include "wk_attention_work.h"

// Sequences that begin with the same blocks share the loads of those blocks' keys and values: their
// queries meet them in common tiles. Where the shared positions end within a range, a query's
// softmax is left unfinished, and goes on with the sequence's own positions. Each query goes
// through the same arithmetic in the same order as if it were alone.

static size_t members(const wk_attention_work *work, const wk_attention_span *leader) {
  size_t count = 1;
  for (const wk_attention_span *span = leader; span->next != WK_NO_SPAN;
       span = &work->spans[span->next]) {
    count++;
  }
  return count;
}

static size_t tile_count(const wk_attention_work *work, const wk_attention_span *leader) {
  return wk_divided_up(members(work, leader) * wk_queries_per_head(work), WK_ATTENTION_QUERIES);
}

size_t wk_shared_tasks(const wk_attention_work *work, const wk_attention_span *span) {
  const bool leads = span == &work->spans[span->leader];
  return leads ? work->layer->kv_heads * tile_count(work, span) * wk_shared_ranges(span) : 0;
}

void wk_shared_task(const wk_attention_work *work, const wk_attention_span *leader, size_t index) {
  const size_t ranges = wk_shared_ranges(leader), group = wk_queries_per_head(work);
  const size_t tiles = tile_count(work, leader), range = index % ranges;
  const size_t tile_index = index / ranges % tiles, head = index / ranges / tiles;
  const size_t end = wk_smaller((range + 1) * WK_RANGE, leader->shared_positions);
  wk_attention_tile tile = wk_empty_tile(work, leader, head);
  tile.unfinished = end < (range + 1) * WK_RANGE;
  float *partials[WK_ATTENTION_QUERIES];
  size_t query = tile_index * WK_ATTENTION_QUERIES;
  const wk_attention_span *span = leader;
  for (size_t skipped = query / group; skipped > 0; skipped--) {
    span = &work->spans[span->next];
  }
  for (query %= group; tile.count < WK_ATTENTION_QUERIES; query = 0) {
    for (; query < group && tile.count < WK_ATTENTION_QUERIES; query++) {
      const wk_query_place place = wk_place_of_query(work, span, head, query);
      float *partial = wk_partial_of(work, span, head * ranges + range, query);
      partials[tile.count] = partial;
      wk_add_query(work, &tile, &place, range * WK_RANGE, end, wk_output_of_partial(partial));
    }
    if (span->next == WK_NO_SPAN) {
      break;
    }
    span = &work->spans[span->next];
  }
  wk_attend(work, &tile);
  for (size_t i = 0; i < tile.count; i++) {
    memcpy(partials[i], &tile.ends[i], sizeof tile.ends[i]);
  }
}

/// Queries `begin ..< end` of a range, or of what is not shared of it.
static wk_attention_tile own_tile(const wk_attention_work *work, const wk_attention_span *span,
                                  size_t head, size_t range, size_t begin, size_t end,
                                  float outputs[][WK_ATTENTION_HEAD_LIMIT]) {
  const size_t shared = span->shared_positions, ranges = wk_shared_ranges(span);
  wk_attention_tile tile = wk_empty_tile(work, span, head);
  tile.continues = range * WK_RANGE < shared;
  const size_t start = wk_larger(shared, range * WK_RANGE);
  for (size_t query = begin; query < end; query++) {
    const wk_query_place place = wk_place_of_query(work, span, head, query);
    float *output = outputs[query - begin];
    if (tile.continues) {
      float *partial = wk_partial_of(work, span, head * ranges + range, query);
      memcpy(&tile.ends[tile.count], partial, sizeof tile.ends[tile.count]);
      output = wk_output_of_partial(partial);
    }
    wk_add_query(work, &tile, &place, start, (range + 1) * WK_RANGE, output);
  }
  return tile;
}

void wk_finish_shared(const wk_attention_work *work, const wk_attention_span *span, size_t head) {
  const size_t group = wk_queries_per_head(work), dimension = work->layer->kv.head_dimension;
  const size_t ranges = wk_shared_ranges(span), whole = span->shared_positions / WK_RANGE;
  for (size_t begin = 0; begin < group; begin += WK_ATTENTION_QUERIES) {
    const size_t end = wk_smaller(begin + WK_ATTENTION_QUERIES, group);
    wk_softmax_end ends[WK_ATTENTION_QUERIES];
    for (size_t range = 0; range <= span->first_position / WK_RANGE; range++) {
      float own[WK_ATTENTION_QUERIES][WK_ATTENTION_HEAD_LIMIT];
      wk_attention_tile tile;
      if (range >= whole) {
        tile = own_tile(work, span, head, range, begin, end, own);
        wk_attend(work, &tile);
      }
      for (size_t query = begin; query < end; query++) {
        const size_t i = query - begin;
        const float *output = range >= whole ? tile.outputs[i] : NULL;
        wk_softmax_end next;
        if (range >= whole) {
          next = tile.ends[i];
        } else {
          float *partial = wk_partial_of(work, span, head * ranges + range, query);
          memcpy(&next, partial, sizeof next);
          output = wk_output_of_partial(partial);
        }
        float *out = work->out + wk_place_of_query(work, span, head, query).offset;
        if (range == 0) {
          ends[i] = next;
          memcpy(out, output, dimension * sizeof *out);
        } else {
          wk_merge(&ends[i], out, &next, output, dimension);
        }
      }
    }
  }
}
