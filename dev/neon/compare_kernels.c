// Runs every entry of every kernel set that this CPU has on random input and compares the bytes
// with the portable set's. Prints a checksum of what the portable set gave for each, which has to
// be the same on every architecture: all machines of a mesh share blocks of computed numbers.
//
//   compare_kernels ROUNDS SEED
#include <math.h>
#include <string.h>

#include "random_input.h"

/// What a case gave, byte after byte.
typedef struct record {
  uint8_t *bytes;
  size_t count;
  size_t capacity;
} record;

static void put(record *out, const void *bytes, size_t count) {
  if (out->count + count > out->capacity) {
    out->capacity = 2 * (out->count + count);
    out->bytes = realloc(out->bytes, out->capacity);
  }
  memcpy(out->bytes + out->count, bytes, count);
  out->count += count;
}

/// NaNs count as equal whatever their payload.
static void put_floats(record *out, const float *values, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const uint32_t bits = isnan(values[i]) ? 0x7fc00000u : wk_bits_of(values[i]);
    put(out, &bits, sizeof bits);
  }
}

/// What a case works with. The state begins alike for each kernel set.
typedef struct context {
  const wk_kernel_set *kernels;
  uint64_t state;
  guarded_memory memory;
  record out;
} context;

typedef struct quantized_rows {
  wk_level_block *levels;
  wk_outlier_block *outliers;
} quantized_rows;

static quantized_rows quantize_rows(context *at, const float *values, size_t rows, size_t width) {
  const size_t blocks = (rows + 3) / 4, groups = width / 32, outliers = (width + 127) / 128;
  const quantized_rows quantized = {
      allocate(&at->memory, blocks * groups * sizeof(wk_level_block)),
      allocate(&at->memory, blocks * outliers * sizeof(wk_outlier_block)),
  };
  for (size_t row = 0; row < rows; row++) {
    at->kernels->quantize(values + row * width, width, row % 4, quantized.levels + row / 4 * groups,
                          quantized.outliers + row / 4 * outliers);
  }
  return quantized;
}

static void put_quantized(context *at, size_t rows, size_t width, bool finite) {
  const float *values = finite && next_bits(&at->state) % 2 == 0
                            ? random_floats(&at->memory, &at->state, rows * width, 10)
                            : awkward_floats(&at->memory, &at->state, rows * width, finite);
  const quantized_rows quantized = quantize_rows(at, values, rows, width);
  for (size_t i = 0; i < (rows + 3) / 4 * (width / 32); i++) {
    const wk_level_block *block = &quantized.levels[i];
    put(&at->out, block->levels, sizeof block->levels);
    put(&at->out, block->level_sums, sizeof block->level_sums);
    put_floats(&at->out, block->scales, 4);
    put_floats(&at->out, block->sums, 4);
  }
  for (size_t i = 0; i < (rows + 3) / 4 * ((width + 127) / 128); i++) {
    put_floats(&at->out, quantized.outliers[i].values, 4);
    put(&at->out, quantized.outliers[i].inputs, sizeof quantized.outliers[i].inputs);
  }
}

static void quantize_finite(context *at) {
  const size_t rows = next_size(&at->state, 1, 9);
  put_quantized(at, rows, 32 * next_size(&at->state, 1, 20), true);
}

static void quantize_any(context *at) {
  const size_t rows = next_size(&at->state, 1, 9);
  put_quantized(at, rows, 32 * next_size(&at->state, 1, 20), false);
}

/// Packs a tensor, with wide scales if they are wanted or needed.
static wk_matrix pack(context *at, wk_format format, const uint8_t *tensor, bool wide,
                      size_t columns, size_t depth) {
  for (;; wide = true) {
    wk_matrix matrix = wk_matrix_describe(format, wide, columns, depth);
    const size_t panels = wk_matrix_panel_count(&matrix);
    matrix.panels = allocate(&at->memory, panels * matrix.panel_bytes);
    if (wk_matrix_pack(&matrix, format, tensor, 0, panels)) {
      return matrix;
    }
  }
}

