#include "wk_formats.h"

#include "wk_float16.h"
#include "wk_internal.h"

size_t wk_format_block_weights(wk_format format) {
  switch (format) {
  case WK_F32:
  case WK_F16:
  case WK_BF16:
    return 1;
  case WK_Q4_0:
  case WK_Q4_1:
  case WK_Q5_0:
  case WK_Q5_1:
  case WK_Q8_0:
    return 32;
  case WK_Q4_K:
  case WK_Q5_K:
  case WK_Q6_K:
    return 256;
  }
  return 0;
}

size_t wk_format_block_bytes(wk_format format) {
  switch (format) {
  case WK_F32:
    return 4;
  case WK_F16:
  case WK_BF16:
    return 2;
  case WK_Q4_0:
    return 18;
  case WK_Q4_1:
    return 20;
  case WK_Q5_0:
    return 22;
  case WK_Q5_1:
    return 24;
  case WK_Q8_0:
    return 34;
  case WK_Q4_K:
    return 144;
  case WK_Q5_K:
    return 176;
  case WK_Q6_K:
    return 210;
  }
  return 0;
}

static uint16_t half_at(const uint8_t *bytes) { return (uint16_t)(bytes[0] | bytes[1] << 8); }

static float f16_at(const uint8_t *bytes) { return wk_from_f16(half_at(bytes)); }

static uint32_t word_at(const uint8_t *bytes) {
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
         (uint32_t)bytes[3] << 24;
}

static void set_scale(wk_group *group, float scale, float offset) {
  group->scale[0] = group->scale[1] = scale;
  group->offset[0] = group->offset[1] = offset;
}

/// Q4_0, Q4_1, Q5_0 and Q5_1: 16 bytes of low 4 bits, weight i in byte i % 16; bit i of `fifth`
/// is weight i's fifth bit.
static void decode_nibbles(const uint8_t *nibbles, uint32_t fifth, wk_group *group) {
  for (int i = 0; i < 32; i++) {
    const int low = i < 16 ? nibbles[i] & 15 : nibbles[i - 16] >> 4;
    group->levels[i] = (int8_t)(low | (int)(fifth >> i & 1u) << 4);
  }
}

/// Scale and minimum of sub-block `index` of Q4_K and Q5_K: 8 pairs of 6-bit numbers in 12 bytes.
static void k_scale(const uint8_t *packed, size_t index, int *scale, int *minimum) {
  if (index < 4) {
    *scale = packed[index] & 63;
    *minimum = packed[index + 4] & 63;
  } else {
    *scale = (packed[index + 4] & 15) | packed[index - 4] >> 6 << 4;
    *minimum = packed[index + 4] >> 4 | packed[index] >> 6 << 4;
  }
}

/// Q4_K (`fifth` null) and Q5_K: sub-blocks 2j and 2j + 1 share 32 bytes, low and high 4 bits.
static void decode_k(const uint8_t *block, const uint8_t *fifth, const uint8_t *nibbles,
                     size_t index, wk_group *group) {
  int scale, minimum;
  k_scale(block + 4, index, &scale, &minimum);
  set_scale(group, f16_at(block) * (float)scale, -(f16_at(block + 2) * (float)minimum));
  const uint8_t *bytes = nibbles + index / 2 * 32;
  for (int i = 0; i < 32; i++) {
    const int low = index % 2 == 0 ? bytes[i] & 15 : bytes[i] >> 4;
    const int high = fifth != NULL ? (fifth[i] >> index & 1) << 4 : 0;
    group->levels[i] = (int8_t)(low | high);
  }
}

static void decode_q6_k(const uint8_t *block, size_t index, wk_group *group) {
  const size_t half = index / 4, quarter = index % 4;
  const uint8_t *low = block + half * 64 + quarter % 2 * 32;
  const uint8_t *high = block + 128 + half * 32;
  const int8_t *scales = (const int8_t *)(block + 192) + half * 8 + quarter * 2;
  const float scale = f16_at(block + 208);
  for (int i = 0; i < 32; i++) {
    const int nibble = quarter < 2 ? low[i] & 15 : low[i] >> 4;
    group->levels[i] = (int8_t)((nibble | (high[i] >> 2 * quarter & 3) << 4) - 32);
  }
  for (int i = 0; i < 2; i++) {
    group->scale[i] = scale * (float)scales[i];
    group->offset[i] = 0;
  }
}

static void subtract(wk_group *group, int amount) {
  for (int i = 0; i < 32; i++) {
    group->levels[i] = (int8_t)(group->levels[i] - amount);
  }
}

void wk_decode_group(wk_format format, const uint8_t *row, size_t index, wk_group *group) {
  const size_t groups_per_block = wk_format_block_weights(format) / 32;
  const uint8_t *block = row + index / groups_per_block * wk_format_block_bytes(format);
  const size_t inner = index % groups_per_block;
  switch (format) {
  case WK_Q4_0:
    decode_nibbles(block + 2, 0, group);
    set_scale(group, f16_at(block), -8 * f16_at(block));
    break;
  case WK_Q4_1:
    decode_nibbles(block + 4, 0, group);
    set_scale(group, f16_at(block), f16_at(block + 2));
    break;
  case WK_Q5_0:
    decode_nibbles(block + 6, word_at(block + 2), group);
    subtract(group, 16);
    set_scale(group, f16_at(block), 0);
    break;
  case WK_Q5_1:
    decode_nibbles(block + 8, word_at(block + 4), group);
    set_scale(group, f16_at(block), f16_at(block + 2));
    break;
  case WK_Q8_0:
    memcpy(group->levels, block + 2, 32);
    set_scale(group, f16_at(block), 0);
    break;
  case WK_Q4_K:
    decode_k(block, NULL, block + 16, inner, group);
    break;
  case WK_Q5_K:
    decode_k(block, block + 16, block + 48, inner, group);
    break;
  case WK_Q6_K:
    decode_q6_k(block, inner, group);
    break;
  case WK_F32:
  case WK_F16:
  case WK_BF16:
    wk_unreachable();
  }
}

static float float_at(wk_format format, const uint8_t *source, size_t index) {
  switch (format) {
  case WK_F16:
    return f16_at(source + 2 * index);
  case WK_BF16:
    return wk_from_bf16(half_at(source + 2 * index));
  default:
    return wk_float_of(word_at(source + 4 * index));
  }
}

void wk_dequantize(wk_format format, const uint8_t *source, size_t count, float *target) {
  if (wk_format_block_weights(format) == 1) {
    for (size_t i = 0; i < count; i++) {
      target[i] = float_at(format, source, i);
    }
    return;
  }
  for (size_t index = 0; index < count / 32; index++) {
    wk_group group;
    wk_decode_group(format, source, index, &group);
    for (int i = 0; i < 32; i++) {
      const float product = (float)group.levels[i] * group.scale[i / 16];
      target[32 * index + (size_t)i] = product + group.offset[i / 16];
    }
  }
}
