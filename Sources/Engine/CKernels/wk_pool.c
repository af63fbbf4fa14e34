#define _GNU_SOURCE
#include "wk_pool.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "wk_placement.h"

// A run's tasks are dealt to the threads in ranges, one each, so that a thread goes through memory
// in order; who has none left takes from the ends of others' ranges. A range is the whole truth
// about the tasks in it: the first left (the low 21 bits), the end (the next 21), and a run number.
// Whoever moves either by compare-and-swap owns that task, and the run cannot end before the owner
// has finished it; so `task`, `context`, `first` and `count` may be read after the swap, however
// late a thread wakes up.
enum { END_SHIFT = 21, RUN_SHIFT = 42, TASKS_PER_RUN = 1 << 20 };
static const uint64_t FIELD_MASK = (1u << 21) - 1;
static const uint64_t ONE_AT_END = (uint64_t)1 << END_SHIFT;

/// Turns of a waiting loop before a thread parks: some 20 microseconds. Longer than the serial
/// stretches within a step, far shorter than a time slice.
enum { SPIN_TURNS = 1000 };

/// The tasks dealt to one thread, in a cache line of its own.
typedef struct wk_range {
  _Alignas(64) _Atomic uint64_t tasks;
} wk_range;

struct wk_pool {
  _Alignas(64) _Atomic uint32_t finished;
  _Alignas(64) _Atomic uint32_t starts; // futex of the workers: changes with each run
  _Atomic uint32_t sleepers;            // workers that are, or are about to be, parked
  _Alignas(64) _Atomic uint32_t ends;   // futex of the caller: changes when a run is finished
  _Atomic bool caller_sleeps;
  _Atomic bool stopping;
  wk_task *task;
  void *context;
  uint32_t first; // index of the run's first task
  uint32_t count; // of the run's tasks
  uint64_t runs;
  uint32_t threads;
  uint32_t started;
  wk_range *ranges; // one for each thread, the caller's first
  struct wk_worker *workers;
};

/// One of the pool's own threads.
typedef struct wk_worker {
  wk_pool *pool;
  pthread_t thread;
  uint32_t index; // of its range
  uint32_t cpu;
  bool pinned;
} wk_worker;

static void futex_wait(_Atomic uint32_t *word, uint32_t value) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int waiters) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, waiters, NULL, NULL, 0);
}

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  // Waits about as long as x86's pause; yield waits no time at all on most CPUs.
  __asm__ volatile("isb" ::: "memory");
#else
  atomic_signal_fence(memory_order_seq_cst);
#endif
}

/// Whether there are tasks left in a range.
static bool has_tasks(uint64_t tasks) {
  return (tasks & FIELD_MASK) < (tasks >> END_SHIFT & FIELD_MASK);
}

/// Takes a task of a range: its owner the first one, others the last. Returns whether there was
/// one.
static bool take(wk_range *range, bool owns, uint32_t *task) {
  uint64_t tasks = atomic_load_explicit(&range->tasks, memory_order_acquire);
  while (has_tasks(tasks)) {
    const uint64_t left = owns ? tasks + 1 : tasks - ONE_AT_END;
    if (atomic_compare_exchange_weak_explicit(&range->tasks, &tasks, left, memory_order_acq_rel,
                                              memory_order_acquire)) {
      *task = (uint32_t)(owns ? tasks & FIELD_MASK : left >> END_SHIFT & FIELD_MASK);
      return true;
    }
  }
  return false;
}

/// Takes a task of thread `index`, or if it has none left of the next thread that has.
static bool take_any(wk_pool *pool, uint32_t index, uint32_t *task) {
  for (uint32_t step = 0; step < pool->threads; step++) {
    if (take(&pool->ranges[(index + step) % pool->threads], step == 0, task)) {
      return true;
    }
  }
  return false;
}

/// Takes and does tasks until none is left to take. Returns whether it did any.
static bool work(wk_pool *pool, uint32_t index) {
  bool worked = false;
  for (uint32_t task; take_any(pool, index, &task);) {
    worked = true;
    pool->task(pool->context, pool->first + task);
    const uint32_t count = pool->count;
    if (atomic_fetch_add(&pool->finished, 1) + 1 == count) {
      atomic_fetch_add(&pool->ends, 1);
      if (atomic_load(&pool->caller_sleeps)) {
        futex_wake(&pool->ends, 1);
      }
    }
  }
  return worked;
}

static bool any_has_tasks(wk_pool *pool) {
  for (uint32_t index = 0; index < pool->threads; index++) {
    if (has_tasks(atomic_load(&pool->ranges[index].tasks))) {
      return true;
    }
  }
  return false;
}

