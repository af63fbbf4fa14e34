#include "wk_for_each_row.h"
#include "wk_operations.h"

typedef struct heads_work {
  const wk_kernel_set *kernels;
  const wk_heads *kinds;
  size_t count;
  size_t head_dimension;
  float epsilon;
} heads_work;

static void prepare_row(const void *arguments, size_t row) {
  const heads_work *work = arguments;
  for (size_t kind = 0; kind < work->count; kind++) {
    const wk_heads *heads = &work->kinds[kind];
    const size_t width = heads->heads * work->head_dimension;
    float *values = heads->values + row * width;
    for (size_t i = 0; heads->bias != NULL && i < width; i++) {
      values[i] += heads->bias[i];
    }
    for (size_t head = 0; heads->norm != NULL && head < heads->heads; head++) {
      float *head_values = values + head * work->head_dimension;
      work->kernels->rms_norm(head_values, heads->norm, work->head_dimension, work->epsilon,
                              head_values);
    }
  }
}

void wk_prepare_heads(const wk_engine *engine, const wk_heads *kinds, size_t count, size_t rows,
                      size_t head_dimension, float epsilon) {
  const heads_work work = {engine->kernels, kinds, count, head_dimension, epsilon};
  wk_for_each_row(engine, rows, &work, prepare_row);
}

typedef struct add_work {
  const wk_kernel_set *kernels;
  float *values;
  size_t width;
  const float *weights;
  float epsilon;
  float *sum;
} add_work;

static void add_row(const void *arguments, size_t row) {
  const add_work *work = arguments;
  float *values = work->values + row * work->width, *sum = work->sum + row * work->width;
  work->kernels->rms_norm(values, work->weights, work->width, work->epsilon, values);
  for (size_t i = 0; i < work->width; i++) {
    sum[i] += values[i];
  }
}

void wk_add_normalized(const wk_engine *engine, float *values, size_t rows, size_t width,
                       const float *weights, float epsilon, float *sum) {
  const add_work work = {engine->kernels, values, width, weights, epsilon, sum};
  wk_for_each_row(engine, rows, &work, add_row);
}
