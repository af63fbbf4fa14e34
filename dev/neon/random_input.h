/// Random input that is the same on every machine, in memory that ends where it may be read.
#ifndef RANDOM_INPUT_H
#define RANDOM_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "CKernels.h"

/// SplitMix64.
static inline uint64_t next_bits(uint64_t *state) {
  uint64_t bits = *state += 0x9e3779b97f4a7c15u;
  bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9u;
  bits = (bits ^ bits >> 27) * 0x94d049bb133111ebu;
  return bits ^ bits >> 31;
}

/// One of `low ... high`.
static inline size_t next_size(uint64_t *state, size_t low, size_t high) {
  return low + (size_t)(next_bits(state) % (high - low + 1));
}

/// Between -scale and scale, small ones more often; some one in a hundred is 40 times as large.
static inline float next_float(uint64_t *state, float scale) {
  const uint64_t bits = next_bits(state);
  const float first = (float)((int32_t)(bits & 0xffff) - 0x8000) * 0x1p-15f;
  const float second = (float)((int32_t)(bits >> 16 & 0xffff) - 0x8000) * 0x1p-15f;
  const float large = (bits >> 32) % 100 == 0 ? 40.0f : 1.0f;
  const float product = first * second;
  return product * scale * large;
}

/// Up to 64 allocations of a case, each followed by a page that nobody may touch.
typedef struct guarded_memory {
  void *regions[64];
  size_t bytes[64];
  size_t count;
} guarded_memory;

/// `bytes` bytes that end where a page begins that cannot be read. Their value is 0.
static inline void *allocate(guarded_memory *memory, size_t bytes) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  const size_t whole = (bytes + page - 1) / page * page + page;
  uint8_t *region = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (region == MAP_FAILED || memory->count == 64 ||
      mprotect(region + whole - page, page, PROT_NONE) != 0) {
    fprintf(stderr, "no memory\n");
    exit(2);
  }
  memory->regions[memory->count] = region;
  memory->bytes[memory->count++] = whole;
  return region + whole - page - bytes;
}

static inline void release(guarded_memory *memory) {
  while (memory->count > 0) {
    memory->count--;
    munmap(memory->regions[memory->count], memory->bytes[memory->count]);
  }
}

static inline float *random_floats(guarded_memory *memory, uint64_t *state, size_t count,
                                   float scale) {
  float *values = allocate(memory, count * sizeof(float));
  for (size_t i = 0; i < count; i++) {
    values[i] = next_float(state, scale);
  }
  return values;
}

static inline uint16_t *random_halves(guarded_memory *memory, uint64_t *state, size_t count,
                                      float scale) {
  uint16_t *halves = allocate(memory, count * sizeof(uint16_t));
  for (size_t i = 0; i < count; i++) {
    halves[i] = wk_to_f16_finite(next_float(state, scale));
  }
  return halves;
}

/// Ordinary values among zeroes, subnormals and those around the largest f16; with infinities and
/// NaNs if they are wanted.
static inline float *awkward_floats(guarded_memory *memory, uint64_t *state, size_t count,
                                    bool finite) {
  static const float awkward[] = {
      0.0f,  -0.0f,  0x1p-149f, -0x1p-126f, 0x1p-24f, 0x1p-25f,  65504.0f, 65520.0f, -70000.0f,
      1e30f, -1e30f, 127.0f,    -88.0f,     INFINITY, -INFINITY, NAN,      -NAN,
  };
  float *values = random_floats(memory, state, count, 8);
  for (size_t i = 0; i < count; i++) {
    if (next_bits(state) % 8 == 0) {
      values[i] = awkward[next_size(state, 0, finite ? 12 : 16)];
    }
  }
  return values;
}

/// Formats of tensors, and where a block's f16 fields are.
typedef struct format_fields {
  wk_format format;
  size_t count;
  size_t offsets[2];
} format_fields;

static const format_fields FORMATS[] = {
    {WK_F32, 0, {0}},     {WK_F16, 1, {0}},     {WK_BF16, 0, {0}},    {WK_Q4_0, 1, {0}},
    {WK_Q4_1, 2, {0, 2}}, {WK_Q5_0, 1, {0}},    {WK_Q5_1, 2, {0, 2}}, {WK_Q8_0, 1, {0}},
    {WK_Q4_K, 2, {0, 2}}, {WK_Q5_K, 2, {0, 2}}, {WK_Q6_K, 1, {208}},
};
enum { FORMAT_COUNT = sizeof FORMATS / sizeof FORMATS[0] };

/// A tensor. Levels are random, or all bytes `fill` if that is not negative: the worst cases of
/// sums. Scales of few bits stay exact in f16 when a format multiplies them.
static inline uint8_t *random_tensor(guarded_memory *memory, uint64_t *state,
                                     const format_fields *fields, size_t weights, int fill,
                                     bool coarse_scales) {
  const size_t block_bytes = wk_format_block_bytes(fields->format);
  const size_t blocks = weights / wk_format_block_weights(fields->format);
  uint8_t *bytes = allocate(memory, blocks * block_bytes);
  for (size_t block = 0; block < blocks; block++) {
    uint8_t *at = bytes + block * block_bytes;
    for (size_t i = 0; i < block_bytes; i++) {
      at[i] = fill >= 0 ? (uint8_t)fill : (uint8_t)next_bits(state);
    }
    const float value = next_float(state, 0.5f);
    if (fields->format == WK_F32) {
      memcpy(at, &value, 4);
    } else if (fields->format == WK_BF16) {
      const uint16_t half = (uint16_t)(wk_bits_of(value) >> 16);
      memcpy(at, &half, 2);
    }
    for (size_t i = 0; i < fields->count; i++) {
      uint16_t half = wk_to_f16_finite(next_float(state, 0.5f));
      half = coarse_scales && fields->format != WK_F16 ? half & 0xff00u : half;
      memcpy(at + fields->offsets[i], &half, 2);
    }
  }
  return bytes;
}

#endif
