#include <stdint.h>
#include <stdlib.h>
#include <zstd.h>

#include "wk_compression.h"

// low: (count + 1) / 2 bytes, then high: count / 2 bytes
static void split(const uint8_t *restrict bytes, size_t count, uint8_t *restrict planes) {
  uint8_t *restrict low = planes;
  uint8_t *restrict high = planes + (count + 1) / 2;
  for (size_t i = 0; i < count / 2; i++) {
    low[i] = bytes[2 * i];
    high[i] = bytes[2 * i + 1];
  }
  if (count % 2)
    low[count / 2] = bytes[count - 1];
}

static void join(const uint8_t *restrict planes, size_t count, uint8_t *restrict bytes) {
  const uint8_t *restrict low = planes;
  const uint8_t *restrict high = planes + (count + 1) / 2;
  for (size_t i = 0; i < count / 2; i++) {
    bytes[2 * i] = low[i];
    bytes[2 * i + 1] = high[i];
  }
  if (count % 2)
    bytes[count - 1] = low[count / 2];
}

size_t wk_compress(const void *bytes, size_t count, void *compressed, size_t capacity, int level,
                   bool planes) {
  void *scratch = NULL;
  if (planes) {
    scratch = malloc(count);
    if (scratch == NULL)
      return 0;
    split(bytes, count, scratch);
    bytes = scratch;
  }
  size_t result = ZSTD_compress(compressed, capacity, bytes, count, level);
  free(scratch);
  return ZSTD_isError(result) ? 0 : result;
}

bool wk_decompress(const void *compressed, size_t compressed_count, void *bytes, size_t count,
                   bool planes) {
  if (!planes)
    return ZSTD_decompress(bytes, count, compressed, compressed_count) == count;
  void *scratch = malloc(count);
  if (scratch == NULL)
    return false;
  bool whole = ZSTD_decompress(scratch, count, compressed, compressed_count) == count;
  if (whole)
    join(scratch, count, bytes);
  free(scratch);
  return whole;
}
