/// CRC32C (Castagnoli, reflected polynomial 0x82f63b78, as in RFC 3720 B.4).
#ifndef WK_CRC32C_H
#define WK_CRC32C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The checksum of `count` bytes. `crc` is 0, or the result for the bytes that stand before these.
uint32_t wk_crc32c(uint32_t crc, const void *bytes, size_t count);

/// The same, a byte at a time from a table: the reference, and what other processors get.
uint32_t wk_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

/// Whether wk_crc32c uses the processor's instruction.
bool wk_crc32c_is_accelerated(void);

#endif
