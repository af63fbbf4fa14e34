/// KV blocks outside KV memory in half the bytes: groups of values of 8 bits with a scale.
#ifndef WK_BLOCK_GROUPS_H
#define WK_BLOCK_GROUPS_H

#include <stddef.h>
#include <stdint.h>

enum {
  /// Values of one group.
  WK_BLOCK_GROUP = 32,
  /// Bytes of one group: its scale in f16, then a level of 8 bits for each value.
  WK_BLOCK_GROUP_BYTES = 34
};

/// Quantises `count` (a multiple of 32) finite f16 values. The scale is the largest magnitude /
/// 127, rounded up; the level is the nearest to value / scale.
void wk_block_to_groups(const uint16_t *halves, size_t count, uint8_t *bytes);

/// The f16 nearest to level * scale of each value; finite, whatever the bytes are.
void wk_block_from_groups(const uint8_t *bytes, size_t count, uint16_t *halves);

/// The same in portable C; both give equal bytes.
void wk_block_to_groups_portable(const uint16_t *halves, size_t count, uint8_t *bytes);
void wk_block_from_groups_portable(const uint8_t *bytes, size_t count, uint16_t *halves);

#endif
