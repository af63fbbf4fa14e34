#include "wk_store_memory.h"

#include <pthread.h>
#include <string.h>

#define POLYNOMIAL 0x82F63B78u

// byte_table[b]: the state after byte b on a zero state.
static uint32_t byte_table[256];

static uint32_t advance_bytes(uint32_t state, const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++)
    state = state >> 8 ^ byte_table[(state ^ bytes[i]) & 0xFF];
  return state;
}

static void make_byte_table(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t state = byte;
    for (int bit = 0; bit < 8; bit++)
      state = state >> 1 ^ (POLYNOMIAL & -(state & 1));
    byte_table[byte] = state;
  }
}

#if defined(__x86_64__)
#include <nmmintrin.h>

// The instruction gives one result a cycle but takes three, so three streams run side by side:
// neighbouring stretches of STRIDE bytes, joined by moving a state over STRIDE zero bytes.
#define STRIDE ((size_t)4096)

// skip_table[i][b]: what byte i of a state being b becomes after STRIDE zero bytes. Moving is
// linear over GF(2), so the parts are joined by exclusive or.
static uint32_t skip_table[4][256];

static void make_skip_table(void) {
  uint32_t moved[32];
  for (int bit = 0; bit < 32; bit++) {
    uint32_t state = 1u << bit;
    for (size_t i = 0; i < STRIDE; i++)
      state = state >> 8 ^ byte_table[state & 0xFF];
    moved[bit] = state;
  }
  for (int byte = 0; byte < 4; byte++) {
    for (uint32_t value = 0; value < 256; value++) {
      uint32_t state = 0;
      for (int bit = 0; bit < 8; bit++) {
        if (value >> bit & 1)
          state ^= moved[8 * byte + bit];
      }
      skip_table[byte][value] = state;
    }
  }
}

static uint32_t skip_stride(uint32_t state) {
  return skip_table[0][state & 0xFF] ^ skip_table[1][state >> 8 & 0xFF] ^
         skip_table[2][state >> 16 & 0xFF] ^ skip_table[3][state >> 24];
}

static uint64_t load(const uint8_t *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

__attribute__((target("sse4.2"))) static uint32_t
advance_sse42(uint32_t state, const uint8_t *bytes, size_t count) {
  for (; count >= 3 * STRIDE; bytes += 3 * STRIDE, count -= 3 * STRIDE) {
    uint64_t first = state, second = 0, third = 0;
    for (size_t i = 0; i < STRIDE; i += 8) {
      first = _mm_crc32_u64(first, load(bytes + i));
      second = _mm_crc32_u64(second, load(bytes + STRIDE + i));
      third = _mm_crc32_u64(third, load(bytes + 2 * STRIDE + i));
    }
    state = skip_stride(skip_stride((uint32_t)first) ^ (uint32_t)second) ^ (uint32_t)third;
  }
  for (; count >= 8; bytes += 8, count -= 8)
    state = (uint32_t)_mm_crc32_u64(state, load(bytes));
  for (; count > 0; bytes++, count--)
    state = _mm_crc32_u8(state, *bytes);
  return state;
}
#endif

static bool has_instruction;
static pthread_once_t prepared = PTHREAD_ONCE_INIT;

static void prepare(void) {
  make_byte_table();
#if defined(__x86_64__)
  make_skip_table();
  has_instruction = __builtin_cpu_supports("sse4.2");
#endif
}

uint32_t wk_crc32c_portable(uint32_t crc, const void *bytes, size_t count) {
  pthread_once(&prepared, prepare);
  return ~advance_bytes(~crc, bytes, count);
}

uint32_t wk_crc32c(uint32_t crc, const void *bytes, size_t count) {
  pthread_once(&prepared, prepare);
#if defined(__x86_64__)
  if (has_instruction)
    return ~advance_sse42(~crc, bytes, count);
#endif
  return ~advance_bytes(~crc, bytes, count);
}
