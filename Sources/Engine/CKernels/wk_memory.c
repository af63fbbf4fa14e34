#define _GNU_SOURCE
#include "wk_memory.h"

#include <sys/mman.h>

#include "wk_placed_memory.h"

void *wk_memory_allocate(size_t bytes) {
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return NULL;
  }
  madvise(memory, bytes, MADV_HUGEPAGE);
  wk_place_memory(memory, bytes);
  return memory;
}

void wk_memory_free(void *memory, size_t bytes) { munmap(memory, bytes); }
