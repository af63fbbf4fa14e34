/// Operations over all rows of a step, shared out over a pool's threads.
///
/// How work is shared out never changes a result: a task owns whole outputs.
#ifndef WK_OPERATIONS_H
#define WK_OPERATIONS_H

#include <stdint.h>

#include "wk_kernel_set.h"
#include "wk_pool.h"
#include "wk_rotary.h"

/// What runs operations.
typedef struct wk_engine {
  wk_pool *pool;
  const wk_kernel_set *kernels;
} wk_engine;

/// Rows of activations to be written, as wk_activations describes them.
typedef struct wk_activation_buffer {
  float *values;
  wk_level_block *levels;
  wk_outlier_block *outliers;
  /// Whether `levels` and `outliers` are wanted; then the width is a multiple of 32.
  bool quantize;
} wk_activation_buffer;

/// Neighbouring rows that belong to one sequence.
typedef struct wk_attention_span {
  size_t first_row;
  size_t row_count;
  /// The position of the first row in its sequence.
  size_t first_position;
  /// Blocks for at least `first_position + row_count` positions.
  const uint32_t *block_table;
  /// Leading positions, in whole chunks and before the first row's, whose blocks are also those of
  /// the group's other spans; 0 without a group. A group's spans have one row.
  size_t shared_positions;
  /// The first span of the group, and the next one after this, or `WK_NO_SPAN`.
  size_t leader;
  size_t next;
  /// Set by wk_attention.
  size_t first_task;
  size_t first_partial;
} wk_attention_span;

/// No span, where an index of one might be.
#define WK_NO_SPAN ((size_t)PTRDIFF_MAX)

/// One layer's attention: sizes, and KV memory with its offsets for KV head 0.
typedef struct wk_attention_layer {
  wk_kv_view kv;
  size_t query_heads;
  size_t kv_heads;
  float scale;
  /// As a tile's.
  float soft_cap;
  /// The last positions that a query sees, its own included.
  size_t window;
  /// Memory for results of parts of a sequence.
  float *partials;
  size_t partial_floats;
} wk_attention_layer;

/// One layer's new keys and values on their way to KV memory.
typedef struct wk_kv_store {
  wk_attention_layer layer;
  /// [rows][query_heads * head_dimension]: rotated in place.
  float *queries;
  /// [rows][kv_heads * head_dimension]: rotated in place.
  float *keys;
  /// [rows][kv_heads * head_dimension].
  const float *values;
  /// [rows]: block and slot of each row's position.
  const uint32_t *blocks;
  const uint32_t *slots;
  /// [rows][rotations].
  const float *cosines;
  const float *sines;
  size_t rotations;
  wk_rotary_pairs pairs;
} wk_kv_store;

/// Values of all heads of one row, and what is done to them before anything else.
typedef struct wk_heads {
  /// [rows][heads * head_dimension].
  float *values;
  size_t heads;
  /// [heads * head_dimension], added; null for none.
  const float *bias;
  /// [head_dimension]: every head is RMS-normalised with these weights after that; null for none.
  const float *norm;
} wk_heads;

/// Has the system back a region of zeroes with memory now.
void wk_populate(const wk_engine *engine, void *zeroes, size_t bytes);

/// Packs a whole matrix; false as wk_matrix_pack.
bool wk_pack(const wk_engine *engine, const wk_matrix *matrix, wk_format format,
             const uint8_t *source);

/// out[row] = column ids[row] of the matrix, times `scale`.
void wk_embed(const wk_engine *engine, const wk_matrix *matrix, const uint32_t *ids, size_t rows,
              float scale, float *out);

/// Angles of each row's position: cosines and sines, times `magnitude`, are [rows][count].
void wk_angles(const wk_engine *engine, const uint32_t *positions, size_t rows,
               const float *frequencies, size_t count, float magnitude, float *cosines,
               float *sines);

/// RMS-normalises rows of `width`.
void wk_normalize(const wk_engine *engine, const float *values, size_t rows, size_t width,
                  const float *weights, float epsilon, const wk_activation_buffer *out);

/// RMS-normalises rows of `width` in place, and adds them to those of `sum`.
void wk_add_normalized(const wk_engine *engine, float *values, size_t rows, size_t width,
                       const float *weights, float epsilon, float *sum);

/// What a gate's values go through.
typedef enum wk_activation { WK_SILU, WK_GELU } wk_activation;

/// The gated activation of rows of `width`.
void wk_gate(const wk_engine *engine, wk_activation activation, const float *gate, const float *up,
             size_t rows, size_t width, const wk_activation_buffer *out);

/// Prepares the values of up to 3 kinds of heads of `head_dimension` values.
void wk_prepare_heads(const wk_engine *engine, const wk_heads *kinds, size_t count, size_t rows,
                      size_t head_dimension, float epsilon);

/// Quantises rows that are in `buffer->values` already, if `buffer->quantize`.
void wk_quantize(const wk_engine *engine, size_t rows, size_t width,
                 const wk_activation_buffer *buffer);

enum { WK_MULTIPLY_LIMIT = 4 };

/// Computes up to WK_MULTIPLY_LIMIT independent products of `rows` rows.
void wk_multiply(const wk_engine *engine, const wk_product *products, size_t count, size_t rows);

/// Rotates queries and keys, and stores keys and values.
void wk_store(const wk_engine *engine, const wk_kv_store *store, size_t rows);

/// values[i] = cap * tanh(values[i] / cap).
void wk_soft_cap(const wk_engine *engine, float *values, size_t count, float cap);

/// Attention of all rows: queries and out are [rows][query_heads * head_dimension].
void wk_attention(const wk_engine *engine, const wk_attention_layer *layer,
                  wk_attention_span *spans, size_t count, const float *queries, float *out);

#endif
