/// Rotary position embedding.
#ifndef WK_ROTARY_H
#define WK_ROTARY_H

#include <stddef.h>
#include <stdint.h>

/// Cosine and sine of `position * frequencies[i]` for `count` frequencies (radians per position).
/// Computed here in double precision, not by libm, so that all machines agree.
void wk_rotary_angles(uint32_t position, const float *frequencies, size_t count, float *cosines,
                      float *sines);

/// Which of a head's values rotate together.
typedef enum wk_rotary_pairs {
  /// 2i and 2i + 1, as GGUF's llama tensors are laid out.
  WK_PAIRS_OF_NEIGHBOURS,
  /// i and i + the number of pairs, as GPT-NeoX has it.
  WK_PAIRS_OF_HALVES,
} wk_rotary_pairs;

/// Rotates pair i of each head by angle i: `heads` heads of `head_dimension` values, of which the
/// first 2 * `count` rotate.
void wk_rotate(float *values, size_t heads, size_t head_dimension, wk_rotary_pairs pairs,
               const float *cosines, const float *sines, size_t count);

#endif
