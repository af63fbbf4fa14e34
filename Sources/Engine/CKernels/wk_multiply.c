#include "wk_internal.h"
#include "wk_operations.h"

enum {
  /// Rows whose activations stay in the second-level cache while a task's panels pass by.
  ROWS_PER_BLOCK = 64,
  /// Tasks for each thread: enough for all to end together.
  TASKS_PER_THREAD = 16,
  /// Multiply-adds of a task: at least some 2 µs of work, at most some 100 µs.
  SMALLEST_TASK = 1 << 15,
  LARGEST_TASK = 1 << 23,
};

typedef struct multiply_part {
  const wk_product *product;
  size_t panels;
  size_t panels_per_task;
  size_t tasks_per_block;
  size_t tasks;
} multiply_part;

typedef struct multiply_work {
  const wk_kernel_set *kernels;
  size_t rows;
  size_t count;
  multiply_part parts[WK_MULTIPLY_LIMIT];
} multiply_work;

static void multiply_task(void *context, uint32_t task) {
  const multiply_work *work = context;
  const multiply_part *part = work->parts;
  size_t index = task;
  for (; index >= part->tasks; part++) {
    index -= part->tasks;
  }
  const size_t row = index / part->tasks_per_block * ROWS_PER_BLOCK;
  const size_t panel = index % part->tasks_per_block * part->panels_per_task;
  work->kernels->multiply(part->product, panel,
                          wk_smaller(panel + part->panels_per_task, part->panels), row,
                          wk_smaller(row + ROWS_PER_BLOCK, work->rows));
}

static multiply_part plan_part(const wk_product *product, size_t rows, size_t task_size) {
  const size_t panel_size =
      WK_PANEL_COLUMNS * product->matrix->depth * wk_smaller(rows, ROWS_PER_BLOCK);
  multiply_part part = {.product = product, .panels = wk_matrix_panel_count(product->matrix)};
  part.panels_per_task = wk_larger(1, task_size / panel_size);
  part.tasks_per_block = wk_divided_up(part.panels, part.panels_per_task);
  part.tasks = part.tasks_per_block * wk_divided_up(rows, ROWS_PER_BLOCK);
  return part;
}

void wk_multiply(const wk_engine *engine, const wk_product *products, size_t count, size_t rows) {
  size_t total = 0;
  for (size_t i = 0; i < count; i++) {
    total += products[i].matrix->columns * products[i].matrix->depth * rows;
  }
  const size_t share = total / (TASKS_PER_THREAD * (size_t)wk_pool_threads(engine->pool));
  const size_t task_size = wk_smaller(wk_larger(share, SMALLEST_TASK), LARGEST_TASK);
  multiply_work work = {.kernels = engine->kernels, .rows = rows, .count = count};
  size_t tasks = 0;
  for (size_t i = 0; i < count; i++) {
    work.parts[i] = plan_part(&products[i], rows, task_size);
    tasks += work.parts[i].tasks;
  }
  wk_pool_run(engine->pool, (uint32_t)tasks, multiply_task, &work);
}
