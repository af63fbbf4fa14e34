#include <math.h>

#include "wk_exponential.h"
#include "wk_float16.h"
#include "wk_group_scale.h"
#include "wk_internal.h"
#include "wk_kernel_set.h"
#include "wk_levels.h"
#include "wk_portable.h"

enum { PANEL = WK_PANEL_COLUMNS, LANES = 16, LARGEST_LEVEL = WK_LARGEST_LEVEL };

/// The bits of a value's magnitude, which are in order of size, NaNs last.
static uint32_t magnitude_bits(float value) { return wk_bits_of(value) & 0x7fffffffu; }

static int32_t nearest_level(float value, float inverse) {
  // Adding 1.5 * 2^23 rounds to the nearest integer, which is then in the low bits.
  const uint32_t bits = wk_bits_of(fmaf(value, inverse, 0x1.8p23f));
  const int32_t level = (int32_t)(bits - wk_bits_of(0x1.8p23f));
  return level < -LARGEST_LEVEL ? -LARGEST_LEVEL : level > LARGEST_LEVEL ? LARGEST_LEVEL : level;
}

/// Quantises 32 values; the one at `outlier`, if it is one of them, is left out.
static void quantize_group(const float *values, size_t outlier, size_t lane,
                           wk_level_block *block) {
  uint32_t largest_bits = 0;
  for (size_t i = 0; i < 32; i++) {
    const uint32_t bits = i == outlier ? 0 : magnitude_bits(values[i]);
    largest_bits = bits > largest_bits ? bits : largest_bits;
  }
  const float largest = wk_float_of(largest_bits);
  const float scale = largest / LARGEST_LEVEL;
  const float inverse = largest > 0 ? LARGEST_LEVEL / largest : 0.0f;
  int32_t sums[2] = {0, 0};
  for (size_t i = 0; i < 32; i++) {
    const int32_t level = i == outlier ? 0 : nearest_level(values[i], inverse);
    block->levels[i / 4 * 16 + lane * 4 + i % 4] = (int8_t)level;
    sums[i / 16] += level;
  }
  const float sum = scale * (float)(sums[0] + sums[1]);
  block->scales[lane] = scale;
  block->sums[lane] = outlier < 32 ? sum + values[outlier] : sum;
  block->level_sums[lane] = sums[0];
  block->level_sums[4 + lane] = sums[1];
}

static void quantize(const float *values, size_t count, size_t lane, wk_level_block *levels,
                     wk_outlier_block *outliers) {
  for (size_t begin = 0; begin < count; begin += WK_OUTLIER_INPUTS) {
    const size_t end = wk_smaller(begin + WK_OUTLIER_INPUTS, count);
    size_t outlier = begin;
    for (size_t i = begin; i < end; i++) {
      outlier = magnitude_bits(values[i]) > magnitude_bits(values[outlier]) ? i : outlier;
    }
    outliers[begin / WK_OUTLIER_INPUTS].values[lane] = values[outlier];
    outliers[begin / WK_OUTLIER_INPUTS].inputs[lane] = (uint32_t)outlier;
    for (size_t i = begin; i < end; i += 32) {
      quantize_group(values + i, outlier - i, lane, &levels[i / 32]);
    }
  }
}

static float weight_scale(const wk_matrix *matrix, const uint8_t *vector, size_t lane) {
  if (matrix->wide_scales) {
    float value;
    memcpy(&value, vector + 4 * lane, 4);
    return value;
  }
  return wk_from_f16((uint16_t)(vector[2 * lane] | vector[2 * lane + 1] << 8));
}

/// Where the scales, offsets and levels of a packed group lie.
typedef struct group_layout {
  size_t vector; // bytes of one scale, or offset, per column
  size_t parts;  // scales per column
  size_t levels; // offset of the levels
  size_t bytes;
} group_layout;

