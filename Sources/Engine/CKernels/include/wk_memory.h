/// Large zeroed memory regions.
#ifndef WK_MEMORY_H
#define WK_MEMORY_H

#include <stddef.h>

/// `bytes` > 0 zeroed bytes, aligned to a page, in huge pages where the system gives them; null
/// when there is no memory. Give back with wk_memory_free and the same size.
void *wk_memory_allocate(size_t bytes);

void wk_memory_free(void *memory, size_t bytes);

#endif
