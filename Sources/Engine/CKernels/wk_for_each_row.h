/// Sharing out rows over a pool.
#ifndef WK_FOR_EACH_ROW_H
#define WK_FOR_EACH_ROW_H

#include "wk_operations.h"

/// Calls `body` for rows 0 ..< `rows`, a few to a task: enough tasks to balance, none so small that
/// sharing costs more than it brings.
void wk_for_each_row(const wk_engine *engine, size_t rows, const void *arguments,
                     void (*body)(const void *arguments, size_t row));

#endif