static group_layout layout_of(const wk_matrix *matrix) {
  group_layout layout = {.vector = PANEL * (matrix->wide_scales ? 4u : 2u),
                         .parts = matrix->fine_scales ? 2 : 1};
  layout.levels = layout.vector * (layout.parts + (matrix->has_offsets ? 1 : 0));
  layout.bytes = layout.levels + PANEL * (matrix->packing == WK_PACKED_NIBBLES ? 16u : 32u);
  return layout;
}

static float add_group(const wk_matrix *matrix, const group_layout *layout, const uint8_t *group,
                       size_t lane, const wk_level_block *block, size_t row, float sum) {
  const uint8_t *levels = group + layout->levels;
  const size_t width = 32 / layout->parts;
  for (size_t part = 0; part < layout->parts; part++) {
    int32_t dot = 0;
    for (size_t i = part * width; i < (part + 1) * width; i++) {
      dot += wk_level(matrix, levels, lane, i) * block->levels[i / 4 * 16 + row * 4 + i % 4];
    }
    const float product = block->scales[row] * (float)dot;
    sum = fmaf(weight_scale(matrix, group + part * layout->vector, lane), product, sum);
  }
  if (matrix->has_offsets) {
    const float offset = weight_scale(matrix, levels - layout->vector, lane);
    sum = fmaf(offset, block->sums[row], sum);
  }
  return sum;
}

static float add_outlier(const wk_matrix *matrix, const group_layout *layout, const uint8_t *panel,
                         size_t lane, const wk_outlier_block *block, size_t row, float sum) {
  const size_t input = block->inputs[row];
  const uint8_t *group = panel + input / 32 * layout->bytes;
  const size_t part = input % 32 / (32 / layout->parts);
  const int level = wk_level(matrix, group + layout->levels, lane, input % 32);
  const float product = block->values[row] * (float)level;
  return fmaf(weight_scale(matrix, group + part * layout->vector, lane), product, sum);
}

static float quantized_dot(const wk_matrix *matrix, const uint8_t *panel, size_t lane,
                           const wk_activations *activations, size_t row) {
  const group_layout layout = layout_of(matrix);
  const size_t groups = matrix->depth / 32, block = row / WK_BLOCK_ROWS;
  const wk_level_block *levels = activations->levels + block * groups;
  const wk_outlier_block *outliers =
      activations->outliers + block * wk_divided_up(matrix->depth, WK_OUTLIER_INPUTS);
  row %= WK_BLOCK_ROWS;
  float sum = 0;
  for (size_t index = 0; index < groups; index++) {
    const uint8_t *group = panel + index * layout.bytes;
    sum = add_group(matrix, &layout, group, lane, &levels[index], row, sum);
    if (index % 4 == 3 || index + 1 == groups) {
      sum = add_outlier(matrix, &layout, panel, lane, &outliers[index / 4], row, sum);
    }
  }
  return sum;
}

static float float_weight(const wk_matrix *matrix, const uint8_t *panel, size_t index) {
  float value;
  uint16_t half;
  switch (matrix->packing) {
  case WK_PACKED_F16:
    memcpy(&half, panel + 2 * index, 2);
    return wk_from_f16(half);
  case WK_PACKED_BF16:
    memcpy(&half, panel + 2 * index, 2);
    return wk_from_bf16(half);
  default:
    memcpy(&value, panel + 4 * index, 4);
    return value;
  }
}

static float float_dot(const wk_matrix *matrix, const uint8_t *panel, size_t lane,
                       const wk_activations *activations, size_t row) {
  const float *inputs = activations->values + row * matrix->depth;
  float sum = 0;
  for (size_t input = 0; input < matrix->depth; input++) {
    sum = fmaf(inputs[input], float_weight(matrix, panel, input * PANEL + lane), sum);
  }
  return sum;
}

