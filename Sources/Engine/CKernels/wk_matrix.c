#include "wk_matrix.h"

#include "wk_float16.h"
#include "wk_internal.h"
#include "wk_levels.h"

enum { PANEL = WK_PANEL_COLUMNS, GROUP = 32 };

static size_t scale_bytes(const wk_matrix *matrix) { return matrix->wide_scales ? 4 : 2; }

/// Scales and offsets before the levels of one group of a panel.
static size_t group_header_bytes(const wk_matrix *matrix) {
  const size_t vectors = (matrix->fine_scales ? 2u : 1u) + (matrix->has_offsets ? 1u : 0u);
  return vectors * PANEL * scale_bytes(matrix);
}

static size_t group_bytes(const wk_matrix *matrix) {
  const size_t levels = matrix->packing == WK_PACKED_NIBBLES ? PANEL * GROUP / 2 : PANEL * GROUP;
  return group_header_bytes(matrix) + levels;
}

wk_matrix wk_matrix_describe(wk_format format, bool wide_scales, size_t columns, size_t depth) {
  wk_matrix matrix = {
      .packing = WK_PACKED_BYTES,
      .wide_scales = wide_scales,
      .columns = columns,
      .depth = depth,
  };
  switch (format) {
  case WK_F32:
    matrix.packing = WK_PACKED_F32;
    matrix.panel_bytes = depth * PANEL * 4;
    return matrix;
  case WK_F16:
  case WK_BF16:
    matrix.packing = format == WK_F16 ? WK_PACKED_F16 : WK_PACKED_BF16;
    matrix.panel_bytes = depth * PANEL * 2;
    return matrix;
  case WK_Q4_0:
  case WK_Q4_1:
  case WK_Q4_K:
    matrix.packing = WK_PACKED_NIBBLES;
    matrix.has_offsets = true;
    break;
  case WK_Q5_1:
  case WK_Q5_K:
    matrix.has_offsets = true;
    break;
  case WK_Q6_K:
    matrix.fine_scales = true;
    break;
  case WK_Q5_0:
  case WK_Q8_0:
    break;
  }
  matrix.panel_bytes = depth / GROUP * group_bytes(&matrix);
  return matrix;
}

static void put_half(uint8_t *target, uint16_t half) {
  target[0] = (uint8_t)half;
  target[1] = (uint8_t)(half >> 8);
}

/// Stores a scale or offset; returns whether it is stored exactly.
static bool put_scale(const wk_matrix *matrix, uint8_t *vector, size_t lane, float value) {
  if (matrix->wide_scales) {
    memcpy(vector + 4 * lane, &value, 4);
    return true;
  }
  const uint16_t half = wk_to_f16_finite(value);
  put_half(vector + 2 * lane, half);
  return wk_from_f16(half) == value;
}

static float get_scale(const wk_matrix *matrix, const uint8_t *vector, size_t lane) {
  if (matrix->wide_scales) {
    float value;
    memcpy(&value, vector + 4 * lane, 4);
    return value;
  }
  return wk_from_f16((uint16_t)(vector[2 * lane] | vector[2 * lane + 1] << 8));
}

/// Adds a column's levels to the zeroes at `levels`.
static void put_levels(const wk_matrix *matrix, uint8_t *levels, size_t lane,
                       const int8_t values[GROUP]) {
  const bool nibbles = matrix->packing == WK_PACKED_NIBBLES;
  for (size_t i = 0; i < GROUP; i++) {
    const unsigned shift = nibbles ? wk_nibble_shift(i) : 0;
    levels[wk_level_byte(matrix, lane, i)] |= (uint8_t)((uint8_t)values[i] << shift);
  }
}

static bool pack_group(const wk_matrix *matrix, uint8_t *target, size_t lane,
                       const wk_group *group) {
  const size_t vector = PANEL * scale_bytes(matrix);
  bool exact = put_scale(matrix, target, lane, group->scale[0]);
  target += vector;
  if (matrix->fine_scales) {
    exact &= put_scale(matrix, target, lane, group->scale[1]);
    target += vector;
  }
  if (matrix->has_offsets) {
    exact &= put_scale(matrix, target, lane, group->offset[0]);
    target += vector;
  }
  put_levels(matrix, target, lane, group->levels);
  return exact;
}

