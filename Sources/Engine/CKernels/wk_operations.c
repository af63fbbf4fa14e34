#include "wk_operations.h"

#include "wk_for_each_row.h"
#include "wk_internal.h"
#include "wk_rotary.h"

typedef struct populate_work {
  volatile uint8_t *zeroes;
  size_t bytes;
} populate_work;

/// Large enough to be a huge page.
enum { BYTES_PER_POPULATE_TASK = 1 << 22, SMALLEST_PAGE = 4096 };

static void populate_task(void *context, uint32_t index) {
  const populate_work *work = context;
  const size_t begin = (size_t)index * BYTES_PER_POPULATE_TASK;
  const size_t end = wk_smaller(begin + BYTES_PER_POPULATE_TASK, work->bytes);
  for (size_t offset = begin; offset < end; offset += SMALLEST_PAGE) {
    work->zeroes[offset] = 0;
  }
}

void wk_populate(const wk_engine *engine, void *zeroes, size_t bytes) {
  populate_work work = {zeroes, bytes};
  wk_pool_run(engine->pool, (uint32_t)wk_divided_up(bytes, BYTES_PER_POPULATE_TASK), populate_task,
              &work);
}

typedef struct pack_work {
  const wk_matrix *matrix;
  wk_format format;
  const uint8_t *source;
  _Atomic bool exact;
} pack_work;

enum { PANELS_PER_PACK_TASK = 16 };

static void pack_task(void *context, uint32_t index) {
  pack_work *work = context;
  const size_t begin = (size_t)index * PANELS_PER_PACK_TASK;
  const size_t end = wk_smaller(begin + PANELS_PER_PACK_TASK, wk_matrix_panel_count(work->matrix));
  if (!wk_matrix_pack(work->matrix, work->format, work->source, begin, end)) {
    work->exact = false;
  }
}

bool wk_pack(const wk_engine *engine, const wk_matrix *matrix, wk_format format,
             const uint8_t *source) {
  pack_work work = {matrix, format, source, true};
  const size_t tasks = wk_divided_up(wk_matrix_panel_count(matrix), PANELS_PER_PACK_TASK);
  wk_pool_run(engine->pool, (uint32_t)tasks, pack_task, &work);
  return work.exact;
}

typedef struct embed_work {
  const wk_matrix *matrix;
  const uint32_t *ids;
  float scale;
  float *out;
} embed_work;

static void embed_row(const void *arguments, size_t row) {
  const embed_work *work = arguments;
  const size_t width = work->matrix->depth;
  float *out = work->out + row * width;
  wk_matrix_column(work->matrix, work->ids[row], out);
  for (size_t i = 0; i < width && work->scale != 1; i++) {
    out[i] *= work->scale;
  }
}

void wk_embed(const wk_engine *engine, const wk_matrix *matrix, const uint32_t *ids, size_t rows,
              float scale, float *out) {
  const embed_work work = {matrix, ids, scale, out};
  wk_for_each_row(engine, rows, &work, embed_row);
}

typedef struct angle_work {
  const uint32_t *positions;
  const float *frequencies;
  size_t count;
  float magnitude;
  float *cosines;
  float *sines;
} angle_work;

static void angle_row(const void *arguments, size_t row) {
  const angle_work *work = arguments;
  float *cosines = work->cosines + row * work->count, *sines = work->sines + row * work->count;
  wk_rotary_angles(work->positions[row], work->frequencies, work->count, cosines, sines);
  for (size_t i = 0; i < work->count && work->magnitude != 1; i++) {
    cosines[i] *= work->magnitude;
    sines[i] *= work->magnitude;
  }
}

void wk_angles(const wk_engine *engine, const uint32_t *positions, size_t rows,
               const float *frequencies, size_t count, float magnitude, float *cosines,
               float *sines) {
  const angle_work work = {positions, frequencies, count, magnitude, cosines, sines};
  wk_for_each_row(engine, rows, &work, angle_row);
}

/// Arguments of the operations that end in activations of `width`.
typedef struct activation_work {
  const wk_kernel_set *kernels;
  const float *first;
  const float *second;
  void (*gate)(const float *gate, const float *up, size_t count, float *out);
  size_t width;
  float epsilon;
  const wk_activation_buffer *out;
} activation_work;

static void quantize_row(const void *arguments, size_t row) {
  const activation_work *work = arguments;
  const wk_activation_buffer *out = work->out;
  if (out->quantize) {
    const size_t block = row / WK_BLOCK_ROWS;
    work->kernels->quantize(out->values + row * work->width, work->width, row % WK_BLOCK_ROWS,
                            out->levels + block * (work->width / WK_GROUP_INPUTS),
                            out->outliers + block * wk_divided_up(work->width, WK_OUTLIER_INPUTS));
  }
}

static void normalize_row(const void *arguments, size_t row) {
  const activation_work *work = arguments;
  const size_t offset = row * work->width;
  work->kernels->rms_norm(work->first + offset, work->second, work->width, work->epsilon,
                          work->out->values + offset);
  quantize_row(arguments, row);
}

static void gate_row(const void *arguments, size_t row) {
  const activation_work *work = arguments;
  const size_t offset = row * work->width;
  work->gate(work->first + offset, work->second + offset, work->width, work->out->values + offset);
  quantize_row(arguments, row);
}

void wk_normalize(const wk_engine *engine, const float *values, size_t rows, size_t width,
                  const float *weights, float epsilon, const wk_activation_buffer *out) {
  const activation_work work = {engine->kernels, values, weights, NULL, width, epsilon, out};
  wk_for_each_row(engine, rows, &work, normalize_row);
}

void wk_gate(const wk_engine *engine, wk_activation activation, const float *gate, const float *up,
             size_t rows, size_t width, const wk_activation_buffer *out) {
  const wk_kernel_set *kernels = engine->kernels;
  const activation_work work = {
      kernels, gate, up, activation == WK_SILU ? kernels->swiglu : kernels->geglu, width, 0, out};
  wk_for_each_row(engine, rows, &work, gate_row);
}

typedef struct cap_work {
  const wk_kernel_set *kernels;
  float *values;
  size_t count;
  float cap;
} cap_work;

enum { VALUES_PER_CAP_TASK = 1 << 13 };

static void cap_task(void *context, uint32_t index) {
  const cap_work *work = context;
  const size_t begin = (size_t)index * VALUES_PER_CAP_TASK;
  const size_t count = wk_smaller(VALUES_PER_CAP_TASK, work->count - begin);
  work->kernels->soft_cap(work->values + begin, count, work->cap);
}

void wk_soft_cap(const wk_engine *engine, float *values, size_t count, float cap) {
  cap_work work = {engine->kernels, values, count, cap};
  wk_pool_run(engine->pool, (uint32_t)wk_divided_up(count, VALUES_PER_CAP_TASK), cap_task, &work);
}

void wk_quantize(const wk_engine *engine, size_t rows, size_t width,
                 const wk_activation_buffer *buffer) {
  if (buffer->quantize) {
    const activation_work work = {engine->kernels, NULL, NULL, NULL, width, 0, buffer};
    wk_for_each_row(engine, rows, &work, quantize_row);
  }
}
