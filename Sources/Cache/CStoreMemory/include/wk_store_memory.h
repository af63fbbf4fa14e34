/// What the store's DRAM tier needs from C: one mapping.
#ifndef WK_STORE_MEMORY_H
#define WK_STORE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Maps `bytes` of private zeroed memory that begins at a multiple of 2 MiB. Null when the system
/// has none; `errno` says why. Freed by wk_arena_unmap.
void *wk_arena_map(size_t bytes);

/// Asks for 2 MiB pages; false when the system does not give them.
bool wk_arena_request_huge_pages(void *base, size_t bytes);

/// Makes all pages resident; false when there is no memory for them, and `errno` says why.
bool wk_arena_populate(void *base, size_t bytes);

/// Unmaps what wk_arena_map gave for the same `bytes`.
void wk_arena_unmap(void *base, size_t bytes);

#endif
