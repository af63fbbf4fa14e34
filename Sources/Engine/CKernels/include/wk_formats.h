/// The tensor formats of GGUF files, decoded.
#ifndef WK_FORMATS_H
#define WK_FORMATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Tensor formats, with GGUF's own numbers.
typedef enum wk_format {
  WK_F32 = 0,
  WK_F16 = 1,
  WK_Q4_0 = 2,
  WK_Q4_1 = 3,
  WK_Q5_0 = 6,
  WK_Q5_1 = 7,
  WK_Q8_0 = 8,
  WK_Q4_K = 12,
  WK_Q5_K = 13,
  WK_Q6_K = 14,
  WK_BF16 = 30,
} wk_format;

/// 32 neighbouring weights of a quantised row: weight i is
/// levels[i] * scale[i / 16] + offset[i / 16].
typedef struct wk_group {
  int8_t levels[32];
  float scale[2];
  float offset[2];
} wk_group;

/// Weights per block of a format: 1, 32 or 256; 0 for an unknown format.
size_t wk_format_block_weights(wk_format format);

/// Bytes per block of a format; 0 for an unknown format.
size_t wk_format_block_bytes(wk_format format);

/// Decodes weights 32 * index ..< 32 * index + 32 of a row of a quantised format.
void wk_decode_group(wk_format format, const uint8_t *row, size_t index, wk_group *group);

/// Writes `count` weights as f32. `count` is a multiple of the format's block.
void wk_dequantize(wk_format format, const uint8_t *source, size_t count, float *target);

#endif
