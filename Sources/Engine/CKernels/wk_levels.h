/// Where levels lie in a packed group, as wk_packing describes it.
#ifndef WK_LEVELS_H
#define WK_LEVELS_H

#include "wk_matrix.h"

/// The byte of a packed group that holds the level of column `lane` at `input` of 32.
static inline size_t wk_level_byte(const wk_matrix *matrix, size_t lane, size_t input) {
  if (matrix->packing == WK_PACKED_NIBBLES) {
    return input / 8 * WK_PANEL_COLUMNS * 4 + lane * 4 + input % 4;
  }
  return input / 4 * WK_PANEL_COLUMNS * 4 + lane * 4 + input % 4;
}

/// How far a level of 4 bits is shifted within its byte.
static inline unsigned wk_nibble_shift(size_t input) { return input / 4 % 2 * 4; }

/// The level of column `lane` at `input` of 32.
static inline int wk_level(const wk_matrix *matrix, const uint8_t *levels, size_t lane,
                           size_t input) {
  const uint8_t byte = levels[wk_level_byte(matrix, lane, input)];
  return matrix->packing == WK_PACKED_NIBBLES ? byte >> wk_nibble_shift(input) & 15 : (int8_t)byte;
}

#endif
