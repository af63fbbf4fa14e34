/// What the store's DRAM tier needs from C: one mapping, and CRC32C by the CPU's instruction.
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

/// Unmaps what wk_arena_map gave for the same `bytes`.
void wk_arena_unmap(void *base, size_t bytes);

/// The CRC32C (Castagnoli, reflected, as in RFC 3720) of what `crc` stands for followed by
/// bytes[count]; `crc` is 0 for nothing.
uint32_t wk_crc32c(uint32_t crc, const void *bytes, size_t count);

/// The same without the CPU's instruction; for tests.
uint32_t wk_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

#endif
