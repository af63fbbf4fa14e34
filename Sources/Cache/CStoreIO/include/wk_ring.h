// Reads through io_uring: many at once from one thread.
#ifndef WEFT_WK_RING_H
#define WEFT_WK_RING_H

#include <stdint.h>

typedef struct wk_ring wk_ring;

// Makes a ring for up to `depth` reads at once. Returns NULL where the kernel, or a rule of the
// container, has no io_uring or not its reads; *error is a -errno then.
wk_ring *wk_ring_create(unsigned depth, int *error);

// Closes the ring. No read may be under way: the kernel would go on writing to its memory.
void wk_ring_destroy(wk_ring *ring);

// Hands a read to the kernel: `count` bytes at `offset` of `descriptor` into `memory`, which stays
// until the read is finished. Returns 0, or -errno, in which case the kernel never gets it.
int wk_ring_submit(wk_ring *ring, int descriptor, void *memory, unsigned count, int64_t offset,
                   uint64_t token);

// Waits until any of the reads under way, of which there is at least one, is finished. Gives its
// token, and the bytes read or -errno.
void wk_ring_wait(wk_ring *ring, uint64_t *token, int32_t *result);

#endif // WEFT_WK_RING_H
