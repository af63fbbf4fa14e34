#define _GNU_SOURCE
#include "wk_memory.h"

#include <stdint.h>
#include <sys/mman.h>

void *wk_memory_allocate(size_t bytes) {
  void *memory =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return NULL;
  }
  madvise(memory, bytes, MADV_HUGEPAGE);
  return memory;
}

void wk_memory_free(void *memory, size_t bytes) { munmap(memory, bytes); }

void wk_memory_populate(void *memory, size_t bytes) {
  volatile uint8_t *bytes_of = memory;
  for (size_t offset = 0; offset < bytes; offset += 4096) {
    bytes_of[offset] = bytes_of[offset];
  }
}
