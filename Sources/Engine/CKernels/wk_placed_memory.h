/// Putting fresh memory where wk_memory_place says.
#ifndef WK_PLACED_MEMORY_H
#define WK_PLACED_MEMORY_H

#include <stddef.h>

/// Places a region that nobody has touched yet.
void wk_place_memory(void *memory, size_t bytes);

#endif
