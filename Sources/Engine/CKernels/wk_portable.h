/// What the portable kernels share.
#ifndef WK_PORTABLE_H
#define WK_PORTABLE_H

#include "wk_attention.h"
#include "wk_internal.h"

enum { WK_LANES = 16 };

/// max as the SSE instruction defines it: the second operand where one is a NaN.
static inline float wk_second_max(float a, float b) { return a > b ? a : b; }

/// The sum of 16 lanes, pairwise.
static inline float wk_add_lanes(const float lanes[WK_LANES]) {
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

void wk_portable_attend(wk_attention_tile *tile);
void wk_portable_attend_q8(wk_attention_tile *tile);

#endif
