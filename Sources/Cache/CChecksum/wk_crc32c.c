#include <string.h>

#include "wk_crc32c.h"

static uint32_t byte_table[256];
static bool accelerated;

uint32_t wk_crc32c_portable(uint32_t crc, const void *bytes, size_t count) {
  const uint8_t *next = bytes;
  crc = ~crc;
  for (; count > 0; count--)
    crc = byte_table[(crc ^ *next++) & 0xff] ^ (crc >> 8);
  return ~crc;
}

bool wk_crc32c_is_accelerated(void) { return accelerated; }

#if defined(__x86_64__)

#include <nmmintrin.h>

// The instruction takes a new operand every cycle but answers after three: three stretches of this
// many bytes are summed side by side, and their sums joined.
enum { STRETCH = 4096 };

// stretch_table[i][b] is what a sum whose byte i is b, and all others 0, becomes after STRETCH zero
// bytes. Going over zeros is linear, so the four entries of a sum's bytes add up (by xor).
static uint32_t stretch_table[4][256];

static uint32_t over_stretch(uint32_t crc) {
  return stretch_table[0][crc & 0xff] ^ stretch_table[1][(crc >> 8) & 0xff] ^
         stretch_table[2][(crc >> 16) & 0xff] ^ stretch_table[3][crc >> 24];
}

static inline uint64_t load64(const uint8_t *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

__attribute__((target("sse4.2"))) static uint32_t
crc32c_instruction(uint32_t crc, const uint8_t *next, size_t count) {
  uint64_t first = (uint32_t)~crc;
  for (; count >= 3 * STRETCH; next += 3 * STRETCH, count -= 3 * STRETCH) {
    uint64_t second = 0, third = 0;
    for (size_t i = 0; i < STRETCH; i += 8) {
      first = _mm_crc32_u64(first, load64(next + i));
      second = _mm_crc32_u64(second, load64(next + STRETCH + i));
      third = _mm_crc32_u64(third, load64(next + 2 * STRETCH + i));
    }
    first = over_stretch((uint32_t)first) ^ second;
    first = over_stretch((uint32_t)first) ^ third;
  }
  for (; count >= 8; next += 8, count -= 8)
    first = _mm_crc32_u64(first, load64(next));
  uint32_t sum = (uint32_t)first;
  for (; count > 0; count--)
    sum = _mm_crc32_u8(sum, *next++);
  return ~sum;
}

static void prepare_stretches(void) {
  uint32_t of_bit[32];
  for (int bit = 0; bit < 32; bit++) {
    uint32_t crc = UINT32_C(1) << bit;
    for (int i = 0; i < STRETCH; i++)
      crc = byte_table[crc & 0xff] ^ (crc >> 8);
    of_bit[bit] = crc;
  }
  for (int byte = 0; byte < 4; byte++) {
    for (int value = 0; value < 256; value++) {
      uint32_t crc = 0;
      for (int bit = 0; bit < 8; bit++) {
        if (value >> bit & 1)
          crc ^= of_bit[8 * byte + bit];
      }
      stretch_table[byte][value] = crc;
    }
  }
}

#endif

__attribute__((constructor)) static void prepare(void) {
  for (uint32_t value = 0; value < 256; value++) {
    uint32_t crc = value;
    for (int bit = 0; bit < 8; bit++)
      crc = (crc >> 1) ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
    byte_table[value] = crc;
  }
#if defined(__x86_64__)
  __builtin_cpu_init();
  accelerated = __builtin_cpu_supports("sse4.2");
  if (accelerated)
    prepare_stretches();
#endif
}

uint32_t wk_crc32c(uint32_t crc, const void *bytes, size_t count) {
#if defined(__x86_64__)
  if (accelerated)
    return crc32c_instruction(crc, bytes, count);
#endif
  return wk_crc32c_portable(crc, bytes, count);
}
