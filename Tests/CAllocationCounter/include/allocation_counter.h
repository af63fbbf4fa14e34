/// Counts what a process takes from the heap and the system, on all of its threads.
///
/// An executable that links this has malloc and its like replaced, and mmap, by ones that count and
/// then do what they always do.
#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

#include <stdint.h>

/// Calls so far: of malloc, calloc, realloc, aligned_alloc, posix_memalign, memalign and mmap.
uint64_t allocation_count(void);

#endif
