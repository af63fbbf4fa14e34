/// Rotary position embedding.
#ifndef WK_ROTARY_H
#define WK_ROTARY_H

#include <stddef.h>
#include <stdint.h>

/// Cosine and sine of `position * frequencies[i]` for `count` frequencies (radians per position).
/// Computed here in double precision, not by libm, so that all machines agree.
void wk_rotary_angles(uint32_t position, const float *frequencies, size_t count, float *cosines,
                      float *sines);

/// Rotates the pairs (2i, 2i + 1) of each head by angle i: `heads` heads of `head_dimension`
/// values, of which the first 2 * `count` rotate.
void wk_rotate(float *values, size_t heads, size_t head_dimension, const float *cosines,
               const float *sines, size_t count);

#endif
