#include "wk_for_each_row.h"

#include "wk_internal.h"

typedef struct row_work {
  void (*body)(const void *arguments, size_t row);
  const void *arguments;
  size_t rows;
  size_t rows_per_task;
} row_work;

static void row_task(void *context, uint32_t index) {
  const row_work *work = context;
  const size_t begin = index * work->rows_per_task;
  const size_t end = wk_smaller(begin + work->rows_per_task, work->rows);
  for (size_t row = begin; row < end; row++) {
    work->body(work->arguments, row);
  }
}

void wk_for_each_row(const wk_engine *engine, size_t rows, const void *arguments,
                     void (*body)(const void *arguments, size_t row)) {
  const size_t shares = 4 * (size_t)wk_pool_threads(engine->pool);
  // Whole blocks of rows, so that threads do not write to the same cache lines.
  const size_t blocks = wk_divided_up(wk_divided_up(rows, WK_BLOCK_ROWS), shares);
  row_work work = {body, arguments, rows, wk_larger(1, blocks) * WK_BLOCK_ROWS};
  wk_pool_run(engine->pool, (uint32_t)wk_divided_up(rows, work.rows_per_task), row_task, &work);
}
