#include <math.h>

#include "wk_exponential.h"
#include "wk_float16.h"
#include "wk_internal.h"
#include "wk_kernel_set.h"
#include "wk_levels.h"

enum { PANEL = WK_PANEL_COLUMNS, LANES = 16, LARGEST_LEVEL = WK_LARGEST_LEVEL };

// max and min as the SSE instructions define them: the second operand where one is a NaN.
static float second_max(float a, float b) { return a > b ? a : b; }

/// The sum of 16 lanes, pairwise.
static float sum_lanes(const float lanes[LANES]) {
  float sums[8];
  for (int i = 0; i < 8; i++) {
    sums[i] = lanes[i] + lanes[i + 8];
  }
  for (int width = 4; width > 0; width /= 2) {
    for (int i = 0; i < width; i++) {
      sums[i] = sums[i] + sums[i + width];
    }
  }
  return sums[0];
}

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
  const float mean = sum_lanes(lanes) / (float)count;
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

/// One query's running softmax.
typedef struct attention_state {
  float maximum;
  float sum;
  float accumulator[WK_ATTENTION_HEAD_LIMIT];
} attention_state;

enum { CHUNK = WK_ATTENTION_CHUNK };

/// 16 positions of a block, or null beyond the query's last.
typedef struct attention_chunk {
  const uint16_t *keys[CHUNK / LANES];
  const uint16_t *values[CHUNK / LANES];
} attention_chunk;

static attention_chunk chunk_at(const wk_attention_tile *tile, size_t begin, size_t length) {
  const wk_kv_view *kv = &tile->kv;
  attention_chunk chunk = {0};
  for (size_t i = 0; i < CHUNK / LANES && begin + i * LANES < length; i++) {
    const size_t position = begin + i * LANES, slot = position % kv->block_tokens;
    const uint16_t *block =
        kv->memory + tile->block_table[position / kv->block_tokens] * kv->block_stride;
    chunk.keys[i] = block + kv->key_offset + slot;
    chunk.values[i] = block + kv->value_offset + slot * kv->head_dimension;
  }
  return chunk;
}

/// Scaled scores; minus infinity for positions that the query does not see, which are those before
/// `start` and from `visible` on.
static void score(const wk_attention_tile *tile, const float *query, size_t start, size_t visible,
                  const attention_chunk *chunk, float scores[CHUNK]) {
  for (size_t index = 0; index < CHUNK; index++) {
    const uint16_t *keys = chunk->keys[index / LANES];
    float sum = 0;
    for (size_t i = 0; i < tile->kv.head_dimension && keys != NULL; i++) {
      const uint16_t key = keys[i * tile->kv.block_tokens + index % LANES];
      sum = fmaf(query[i], wk_from_f16(key), sum);
    }
    scores[index] = index >= start && index < visible ? sum * tile->scale : -INFINITY;
  }
}

/// The sum of a chunk's weights: positions apart by 16 in order, then 16 lanes.
static float sum_chunk(const float weights[CHUNK]) {
  float lanes[LANES];
  for (size_t lane = 0; lane < LANES; lane++) {
    lanes[lane] = weights[lane];
    for (size_t i = lane + LANES; i < CHUNK; i += LANES) {
      lanes[lane] = lanes[lane] + weights[i];
    }
  }
  return sum_lanes(lanes);
}

static void take_in(const wk_attention_tile *tile, attention_state *state, float scores[CHUNK],
                    const attention_chunk *chunk) {
  float maximum = state->maximum;
  for (int i = 0; i < CHUNK; i++) {
    maximum = second_max(scores[i], maximum);
  }
  const float correction = wk_exp(state->maximum - maximum);
  for (int i = 0; i < CHUNK; i++) {
    scores[i] = wk_exp(scores[i] - maximum);
  }
  state->sum = fmaf(state->sum, correction, sum_chunk(scores));
  state->maximum = maximum;
  const size_t dimension = tile->kv.head_dimension;
  for (size_t i = 0; i < dimension; i++) {
    float sum = state->accumulator[i] * correction;
    for (size_t index = 0; index < CHUNK && chunk->values[index / LANES] != NULL; index++) {
      const uint16_t value = chunk->values[index / LANES][index % LANES * dimension + i];
      sum = fmaf(scores[index], wk_from_f16(value), sum);
    }
    state->accumulator[i] = sum;
  }
}

static void attend_query(const wk_attention_tile *tile, size_t index) {
  const size_t start = tile->starts[index], length = tile->lengths[index];
  attention_state state = {.maximum = WK_ATTENTION_NO_MAXIMUM};
  for (size_t begin = start / CHUNK * CHUNK; begin < length; begin += CHUNK) {
    const attention_chunk chunk = chunk_at(tile, begin, length);
    float scores[CHUNK];
    score(tile, tile->queries[index], start > begin ? start - begin : 0, length - begin, &chunk,
          scores);
    take_in(tile, &state, scores, &chunk);
  }
  for (size_t i = 0; i < tile->kv.head_dimension; i++) {
    // Adding 0 makes -0 positive: unseen slots, whatever they hold, only ever change a zero's sign.
    tile->outputs[index][i] = (state.accumulator[i] + 0.0f) / state.sum;
  }
}

static void attend(const wk_attention_tile *tile) {
  for (size_t index = 0; index < tile->count; index++) {
    attend_query(tile, index);
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
      .attend = attend,
      .largest = largest,
      .exponentials = exponentials,
  };
  return &set;
}
