/// Attention over paged KV memory.
#ifndef WK_ATTENTION_H
#define WK_ATTENTION_H

#include <float.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The running maximum of a query before it has seen a position. Finite, so that positions that it
/// does not see (with a score of minus infinity) change nothing, wherever a tile begins.
#define WK_ATTENTION_NO_MAXIMUM (-FLT_MAX)

enum {
  /// Positions that lie side by side in KV memory; divides a block's tokens.
  WK_ATTENTION_POSITIONS = 16,
  /// Positions that the online softmax takes in at a time.
  WK_ATTENTION_CHUNK = 64,
  /// Positions of a sequence whose softmax is computed as if there were no others, before it is
  /// merged with that of the positions before; whole chunks.
  WK_ATTENTION_RANGE = 1024,
  /// Query rows that share each load of keys and values.
  WK_ATTENTION_QUERIES = 12,
  WK_ATTENTION_HEAD_LIMIT = 256,
  /// Dimensions of a head whose levels share a scale, the last ones of a head perhaps fewer.
  WK_KV_GROUP = 32,
};

/// How keys and values stand in KV memory.
typedef enum wk_kv_type {
  /// In f16.
  WK_KV_F16,
  /// As levels of 8 bits and, for each position and group of dimensions, a scale in f16. A value is
  /// exactly level * scale.
  WK_KV_Q8,
} wk_kv_type;

/// Where one layer's keys and values of one KV head lie in KV memory, in units of 2 bytes.
///
/// A block is contiguous: per layer its keys, head after head, then its values. A head's keys are
/// [dimension][slot], its values [slot][dimension]; in 8 bits scales [group][slot] follow either.
/// All of KV memory holds finite numbers.
typedef struct wk_kv_view {
  uint16_t *memory;
  size_t block_stride;
  size_t key_offset;
  size_t value_offset;
  /// From the keys, or values, of one head to those of the next.
  size_t head_stride;
  size_t block_tokens;
  size_t head_dimension;
  wk_kv_type type;
} wk_kv_view;

/// What a softmax over some positions was like: its largest score, and the sum of all weights.
typedef struct wk_softmax_end {
  float maximum;
  float sum;
} wk_softmax_end;

/// Up to WK_ATTENTION_QUERIES queries of one sequence that read the same KV head.
typedef struct wk_attention_tile {
  wk_kv_view kv;
  const uint32_t *block_table;
  float scale;
  /// What bounds scaled scores: soft_cap * tanh(score / soft_cap) takes a score's place; 0 if
  /// nothing does.
  float soft_cap;
  size_t count;
  /// Per query: `head_dimension` values, the positions it sees (start ..< length), at least one,
  /// where the result goes.
  const float *queries[WK_ATTENTION_QUERIES];
  size_t starts[WK_ATTENTION_QUERIES];
  size_t lengths[WK_ATTENTION_QUERIES];
  float *outputs[WK_ATTENTION_QUERIES];
  /// Set by the kernel.
  wk_softmax_end ends[WK_ATTENTION_QUERIES];
  /// Whether the queries' softmax goes on: `ends` and outputs are what an unfinished tile has left,
  /// whose positions ended, after whole chunks, where these start.
  bool continues;
  /// Whether to leave it unfinished: outputs are then sums, yet to be divided by the ends'.
  bool unfinished;
} wk_attention_tile;

#endif
