/// The kernels of one instruction set.
#ifndef WK_KERNEL_SET_H
#define WK_KERNEL_SET_H

#include "wk_activations.h"
#include "wk_attention.h"
#include "wk_matrix.h"

/// A part of a matrix product: out[row][column] = or += activations[row] · weights[column].
typedef struct wk_product {
  const wk_matrix *matrix;
  wk_activations activations;
  /// [rows][out_stride].
  float *out;
  size_t out_stride;
  /// Adds to what is there instead of replacing it.
  bool accumulate;
} wk_product;

/// The kernels of one instruction set. All sets round alike: equal arguments give equal bytes (only
/// the payload of a NaN may differ).
///
/// Reduction orders: a product adds its groups of 32 inputs (f32, f16 and bf16 weights: its inputs)
/// in order, with one fused multiply-add for scale and one for offset, and after each 4 groups, or
/// the last, their outlier; sums over a row go to 16 lanes, lane = index modulo 16, which are then
/// added pairwise.
typedef struct wk_kernel_set {
  const char *name;

  /// Quantises a row of `count` (a multiple of 32) values as row `lane` of its block.
  void (*quantize)(const float *values, size_t count, size_t lane, wk_level_block *levels,
                   wk_outlier_block *outliers);

  /// Computes rows `row_begin ..< row_end` of panels `panel_begin ..< panel_end`; `row_begin` is a
  /// multiple of WK_BLOCK_ROWS.
  void (*multiply)(const wk_product *product, size_t panel_begin, size_t panel_end,
                   size_t row_begin, size_t row_end);

  /// out[i] = values[i] / sqrt(mean of squares + epsilon) * weights[i]; `out` may be `values`.
  void (*rms_norm)(const float *values, const float *weights, size_t count, float epsilon,
                   float *out);

  /// out[i] = gate[i] / (1 + exp(-gate[i])) * up[i].
  void (*swiglu)(const float *gate, const float *up, size_t count, float *out);

  /// out[i] = gelu(gate[i]) * up[i], with the tanh approximation of gelu: gate / (1 + exp(-2u)),
  /// u = sqrt(2 / pi) * (gate + 0.044715 * gate^3).
  void (*geglu)(const float *gate, const float *up, size_t count, float *out);

  /// The f16 nearest to each value, clamped to the largest finite f16.
  void (*to_halves)(const float *values, size_t count, uint16_t *halves);

  /// Levels of 8 bits of `count` (a multiple of 16, at most WK_ATTENTION_HEAD_LIMIT) values, and a
  /// scale in f16 per WK_KV_GROUP of them: the largest magnitude / 127, rounded up. Values are
  /// clamped to f16's first.
  void (*to_levels)(const float *values, size_t count, int8_t *levels, uint16_t *scales);

  /// Online-softmax attention of the tile's queries to keys and values in f16.
  void (*attend)(wk_attention_tile *tile);

  /// The same to keys and values in 8 bits: a score adds its groups of dimensions, each the sum of
  /// query times level, with one fused multiply-add for the scale; a weight is multiplied with the
  /// scale before it meets levels.
  void (*attend_q8)(wk_attention_tile *tile);

  /// The first index of the largest of `count` > 0 values. If one is not finite, `all_finite`
  /// becomes false and the index says nothing.
  size_t (*largest)(const float *values, size_t count, bool *all_finite);

  /// out[i] = exp((values[i] - maximum) * factor). Values are at most the maximum.
  void (*exponentials)(const float *values, size_t count, float maximum, float factor, float *out);

  /// values[i] = cap * tanh(values[i] / cap), at most the cap in magnitude; a NaN stays one. The
  /// cap is above 0.
  void (*soft_cap)(float *values, size_t count, float cap);
} wk_kernel_set;

/// The portable set.
const wk_kernel_set *wk_kernel_set_portable(void);

/// The set for AVX2, FMA and F16C; null where the CPU lacks one of them.
const wk_kernel_set *wk_kernel_set_avx2(void);

/// The set for AVX-512 with VNNI; null where the CPU lacks one of them.
const wk_kernel_set *wk_kernel_set_avx512(void);

/// The set for NEON, which every 64-bit ARM CPU has; null on others.
const wk_kernel_set *wk_kernel_set_neon(void);

/// The set for NEON with dot products of 8 bits; null where the CPU lacks them.
const wk_kernel_set *wk_kernel_set_neon_dot(void);

/// The fastest set for this CPU.
const wk_kernel_set *wk_kernel_set_best(void);

#endif
