// zstd for payloads, as they are or split into planes.
#ifndef WEFT_WK_COMPRESSION_H
#define WEFT_WK_COMPRESSION_H

#include <stdbool.h>
#include <stddef.h>

// Compresses `count` bytes, at least 1, into at most `capacity`. With `planes` the bytes at even
// places come first, then those at odd ones: in 16-bit floats all low bytes, then all high ones,
// which resemble each other. Returns the bytes written; 0 if they do not fit, or there is no
// memory.
size_t wk_compress(const void *bytes, size_t count, void *compressed, size_t capacity, int level,
                   bool planes);

// Undoes that. Returns whether the result has exactly `count` bytes; never writes more.
bool wk_decompress(const void *compressed, size_t compressed_count, void *bytes, size_t count,
                   bool planes);

#endif // WEFT_WK_COMPRESSION_H