/// One product of a format, by the kernel alone and shared out over threads.
static void put_product(context *at, const format_fields *fields) {
  static const int fills[] = {-1, -1, -1, 0xff, 0x80, 0x00};
  uint64_t *state = &at->state;
  // Some more rows than a thread takes at a time.
  const bool many = next_bits(state) % 8 == 0;
  const size_t columns = next_size(state, 1, many ? 20 : 75);
  const size_t rows = many ? next_size(state, 65, 80) : next_size(state, 1, 13);
  const size_t block = wk_format_block_weights(fields->format);
  const size_t depth = (block == 256 ? 256 : 32) * next_size(state, 1, block == 256 ? 2 : 12);
  const int fill = fills[next_size(state, 0, 5)];
  const bool coarse = next_bits(state) % 2 == 0, wide = next_bits(state) % 4 == 0;
  const uint8_t *tensor = random_tensor(&at->memory, state, fields, columns * depth, fill, coarse);
  const wk_matrix matrix = pack(at, fields->format, tensor, wide, columns, depth);
  float *values = random_floats(&at->memory, state, rows * depth, 4);
  for (size_t i = 0; fill >= 0 && i < rows * depth; i++) {
    values[i] = values[0];
  }
  const quantized_rows quantized = quantize_rows(at, values, rows, depth);
  const size_t stride = columns + next_size(state, 0, 5), count = (rows - 1) * stride + columns;
  float *out = random_floats(&at->memory, state, count, 1);
  float *shared = allocate(&at->memory, count * sizeof(float));
  memcpy(shared, out, count * sizeof(float));
  const wk_activations activations = {values, quantized.levels, quantized.outliers, depth};
  wk_product product = {&matrix, activations, out, stride, next_bits(state) % 2 == 0};
  const size_t row = next_bits(state) % 2 * 4, begin = row < rows ? row : 0;
  at->kernels->multiply(&product, 0, wk_matrix_panel_count(&matrix), begin, rows);
  put_floats(&at->out, out, count);
  product.out = shared;
  const wk_engine engine = {wk_pool_create(3, NULL), at->kernels};
  wk_multiply(&engine, &product, 1, rows);
  wk_pool_destroy(engine.pool);
  put_floats(&at->out, shared, count);
  put(&at->out, &matrix.wide_scales, sizeof matrix.wide_scales);
}

static void products(context *at) {
  for (size_t i = 0; i < FORMAT_COUNT; i++) {
    put_product(at, &FORMATS[i]);
    release(&at->memory);
  }
}

/// Attention to a part of KV memory, which is as good in 8 bits: any halves' bytes are levels.
static void put_attention(context *at, wk_kv_type type) {
  uint64_t *state = &at->state;
  const size_t dimension = 16 * next_size(state, 1, next_bits(state) % 4 == 0 ? 16 : 8);
  const size_t tokens = 16u << next_size(state, 0, 2), heads = next_size(state, 1, 2);
  const size_t positions = next_size(state, 1, 200), count = next_size(state, 1, 12);
  const size_t blocks = (positions + tokens - 1) / tokens;
  const size_t groups = (dimension + WK_KV_GROUP - 1) / WK_KV_GROUP;
  const size_t head = type == WK_KV_Q8 ? (dimension / 2 + groups) * tokens : dimension * tokens;
  const size_t stride = 2 * heads * head;
  uint16_t *memory = random_halves(&at->memory, state, blocks * stride, 2);
  // Sums that are -0: of negative values and zeroes, when a much larger score takes all the weight.
  const bool negative = next_bits(state) % 4 == 0;
  for (size_t i = 0; negative && i < blocks * stride; i++) {
    memory[i] = next_bits(state) % 4 == 0 ? memory[i] | 0x8000u : 0x8000u;
  }
  uint32_t *table = allocate(&at->memory, blocks * sizeof(uint32_t));
  for (size_t i = 0; i < blocks; i++) {
    table[i] = (uint32_t)(blocks - 1 - i);
  }
  const size_t keys = (heads - 1) * head, values = heads * head + keys;
  const float soft_cap = next_bits(state) % 2 == 0 ? 0 : 0.1f + fabsf(next_float(state, 20));
  wk_attention_tile tile = {
      .kv = {memory, stride, keys, values, head, tokens, dimension, type},
      .block_table = table,
      .scale = negative ? 50 : next_float(state, 0.25f),
      .soft_cap = soft_cap,
      .count = count,
  };
  float *out = allocate(&at->memory, count * dimension * sizeof(float));
  for (size_t i = 0; i < count; i++) {
    float *query = random_floats(&at->memory, state, dimension, 3);
    if (next_bits(state) % 8 == 0) {
      query[next_size(state, 0, dimension - 1)] = NAN;
    }
    tile.queries[i] = query;
    tile.lengths[i] = next_size(state, 1, positions);
    tile.starts[i] = next_bits(state) % 2 * next_size(state, 0, tile.lengths[i] - 1);
    tile.outputs[i] = out + i * dimension;
  }
  (type == WK_KV_Q8 ? at->kernels->attend_q8 : at->kernels->attend)(&tile);
  put_floats(&at->out, out, count * dimension);
  for (size_t i = 0; i < count; i++) {
    put_floats(&at->out, &tile.ends[i].maximum, 1);
    put_floats(&at->out, &tile.ends[i].sum, 1);
  }
}

static void attention(context *at) { put_attention(at, WK_KV_F16); }

static void attention_q8(context *at) { put_attention(at, WK_KV_Q8); }

