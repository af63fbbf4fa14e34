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

static int32_t nearest_level(float value, float inverse) {
  // Adding 1.5 * 2^23 rounds to the nearest integer, which is then in the low bits.
  const uint32_t bits = wk_bits_of(fmaf(value, inverse, 0x1.8p23f));
  const int32_t level = (int32_t)(bits - wk_bits_of(0x1.8p23f));
  return level < -LARGEST_LEVEL ? -LARGEST_LEVEL : level > LARGEST_LEVEL ? LARGEST_LEVEL : level;
}

static void quantize(const float *values, size_t count, int16_t *levels, float *scales,
                     float *sums) {
  for (size_t group = 0; group < count / 32; group++) {
    const float *source = values + group * 32;
    float largest = 0;
    for (int i = 0; i < 32; i++) {
      largest = second_max(fabsf(source[i]), largest);
    }
    const float scale = largest / LARGEST_LEVEL;
    const float inverse = largest > 0 ? LARGEST_LEVEL / largest : 0.0f;
    int32_t sum = 0;
    for (int i = 0; i < 32; i++) {
      const int32_t level = nearest_level(source[i], inverse);
      levels[group * 32 + (size_t)i] = (int16_t)level;
      sum += level;
    }
    scales[group] = scale;
    sums[group] = scale * (float)sum;
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

static float quantized_dot(const wk_matrix *matrix, const uint8_t *panel, size_t lane,
                           const wk_activations *activations, size_t row) {
  const size_t groups = matrix->depth / 32;
  const size_t vector = PANEL * (matrix->wide_scales ? 4u : 2u);
  const size_t parts = matrix->fine_scales ? 2 : 1;
  float sum = 0;
  for (size_t group = 0; group < groups; group++) {
    const int16_t *inputs = activations->levels + row * matrix->depth + group * 32;
    const float scale = activations->scales[row * groups + group];
    const uint8_t *offsets = panel + parts * vector;
    const uint8_t *levels = offsets + (matrix->has_offsets ? vector : 0);
    for (size_t part = 0; part < parts; part++) {
      int32_t dot = 0;
      for (size_t i = part * 16; i < (parts == 2 ? part * 16 + 16 : 32); i++) {
        dot += wk_level(matrix, levels, lane, i) * inputs[i];
      }
      const float product = scale * (float)dot;
      sum = fmaf(weight_scale(matrix, panel + part * vector, lane), product, sum);
    }
    if (matrix->has_offsets) {
      const float input_sum = activations->sums[row * groups + group];
      sum = fmaf(weight_scale(matrix, offsets, lane), input_sum, sum);
    }
    panel = levels + (matrix->packing == WK_PACKED_NIBBLES ? 128 : 256);
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

/// Scaled scores of 16 positions; minus infinity for those the query does not see.
static void score(const wk_attention_tile *tile, const float *query, size_t visible,
                  const uint16_t *keys, float scores[LANES]) {
  for (size_t slot = 0; slot < LANES; slot++) {
    float sum = 0;
    for (size_t i = 0; i < tile->kv.head_dimension; i++) {
      sum = fmaf(query[i], wk_from_f16(keys[i * tile->kv.block_tokens + slot]), sum);
    }
    scores[slot] = slot < visible ? sum * tile->scale : -INFINITY;
  }
}

static void take_in(const wk_attention_tile *tile, attention_state *state, float scores[LANES],
                    const uint16_t *values) {
  float maximum = state->maximum;
  for (int i = 0; i < LANES; i++) {
    maximum = second_max(scores[i], maximum);
  }
  const float correction = wk_exp(state->maximum - maximum);
  for (int i = 0; i < LANES; i++) {
    scores[i] = wk_exp(scores[i] - maximum);
  }
  state->sum = fmaf(state->sum, correction, sum_lanes(scores));
  state->maximum = maximum;
  const size_t dimension = tile->kv.head_dimension;
  for (size_t i = 0; i < dimension; i++) {
    float sum = state->accumulator[i] * correction;
    for (size_t slot = 0; slot < LANES; slot++) {
      sum = fmaf(scores[slot], wk_from_f16(values[slot * dimension + i]), sum);
    }
    state->accumulator[i] = sum;
  }
}

static void attend_query(const wk_attention_tile *tile, size_t index) {
  const wk_kv_view *kv = &tile->kv;
  const size_t length = tile->lengths[index];
  attention_state state = {.maximum = -INFINITY};
  for (size_t begin = 0; begin < length; begin += LANES) {
    const size_t slot = begin % kv->block_tokens;
    const uint16_t *block =
        kv->memory + tile->block_table[begin / kv->block_tokens] * kv->block_stride;
    float scores[LANES];
    score(tile, tile->queries[index], length - begin, block + kv->key_offset + slot, scores);
    take_in(tile, &state, scores, block + kv->value_offset + slot * kv->head_dimension);
  }
  for (size_t i = 0; i < kv->head_dimension; i++) {
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
