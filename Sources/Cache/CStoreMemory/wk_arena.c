#define _GNU_SOURCE
#include "wk_store_memory.h"

#include <errno.h>
#include <sys/mman.h>

#define WK_HUGE_PAGE ((size_t)2 << 20)

void *wk_arena_map(size_t bytes) {
  if (bytes == 0 || bytes > SIZE_MAX - WK_HUGE_PAGE)
    return NULL;
  size_t mapped = bytes + WK_HUGE_PAGE;
  char *start = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED)
    return NULL;
  // Give back what lies before the first multiple of 2 MiB, and what is left behind the end.
  size_t skip = (WK_HUGE_PAGE - (uintptr_t)start % WK_HUGE_PAGE) % WK_HUGE_PAGE;
  char *base = start + skip;
  if (skip > 0)
    munmap(start, skip);
  if (skip < WK_HUGE_PAGE)
    munmap(base + bytes, WK_HUGE_PAGE - skip);
  return base;
}

bool wk_arena_request_huge_pages(void *base, size_t bytes) {
#ifdef MADV_HUGEPAGE
  return madvise(base, bytes, MADV_HUGEPAGE) == 0;
#else
  (void)base, (void)bytes;
  return false;
#endif
}

bool wk_arena_populate(void *base, size_t bytes) {
#ifdef MADV_POPULATE_WRITE
  if (madvise(base, bytes, MADV_POPULATE_WRITE) == 0)
    return true;
  if (errno != EINVAL)
    return false;
#endif
  // Kernels before 5.14.
  for (size_t offset = 0; offset < bytes; offset += 4096)
    ((volatile char *)base)[offset] = 0;
  return true;
}

void wk_arena_unmap(void *base, size_t bytes) { munmap(base, bytes); }