static void levels(context *at) {
  const size_t count = 16 * next_size(&at->state, 1, WK_ATTENTION_HEAD_LIMIT / 16);
  const float *values = next_bits(&at->state) % 2 == 0
                            ? random_floats(&at->memory, &at->state, count, 3)
                            : awkward_floats(&at->memory, &at->state, count, false);
  const size_t groups = (count + WK_KV_GROUP - 1) / WK_KV_GROUP;
  int8_t *out = allocate(&at->memory, count);
  uint16_t *scales = allocate(&at->memory, groups * sizeof(uint16_t));
  at->kernels->to_levels(values, count, out, scales);
  put(&at->out, out, count);
  put(&at->out, scales, groups * sizeof(uint16_t));
}

static void norms(context *at) {
  const size_t count = next_size(&at->state, 1, 700);
  const float *values = random_floats(&at->memory, &at->state, count, 5);
  const float *weights = awkward_floats(&at->memory, &at->state, count, false);
  float *out = allocate(&at->memory, count * sizeof(float));
  at->kernels->rms_norm(values, weights, count, 1e-5f, out);
  put_floats(&at->out, out, count);
  at->kernels->rms_norm(weights, values, count, 1e-5f, out);
  put_floats(&at->out, out, count);
}

static void gates(context *at) {
  const size_t count = next_size(&at->state, 1, 300);
  const float *gate = awkward_floats(&at->memory, &at->state, count, false);
  const float *up = awkward_floats(&at->memory, &at->state, count, false);
  float *out = allocate(&at->memory, count * sizeof(float));
  at->kernels->swiglu(gate, up, count, out);
  put_floats(&at->out, out, count);
  at->kernels->geglu(gate, up, count, out);
  put_floats(&at->out, out, count);
  memcpy(out, gate, count * sizeof(float));
  at->kernels->soft_cap(out, count, 0.1f + fabsf(next_float(&at->state, 20)));
  put_floats(&at->out, out, count);
}

static void exponentials(context *at) {
  const size_t count = next_size(&at->state, 1, 300);
  float *values = random_floats(&at->memory, &at->state, count, 50);
  const float factor = fabsf(next_float(&at->state, 2));
  for (size_t i = 0; i < count; i++) {
    // Many near where the result becomes 0.
    values[i] = next_bits(&at->state) % 4 == 0 ? 30 - 87 / factor + next_float(&at->state, 0.1f)
                                               : values[i];
    values[i] = values[i] < 30 ? values[i] : 30;
  }
  values[next_size(&at->state, 0, count - 1)] = next_bits(&at->state) % 2 == 0 ? -INFINITY : NAN;
  float *out = allocate(&at->memory, count * sizeof(float));
  at->kernels->exponentials(values, count, 30, factor, out);
  put_floats(&at->out, out, count);
}

/// Any f32, those exactly between two halves and those next to them.
static void halves(context *at) {
  const size_t count = next_size(&at->state, 1, 2000);
  float *values = awkward_floats(&at->memory, &at->state, count, false);
  for (size_t i = 0; i < count; i++) {
    const uint64_t bits = next_bits(&at->state);
    if (bits % 3 == 0) {
      values[i] = wk_float_of((uint32_t)(bits >> 32));
    } else if (bits % 3 == 1) {
      const uint32_t middle = wk_bits_of(wk_from_f16((uint16_t)(bits >> 48))) | 0x1000u;
      values[i] = wk_float_of(middle - 1 + (uint32_t)(bits >> 32) % 3);
    }
  }
  uint16_t *out = allocate(&at->memory, count * sizeof(uint16_t));
  at->kernels->to_halves(values, count, out);
  put(&at->out, out, count * sizeof(uint16_t));
}

static void largest(context *at) {
  const size_t count = next_size(&at->state, 1, 200);
  float *values = allocate(&at->memory, count * sizeof(float));
  for (size_t i = 0; i < count; i++) {
    values[i] = (float)next_size(&at->state, 0, 10) - 12 + next_bits(&at->state) % 2 * 12;
  }
  for (int i = 0; i < 2; i++) {
    bool finite = i == 1;
    const size_t index = at->kernels->largest(values, count, &finite);
    put(&at->out, &finite, sizeof finite);
    put(&at->out, &index, finite ? sizeof index : 0);
    static const float others[] = {INFINITY, -INFINITY, NAN};
    values[next_size(&at->state, 0, count - 1)] = others[next_size(&at->state, 0, 2)];
  }
}

