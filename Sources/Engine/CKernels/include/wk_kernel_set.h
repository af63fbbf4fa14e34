/// The kernels of one instruction set.
#ifndef WK_KERNEL_SET_H
#define WK_KERNEL_SET_H

#include "wk_attention.h"
#include "wk_matrix.h"

/// The largest magnitude of an activation's level.
enum { WK_LARGEST_LEVEL = 32767 };

/// Rows of activations, for a matrix product. A quantised matrix reads `levels`, `scales` and
/// `sums`, any other reads `values`.
typedef struct wk_activations {
  /// [rows][depth]: f32.
  const float *values;
  /// [rows][depth]: 16 bits; the value is level * scale.
  const int16_t *levels;
  /// [rows][depth / 32].
  const float *scales;
  /// [rows][depth / 32]: scale * sum of the 32 levels.
  const float *sums;
  size_t depth;
} wk_activations;

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
/// in order, with one fused multiply-add for scale and one for offset; sums over a row go to 16
/// lanes, lane = index modulo 16, which are then added pairwise.
typedef struct wk_kernel_set {
  const char *name;

  /// Quantises `count` (a multiple of 32) values to 16 bits with a scale per 32.
  void (*quantize)(const float *values, size_t count, int16_t *levels, float *scales, float *sums);

  /// Computes rows `row_begin ..< row_end` of panels `panel_begin ..< panel_end`.
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

  /// Online-softmax attention of the tile's queries.
  void (*attend)(const wk_attention_tile *tile);

  /// The first index of the largest of `count` > 0 values. If one is not finite, `all_finite`
  /// becomes false and the index says nothing.
  size_t (*largest)(const float *values, size_t count, bool *all_finite);

  /// out[i] = exp((values[i] - maximum) * factor). Values are at most the maximum.
  void (*exponentials)(const float *values, size_t count, float maximum, float factor, float *out);
} wk_kernel_set;

/// The portable set.
const wk_kernel_set *wk_kernel_set_portable(void);

/// The set for AVX2, FMA and F16C; null where the CPU lacks one of them.
const wk_kernel_set *wk_kernel_set_avx2(void);

/// The fastest set for this CPU.
const wk_kernel_set *wk_kernel_set_best(void);

#endif