static void multiply(const wk_product *product, size_t panel_begin, size_t panel_end,
                     size_t row_begin, size_t row_end) {
  const wk_matrix *matrix = product->matrix;
  for (size_t index = panel_begin; index < panel_end; index++) {
    const uint8_t *panel = matrix->panels + index * matrix->panel_bytes;
    for (size_t row = row_begin; row < row_end; row++) {
      for (size_t lane = 0; lane < PANEL && index * PANEL + lane < matrix->columns; lane++) {
        const float sum = wk_matrix_is_quantized(matrix)
                              ? quantized_dot(matrix, panel, lane, &product->activations, row)
                              : float_dot(matrix, panel, lane, &product->activations, row);
        float *out = product->out + row * product->out_stride + index * PANEL + lane;
        *out = product->accumulate ? *out + sum : sum;
      }
    }
  }
}

static void rms_norm(const float *values, const float *weights, size_t count, float epsilon,
                     float *out) {
  float lanes[LANES] = {0};
  for (size_t i = 0; i < count; i++) {
    lanes[i % LANES] = fmaf(values[i], values[i], lanes[i % LANES]);
  }
  const float mean = wk_add_lanes(lanes) / (float)count;
  const float factor = 1.0f / sqrtf(mean + epsilon);
  for (size_t i = 0; i < count; i++) {
    const float normal = values[i] * factor;
    out[i] = normal * weights[i];
  }
}

static void swiglu(const float *gate, const float *up, size_t count, float *out) {
  for (size_t i = 0; i < count; i++) {
    const float activated = gate[i] / (1.0f + wk_exp(-gate[i]));
    out[i] = activated * up[i];
  }
}

static void geglu(const float *gate, const float *up, size_t count, float *out) {
  for (size_t i = 0; i < count; i++) {
    const float square = gate[i] * gate[i];
    const float factor = fmaf(square, WK_GELU_CUBIC, WK_GELU_LINEAR);
    const float activated = gate[i] / (1.0f + wk_exp(gate[i] * factor));
    out[i] = activated * up[i];
  }
}

static void to_halves(const float *values, size_t count, uint16_t *halves) {
  for (size_t i = 0; i < count; i++) {
    halves[i] = wk_to_f16_finite(values[i]);
  }
}

static size_t largest(const float *values, size_t count, bool *all_finite) {
  size_t index = 0;
  *all_finite = true;
  for (size_t i = 0; i < count; i++) {
    *all_finite &= isfinite(values[i]) != 0;
    index = values[i] > values[index] ? i : index;
  }
  return index;
}

static void exponentials(const float *values, size_t count, float maximum, float factor,
                         float *out) {
  for (size_t i = 0; i < count; i++) {
    const float distance = values[i] - maximum;
    out[i] = wk_exp(distance * factor);
  }
}

static void soft_cap(float *values, size_t count, float cap) {
  const float factor = 2.0f / cap;
  for (size_t i = 0; i < count; i++) {
    values[i] = wk_soft_capped(values[i], cap, factor);
  }
}

static void to_levels(const float *values, size_t count, int8_t *levels, uint16_t *scales) {
  for (size_t start = 0; start < count; start += WK_KV_GROUP) {
    const size_t end = wk_smaller(start + WK_KV_GROUP, count);
    float clamped[WK_KV_GROUP], largest = 0;
    for (size_t i = start; i < end; i++) {
      clamped[i - start] = wk_clamp_to_f16(values[i]);
      largest = wk_second_max(fabsf(clamped[i - start]), largest);
    }
    const uint16_t scale = wk_group_scale(largest);
    const float inverse = wk_group_inverse(scale);
    for (size_t i = start; i < end; i++) {
      levels[i] = wk_group_level(clamped[i - start], inverse);
    }
    *scales++ = scale;
  }
}

const wk_kernel_set *wk_kernel_set_portable(void) {
  static const wk_kernel_set set = {
      .name = "portable",
      .quantize = quantize,
      .multiply = multiply,
      .rms_norm = rms_norm,
      .swiglu = swiglu,
      .geglu = geglu,
      .to_halves = to_halves,
      .to_levels = to_levels,
      .attend = wk_portable_attend,
      .attend_q8 = wk_portable_attend_q8,
      .largest = largest,
      .exponentials = exponentials,
      .soft_cap = soft_cap,
  };
  return &set;
}