static bool pack_quantized_panel(const wk_matrix *matrix, wk_format format, const uint8_t *source,
                                 size_t row_bytes, size_t lanes, uint8_t *panel) {
  const size_t stride = group_bytes(matrix);
  bool exact = true;
  memset(panel, 0, matrix->panel_bytes);
  for (size_t index = 0; index < matrix->depth / GROUP; index++) {
    for (size_t lane = 0; lane < PANEL; lane++) {
      wk_group group = {0};
      if (lane < lanes) {
        wk_decode_group(format, source + lane * row_bytes, index, &group);
      }
      exact &= pack_group(matrix, panel + index * stride, lane, &group);
    }
  }
  return exact;
}

static void pack_float_panel(const wk_matrix *matrix, const uint8_t *source, size_t row_bytes,
                             size_t lanes, uint8_t *panel) {
  const size_t size = matrix->packing == WK_PACKED_F32 ? 4 : 2;
  for (size_t input = 0; input < matrix->depth; input++) {
    for (size_t lane = 0; lane < PANEL; lane++) {
      uint8_t *target = panel + (input * PANEL + lane) * size;
      if (lane < lanes) {
        memcpy(target, source + lane * row_bytes + input * size, size);
      } else {
        memset(target, 0, size);
      }
    }
  }
}

bool wk_matrix_pack(const wk_matrix *matrix, wk_format format, const uint8_t *source, size_t begin,
                    size_t end) {
  const size_t row_bytes =
      matrix->depth / wk_format_block_weights(format) * wk_format_block_bytes(format);
  bool exact = true;
  for (size_t index = begin; index < end; index++) {
    const size_t first = index * PANEL;
    const size_t lanes = matrix->columns - first < PANEL ? matrix->columns - first : PANEL;
    uint8_t *panel = matrix->panels + index * matrix->panel_bytes;
    const uint8_t *rows = source + first * row_bytes;
    if (wk_matrix_is_quantized(matrix)) {
      exact &= pack_quantized_panel(matrix, format, rows, row_bytes, lanes, panel);
    } else {
      pack_float_panel(matrix, rows, row_bytes, lanes, panel);
    }
  }
  return exact;
}

static void quantized_column(const wk_matrix *matrix, const uint8_t *panel, size_t lane,
                             float *target) {
  const size_t stride = group_bytes(matrix), vector = PANEL * scale_bytes(matrix);
  for (size_t index = 0; index < matrix->depth / GROUP; index++) {
    const uint8_t *group = panel + index * stride;
    const uint8_t *levels = group + group_header_bytes(matrix);
    const float first = get_scale(matrix, group, lane);
    const float second = matrix->fine_scales ? get_scale(matrix, group + vector, lane) : first;
    const float offset = matrix->has_offsets ? get_scale(matrix, levels - vector, lane) : 0;
    for (size_t i = 0; i < GROUP; i++) {
      const float product = (float)wk_level(matrix, levels, lane, i) * (i < 16 ? first : second);
      target[index * GROUP + i] = product + offset;
    }
  }
}

void wk_matrix_column(const wk_matrix *matrix, size_t column, float *target) {
  const uint8_t *panel = matrix->panels + column / PANEL * matrix->panel_bytes;
  const size_t lane = column % PANEL;
  if (wk_matrix_is_quantized(matrix)) {
    quantized_column(matrix, panel, lane, target);
    return;
  }
  for (size_t input = 0; input < matrix->depth; input++) {
    const size_t index = input * PANEL + lane;
    switch (matrix->packing) {
    case WK_PACKED_F16:
      wk_dequantize(WK_F16, panel + 2 * index, 1, target + input);
      break;
    case WK_PACKED_BF16:
      wk_dequantize(WK_BF16, panel + 2 * index, 1, target + input);
      break;
    default:
      wk_dequantize(WK_F32, panel + 4 * index, 1, target + input);
      break;
    }
  }
}