static void park(wk_pool *pool) {
  const uint32_t starts = atomic_load(&pool->starts);
  atomic_fetch_add(&pool->sleepers, 1);
  if (!any_has_tasks(pool) && !atomic_load(&pool->stopping)) {
    futex_wait(&pool->starts, starts);
  }
  atomic_fetch_sub(&pool->sleepers, 1);
}

static void *worker_main(void *argument) {
  const wk_worker *worker = argument;
  wk_pool *pool = worker->pool;
  if (worker->pinned) {
    wk_confine_thread(0, &worker->cpu, 1);
  }
  while (!atomic_load(&pool->stopping)) {
    bool worked = work(pool, worker->index);
    for (int turn = 0; turn < SPIN_TURNS && !worked; turn++) {
      relax();
      worked = work(pool, worker->index);
    }
    if (!worked) {
      park(pool);
    }
  }
  return NULL;
}

/// Starts a worker with all signals blocked: they belong to the process's other threads.
static bool start_worker(wk_pool *pool, const uint32_t *cpus) {
  wk_worker *worker = &pool->workers[pool->started];
  *worker = (wk_worker){.pool = pool, .index = pool->started + 1, .pinned = cpus != NULL};
  if (cpus != NULL) {
    worker->cpu = cpus[pool->started + 1];
  }
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int result = pthread_create(&worker->thread, NULL, worker_main, worker);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (result == 0) {
    pthread_setname_np(worker->thread, "weft-kernels");
    pool->started++;
  }
  return result == 0;
}

wk_pool *wk_pool_create(uint32_t threads, const uint32_t *cpus) {
  wk_pool *pool = aligned_alloc(64, sizeof(wk_pool));
  if (pool == NULL) {
    return NULL;
  }
  *pool = (wk_pool){.threads = threads};
  pool->workers = calloc(threads, sizeof(wk_worker));
  pool->ranges = aligned_alloc(64, threads * sizeof(wk_range));
  if (pool->workers == NULL || pool->ranges == NULL) {
    wk_pool_destroy(pool);
    return NULL;
  }
  memset(pool->ranges, 0, threads * sizeof(wk_range));
  while (pool->started + 1 < threads) {
    if (!start_worker(pool, cpus)) {
      wk_pool_destroy(pool);
      return NULL;
    }
  }
  return pool;
}

void wk_pool_destroy(wk_pool *pool) {
  atomic_store(&pool->stopping, true);
  atomic_fetch_add(&pool->starts, 1);
  futex_wake(&pool->starts, (int)pool->threads);
  for (uint32_t index = 0; index < pool->started; index++) {
    pthread_join(pool->workers[index].thread, NULL);
  }
  free(pool->workers);
  free(pool->ranges);
  free(pool);
}

uint32_t wk_pool_threads(const wk_pool *pool) { return pool->threads; }

/// Waits until `finished` says that all of `count` tasks are done.
static void await_finish(wk_pool *pool, uint32_t count) {
  for (int turn = 0; turn < SPIN_TURNS; turn++) {
    if (atomic_load_explicit(&pool->finished, memory_order_acquire) == count) {
      return;
    }
    relax();
  }
  atomic_store(&pool->caller_sleeps, true);
  for (;;) {
    const uint32_t ends = atomic_load(&pool->ends);
    if (atomic_load(&pool->finished) == count) {
      break;
    }
    futex_wait(&pool->ends, ends);
  }
  atomic_store(&pool->caller_sleeps, false);
}

/// Does `count` tasks from `first`; at most TASKS_PER_RUN.
static void run(wk_pool *pool, uint32_t first, uint32_t count) {
  pool->first = first;
  pool->count = count;
  pool->runs++;
  atomic_store(&pool->finished, 0);
  for (uint32_t index = pool->threads; index-- > 0;) {
    const uint64_t begin = (uint64_t)count * index / pool->threads;
    const uint64_t end = (uint64_t)count * (index + 1) / pool->threads;
    atomic_store(&pool->ranges[index].tasks, pool->runs << RUN_SHIFT | end << END_SHIFT | begin);
  }
  atomic_fetch_add(&pool->starts, 1);
  if (atomic_load(&pool->sleepers) > 0) {
    futex_wake(&pool->starts, (int)pool->threads);
  }
  work(pool, 0);
  await_finish(pool, count);
}

void wk_pool_run(wk_pool *pool, uint32_t count, wk_task *task, void *context) {
  if (count <= 1 || pool->threads == 1) {
    for (uint32_t index = 0; index < count; index++) {
      task(context, index);
    }
    return;
  }
  pool->task = task;
  pool->context = context;
  for (uint32_t first = 0; first < count;) {
    const uint32_t share = count - first < TASKS_PER_RUN ? count - first : TASKS_PER_RUN;
    run(pool, first, share);
    first += share;
  }
}