/// What no kernel set has its own of, but all machines have to agree on.
static void common_parts(context *at) {
  uint64_t *state = &at->state;
  const float *frequencies = random_floats(&at->memory, state, 64, 1);
  float cosines[64], sines[64];
  for (int i = 0; i < 16; i++) {
    wk_rotary_angles((uint32_t)next_size(state, 0, 1 << 20), frequencies, 64, cosines, sines);
    put_floats(&at->out, cosines, 64);
    put_floats(&at->out, sines, 64);
  }
  float *heads = random_floats(&at->memory, state, 256, 3);
  wk_rotate(heads, 2, 128, WK_PAIRS_OF_NEIGHBOURS, cosines, sines, 64);
  wk_rotate(heads, 2, 128, WK_PAIRS_OF_HALVES, cosines, sines, 64);
  put_floats(&at->out, heads, 256);
  const uint16_t *block = random_halves(&at->memory, state, 1024, 3);
  uint8_t groups[1024 / WK_BLOCK_GROUP * WK_BLOCK_GROUP_BYTES];
  uint16_t restored[1024];
  wk_block_to_groups(block, 1024, groups);
  put(&at->out, groups, sizeof groups);
  wk_block_from_groups(groups, 1024, restored);
  put(&at->out, restored, sizeof restored);
  for (size_t i = 0; i < FORMAT_COUNT; i++) {
    const wk_format format = FORMATS[i].format;
    const uint8_t *tensor = random_tensor(&at->memory, state, &FORMATS[i], 512, -1, false);
    float weights[512];
    wk_dequantize(format, tensor, 512, weights);
    put_floats(&at->out, weights, 512);
    const wk_matrix matrix = pack(at, format, tensor, false, 2, 256);
    wk_matrix_column(&matrix, 1, weights);
    put_floats(&at->out, weights, 256);
    put(&at->out, matrix.panels, matrix.panel_bytes);
  }
}

/// A case, and whether its result is the same on every architecture: what levels values have that
/// share a scale with infinities and NaNs is not, since the sign of a new NaN is not.
static const struct {
  const char *name;
  void (*run)(context *at);
  bool is_universal;
} CASES[] = {
    {"quantize", quantize_finite, true}, {"quantize, not finite", quantize_any, false},
    {"multiply", products, true},        {"attend", attention, true},
    {"attend_q8", attention_q8, true},   {"rms_norm", norms, true},
    {"gates, soft_cap", gates, true},    {"exponentials", exponentials, true},
    {"to_halves", halves, true},         {"to_levels", levels, true},
    {"largest", largest, true},          {"formats, rotation, KV groups", common_parts, true},
};

static record run_case(size_t index, const wk_kernel_set *kernels, uint64_t seed) {
  context at = {.kernels = kernels, .state = seed};
  CASES[index].run(&at);
  release(&at.memory);
  return at.out;
}

/// Whether all sets give what the portable one does; adds that to the checksum (FNV-1a).
static bool compare(size_t index, const wk_kernel_set *const *sets, uint64_t seed,
                    uint64_t *checksum) {
  const record expected = run_case(index, wk_kernel_set_portable(), seed);
  for (size_t i = 0; i < expected.count; i++) {
    *checksum = (*checksum ^ expected.bytes[i]) * 0x100000001b3u;
  }
  bool equal = true;
  for (; *sets != NULL; sets++) {
    const record found = run_case(index, *sets, seed);
    if (found.count != expected.count || memcmp(found.bytes, expected.bytes, found.count) != 0) {
      fprintf(stderr, "%s: %s differs from portable, case seed %llu\n", CASES[index].name,
              (*sets)->name, (unsigned long long)seed);
      equal = false;
    }
    free(found.bytes);
  }
  free(expected.bytes);
  return equal;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: compare_kernels ROUNDS SEED\n");
    return 2;
  }
  const uint64_t rounds = strtoull(argv[1], NULL, 10), seed = strtoull(argv[2], NULL, 10);
  const wk_kernel_set *const all[] = {wk_kernel_set_avx2(), wk_kernel_set_avx512(),
                                      wk_kernel_set_neon(), wk_kernel_set_neon_dot()};
  const wk_kernel_set *sets[sizeof all / sizeof all[0] + 1] = {NULL};
  size_t count = 0;
  fprintf(stderr, "%llu rounds, seed %llu: portable", (unsigned long long)rounds,
          (unsigned long long)seed);
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    if (all[i] != NULL) {
      sets[count++] = all[i];
      fprintf(stderr, " = %s", all[i]->name);
    }
  }
  fprintf(stderr, "; best is %s\n", wk_kernel_set_best()->name);
  bool equal = true;
  for (size_t index = 0; index < sizeof CASES / sizeof CASES[0]; index++) {
    uint64_t checksum = 0xcbf29ce484222325u, state = seed;
    for (uint64_t round = 0; round < rounds; round++) {
      equal &= compare(index, sets, next_bits(&state), &checksum);
    }
    if (CASES[index].is_universal) {
      printf("%016llx %s\n", (unsigned long long)checksum, CASES[index].name);
    }
  }
  return equal ? 0 : 1;
}
