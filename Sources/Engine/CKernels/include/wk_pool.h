/// A fixed set of threads that work through one list of tasks at a time.
#ifndef WK_POOL_H
#define WK_POOL_H

#include <stdint.h>

typedef struct wk_pool wk_pool;

/// Does task `index`; may run on any of the pool's threads, at the same time as other tasks.
typedef void wk_task(void *context, uint32_t index);

/// Makes a pool of `threads` >= 1 threads, the caller of wk_pool_run being one of them. Null when
/// the system gives no threads or no memory.
///
/// `cpus`, if not null, has a CPU for each thread, which stays there. The caller's thread is left
/// alone, as what it starts later would stay there too; the others leave it the first CPU.
wk_pool *wk_pool_create(uint32_t threads, const uint32_t *cpus);

/// Ends the threads. No run may be in progress.
void wk_pool_destroy(wk_pool *pool);

uint32_t wk_pool_threads(const wk_pool *pool);

/// Does tasks 0 ..< `count` and returns when all are done. One run at a time.
void wk_pool_run(wk_pool *pool, uint32_t count, wk_task *task, void *context);

#endif
