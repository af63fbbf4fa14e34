/// Products with quantised weights for NEON, all but the sums of levels: the source that includes
/// this has defined
///
/// - QUANTIZED_INLINE, what marks the functions inlined into its kernel;
/// - VECTORS, how many vectors of 4 columns it sums at a time: 1 or 2;
/// - sum_nibbles and sum_bytes: the products' sums of `rows` rows and of the columns whose levels
///   begin at `levels`, of 32 inputs, or of `quads` times 4 from 4 * `first`.
///
/// Everything is written for `rows` rows and inlined with a constant count, so that sums stay in
/// registers: 16 of 32 hold those of 4 rows. A row's arithmetic is the same for every count.
#include "wk_neon_product.h"

/// Adds sums of levels, times both scales, to `VECTORS` vectors of columns from `first`.
QUANTIZED_INLINE void add_scaled(const uint8_t *scales, const bool wide, const int rows,
                                 float32x4_t row_scales, int first, int32x4_t dots[4][VECTORS],
                                 float32x4_t sums[4][4]) {
  for (int i = 0; i < VECTORS; i++) {
    const float32x4_t column_scales = wk_four_scales(scales, first + i, wide);
    WK_UNROLLED
    for (int r = 0; r < rows; r++) {
      const float32x4_t product = vmulq_n_f32(vcvtq_f32_s32(dots[r][i]), row_scales[r]);
      sums[r][first + i] = vfmaq_f32(sums[r][first + i], column_scales, product);
    }
  }
}

QUANTIZED_INLINE void add_offsets(const uint8_t *offsets, const bool wide, const int rows,
                                  const wk_level_block *block, float32x4_t sums[4][4]) {
  const float32x4_t row_sums = vld1q_f32(block->sums);
  WK_UNROLLED
  for (int i = 0; i < 4; i++) {
    const float32x4_t column_offsets = wk_four_scales(offsets, i, wide);
    WK_UNROLLED
    for (int r = 0; r < rows; r++) {
      sums[r][i] = vfmaq_n_f32(sums[r][i], column_offsets, row_sums[r]);
    }
  }
}

QUANTIZED_INLINE void add_nibble_group(const wk_panel_layout *layout, const uint8_t *group,
                                       const bool wide, const int rows, const wk_level_block *block,
                                       float32x4_t sums[4][4]) {
  const uint8_t *levels = group + (wide ? 128 : 64);
  const float32x4_t row_scales = vld1q_f32(block->scales);
  WK_UNROLLED
  for (int i = 0; i < 4; i += VECTORS) {
    int32x4_t dots[4][VECTORS];
    sum_nibbles(levels + 16 * i, rows, block, dots);
    add_scaled(group, wide, rows, row_scales, i, dots, sums);
  }
  add_offsets(group + layout->vector_bytes, wide, rows, block, sums);
}

/// Adds 4 * `quads` inputs, which share a scale, from 4 * `first`.
QUANTIZED_INLINE void add_byte_part(const wk_panel_layout *layout, const uint8_t *scales,
                                    const uint8_t *levels, const int first, const int quads,
                                    const int rows, const wk_level_block *block,
                                    float32x4_t sums[4][4]) {
  const float32x4_t row_scales = vld1q_f32(block->scales);
  WK_UNROLLED
  for (int i = 0; i < 4; i += VECTORS) {
    int32x4_t dots[4][VECTORS];
    sum_bytes(levels + 16 * i, first, quads, rows, block, dots);
    add_scaled(scales, layout->wide, rows, row_scales, i, dots, sums);
  }
}

QUANTIZED_INLINE void add_byte_group(const wk_panel_layout *layout, const uint8_t *group,
                                     const int rows, const wk_level_block *block,
                                     float32x4_t sums[4][4]) {
  const uint8_t *levels = group + layout->level_offset;
  if (layout->fine) {
    add_byte_part(layout, group, levels, 0, 4, rows, block, sums);
    add_byte_part(layout, group + layout->vector_bytes, levels, 4, 4, rows, block, sums);
  } else {
    add_byte_part(layout, group, levels, 0, 8, rows, block, sums);
  }
  if (layout->has_offsets) {
    add_offsets(levels - layout->vector_bytes, layout->wide, rows, block, sums);
  }
}

/// Adds the outliers of one block: the scales and the levels of each row's own input.
QUANTIZED_INLINE void add_outliers(const wk_panel_layout *layout, const bool nibbles,
                                   const uint8_t *panel, const int rows,
                                   const wk_outlier_block *block, float32x4_t sums[4][4]) {
  WK_UNROLLED
  for (int r = 0; r < rows; r++) {
    const size_t input = block->inputs[r];
    const uint8_t *group = panel + input / 32 * layout->group_bytes;
    const uint8_t *scales = group + (layout->fine && input % 32 >= 16 ? layout->vector_bytes : 0);
    WK_UNROLLED
    for (int i = 0; i < 4; i++) {
      const int32x4_t levels = wk_four_levels(nibbles, group + layout->level_offset, input % 32, i);
      const float32x4_t product = vmulq_n_f32(vcvtq_f32_s32(levels), block->values[r]);
      sums[r][i] = vfmaq_f32(sums[r][i], wk_four_scales(scales, i, layout->wide), product);
    }
  }
}

QUANTIZED_INLINE void quantized_rows(wk_place place, const int rows, const bool nibbles,
                                     const bool wide) {
  const wk_panel_layout layout = wk_panel_layout_of(place.product->matrix);
  const size_t groups = place.product->matrix->depth / 32;
  const wk_level_block *levels = wk_levels_at(place);
  const wk_outlier_block *outliers = wk_outliers_at(place);
  float32x4_t sums[4][4];
  WK_UNROLLED
  for (int r = 0; r < rows; r++) {
    WK_UNROLLED
    for (int i = 0; i < 4; i++) {
      sums[r][i] = vdupq_n_f32(0);
    }
  }
  for (size_t index = 0; index < groups; index++) {
    const uint8_t *group = place.panel + index * layout.group_bytes;
    if (nibbles) {
      add_nibble_group(&layout, group, wide, rows, &levels[index], sums);
    } else {
      add_byte_group(&layout, group, rows, &levels[index], sums);
    }
    if (index % 4 == 3 || index + 1 == groups) {
      add_outliers(&layout, nibbles, place.panel, rows, &outliers[index / 4], sums);
    }
  }
  WK_UNROLLED
  for (int r = 0; r < rows; r++) {
    wk_store_panel(place, (size_t)r, sums[r]);
  }
}
