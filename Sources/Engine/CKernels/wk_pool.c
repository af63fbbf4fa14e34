#define _GNU_SOURCE
#include "wk_pool.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "wk_placement.h"

// The ticket is the whole truth about the current run: tasks taken (the low 21 bits), task count
// (the next 21), and a run number. Whoever raises `taken` by compare-and-swap owns that task, and
// the run cannot end before the owner has finished it; so `task`, `context` and `first` may be read
// after the swap, however late a thread wakes up.
enum { COUNT_SHIFT = 21, RUN_SHIFT = 42, TASKS_PER_RUN = 1 << 20 };
static const uint64_t FIELD_MASK = (1u << 21) - 1;

/// Turns of a waiting loop before a thread parks: some 20 microseconds. Longer than the serial
/// stretches within a step, far shorter than a time slice.
enum { SPIN_TURNS = 1000 };

struct wk_pool {
  _Alignas(64) _Atomic uint64_t ticket;
  _Alignas(64) _Atomic uint32_t finished;
  _Alignas(64) _Atomic uint32_t starts; // futex of the workers: changes with each run
  _Atomic uint32_t sleepers;            // workers that are, or are about to be, parked
  _Alignas(64) _Atomic uint32_t ends;   // futex of the caller: changes when a run is finished
  _Atomic bool caller_sleeps;
  _Atomic bool stopping;
  wk_task *task;
  void *context;
  uint32_t first; // index of the run's first task
  uint32_t threads;
  uint32_t started;
  struct wk_worker *workers;
};

/// One of the pool's own threads.
typedef struct wk_worker {
  wk_pool *pool;
  pthread_t thread;
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

/// Takes and does tasks until none is left to take. Returns whether it did any.
static bool work(wk_pool *pool) {
  bool worked = false;
  uint64_t ticket = atomic_load_explicit(&pool->ticket, memory_order_acquire);
  for (;;) {
    const uint32_t taken = (uint32_t)(ticket & FIELD_MASK);
    const uint32_t count = (uint32_t)(ticket >> COUNT_SHIFT & FIELD_MASK);
    if (taken >= count) {
      return worked;
    }
    if (!atomic_compare_exchange_weak_explicit(&pool->ticket, &ticket, ticket + 1,
                                               memory_order_acq_rel, memory_order_acquire)) {
      continue;
    }
    worked = true;
    pool->task(pool->context, pool->first + taken);
    if (atomic_fetch_add(&pool->finished, 1) + 1 == count) {
      atomic_fetch_add(&pool->ends, 1);
      if (atomic_load(&pool->caller_sleeps)) {
        futex_wake(&pool->ends, 1);
      }
    }
    ticket = atomic_load_explicit(&pool->ticket, memory_order_acquire);
  }
}

static bool has_tasks(wk_pool *pool) {
  const uint64_t ticket = atomic_load(&pool->ticket);
  return (ticket & FIELD_MASK) < (ticket >> COUNT_SHIFT & FIELD_MASK);
}

static void park(wk_pool *pool) {
  const uint32_t starts = atomic_load(&pool->starts);
  atomic_fetch_add(&pool->sleepers, 1);
  if (!has_tasks(pool) && !atomic_load(&pool->stopping)) {
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
    bool worked = work(pool);
    for (int turn = 0; turn < SPIN_TURNS && !worked; turn++) {
      relax();
      worked = work(pool);
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
  *worker = (wk_worker){.pool = pool, .pinned = cpus != NULL};
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
  if (pool->workers == NULL) {
    free(pool);
    return NULL;
  }
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
  atomic_store(&pool->finished, 0);
  const uint64_t run = (atomic_load(&pool->ticket) >> RUN_SHIFT) + 1;
  atomic_store(&pool->ticket, run << RUN_SHIFT | (uint64_t)count << COUNT_SHIFT);
  atomic_fetch_add(&pool->starts, 1);
  if (atomic_load(&pool->sleepers) > 0) {
    futex_wake(&pool->starts, (int)pool->threads);
  }
  work(pool);
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
