/// Where threads run and memory lies.
#ifndef WK_PLACEMENT_H
#define WK_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Where wk_memory_allocate takes memory from.
typedef enum wk_memory_mode {
  /// Near the thread that first touches it.
  WK_MEMORY_ANYWHERE,
  /// From the one node given, from others when that is full.
  WK_MEMORY_NEAR,
  /// From the nodes given in turn, page by page.
  WK_MEMORY_INTERLEAVED,
} wk_memory_mode;

/// Nodes that can be named.
enum { WK_NODE_LIMIT = 1024 };

/// Sets where memory is taken from, for the whole process. To be called before memory is, and not
/// at the same time. Nodes are below WK_NODE_LIMIT. What the system refuses is as if nothing was
/// said.
void wk_memory_place(wk_memory_mode mode, const uint32_t *nodes, size_t count);

/// Confines a thread, by its kernel id, to some CPUs; 0: the calling one. False when refused.
bool wk_confine_thread(int32_t thread, const uint32_t *cpus, size_t count);

#endif
