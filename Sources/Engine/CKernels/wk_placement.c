#define _GNU_SOURCE
#include "wk_placement.h"

#include <sched.h>
#include <string.h>

#include "wk_placed_memory.h"

bool wk_confine_thread(int32_t thread, const uint32_t *cpus, size_t count) {
  // Larger than cpu_set_t, which has no room for more than 1024 CPUs.
  enum { CPU_LIMIT = 1 << 14 };
  unsigned long mask[CPU_LIMIT / (8 * sizeof(unsigned long))];
  memset(mask, 0, sizeof mask);
  for (size_t i = 0; i < count; i++) {
    if (cpus[i] >= CPU_LIMIT) {
      return false;
    }
    mask[cpus[i] / (8 * sizeof *mask)] |= 1ul << cpus[i] % (8 * sizeof *mask);
  }
  return sched_setaffinity(thread, sizeof mask, (const cpu_set_t *)mask) == 0;
}
