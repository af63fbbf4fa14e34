/// Rows of activations on their way into matrix products.
#ifndef WK_ACTIVATIONS_H
#define WK_ACTIVATIONS_H

#include <stddef.h>
#include <stdint.h>

enum {
  /// Rows whose quantised activations lie together.
  WK_BLOCK_ROWS = 4,
  /// Inputs that share a scale.
  WK_GROUP_INPUTS = 32,
  /// Inputs that share an outlier.
  WK_OUTLIER_INPUTS = 128,
  /// The largest magnitude of an activation's level.
  WK_LARGEST_LEVEL = 127,
};

/// 32 inputs of 4 rows in 8 bits: what a kernel reads at a step lies together, whatever the depth.
typedef struct wk_level_block {
  /// [inputs / 4][row][4]: the value is level * scale, save the outlier's, whose level is 0.
  int8_t levels[128];
  /// [row].
  float scales[4];
  /// [row]: scale * sum of the 32 levels, plus the outlier if it is one of the 32.
  float sums[4];
  /// [half][row]: sums of the levels of 16 inputs.
  int32_t level_sums[8];
} wk_level_block;

/// The outliers of 4 rows among 128 inputs: the value largest in magnitude, the first among equals.
/// It is kept as it is, so that it does not coarsen the levels of its neighbours: a few channels of
/// a model's activations are far larger than the rest.
typedef struct wk_outlier_block {
  /// [row].
  float values[4];
  /// [row]: the outlier's input, counted from the row's beginning.
  uint32_t inputs[4];
} wk_outlier_block;

/// Rows of activations, for a matrix product. A quantised matrix reads `levels` and `outliers`, any
/// other reads `values`.
typedef struct wk_activations {
  /// [rows][depth]: f32.
  const float *values;
  /// [rows / 4][depth / 32].
  const wk_level_block *levels;
  /// [rows / 4][depth / 128], both rounded up.
  const wk_outlier_block *outliers;
  size_t depth;
} wk_activations;

#endif
