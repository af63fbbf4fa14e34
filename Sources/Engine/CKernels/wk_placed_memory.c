#define _GNU_SOURCE
#include "wk_placed_memory.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "wk_placement.h"

// From linux/mempolicy.h, which Debian has in another package.
enum { MODE_PREFERRED = 1, MODE_INTERLEAVED = 3 };

static struct {
  wk_memory_mode mode;
  unsigned long nodes[WK_NODE_LIMIT / (8 * sizeof(unsigned long))];
} placement;

void wk_memory_place(wk_memory_mode mode, const uint32_t *nodes, size_t count) {
  memset(&placement, 0, sizeof placement);
  placement.mode = mode;
  const size_t bits = 8 * sizeof *placement.nodes;
  for (size_t i = 0; i < count; i++) {
    if (nodes[i] < WK_NODE_LIMIT) {
      placement.nodes[nodes[i] / bits] |= 1ul << nodes[i] % bits;
    }
  }
}

void wk_place_memory(void *memory, size_t bytes) {
  if (placement.mode != WK_MEMORY_ANYWHERE) {
    const int mode = placement.mode == WK_MEMORY_NEAR ? MODE_PREFERRED : MODE_INTERLEAVED;
    syscall(SYS_mbind, memory, bytes, mode, placement.nodes, (unsigned long)WK_NODE_LIMIT, 0u);
  }
}
