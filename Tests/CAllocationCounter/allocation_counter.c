#define _GNU_SOURCE
#include "allocation_counter.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static _Atomic uint64_t count;

uint64_t allocation_count(void) { return atomic_load(&count); }

// The sanitizers have allocators of their own.
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t elements, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

void *malloc(size_t bytes) {
  atomic_fetch_add(&count, 1);
  return __libc_malloc(bytes);
}

void *calloc(size_t elements, size_t bytes) {
  atomic_fetch_add(&count, 1);
  return __libc_calloc(elements, bytes);
}

void *realloc(void *memory, size_t bytes) {
  atomic_fetch_add(&count, 1);
  return __libc_realloc(memory, bytes);
}

void *memalign(size_t alignment, size_t bytes) {
  atomic_fetch_add(&count, 1);
  return __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }

int posix_memalign(void **memory, size_t alignment, size_t bytes) {
  void *taken = memalign(alignment, bytes);
  if (taken == NULL) {
    return ENOMEM;
  }
  *memory = taken;
  return 0;
}

void *mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset) {
  atomic_fetch_add(&count, 1);
  return (void *)syscall(SYS_mmap, address, bytes, protection, flags, file, offset);
}

#endif
