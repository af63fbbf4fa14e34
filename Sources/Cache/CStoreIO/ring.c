#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <unistd.h>

#include "wk_ring.h"

// The token of entries that were withdrawn.
static const uint64_t withdrawn = UINT64_MAX;

struct wk_ring {
  struct io_uring uring;
};

wk_ring *wk_ring_create(unsigned depth, int *error) {
  wk_ring *ring = malloc(sizeof *ring);
  if (ring == NULL) {
    *error = -ENOMEM;
    return NULL;
  }
  *error = io_uring_queue_init(depth, &ring->uring, 0);
  if (*error < 0) {
    free(ring);
    return NULL;
  }
  // Kernels before 5.6 have rings, but not this operation.
  struct io_uring_probe *probe = io_uring_get_probe_ring(&ring->uring);
  int reads = probe != NULL && io_uring_opcode_supported(probe, IORING_OP_READ);
  if (probe != NULL)
    io_uring_free_probe(probe);
  if (reads)
    return ring;
  wk_ring_destroy(ring);
  *error = -EOPNOTSUPP;
  return NULL;
}

void wk_ring_destroy(wk_ring *ring) {
  io_uring_queue_exit(&ring->uring);
  free(ring);
}

int wk_ring_submit(wk_ring *ring, int descriptor, void *memory, unsigned count, int64_t offset,
                   uint64_t token) {
  struct io_uring_sqe *entry = io_uring_get_sqe(&ring->uring);
  if (entry == NULL)
    return -EBUSY;
  io_uring_prep_read(entry, descriptor, memory, count, (uint64_t)offset);
  entry->user_data = token;
  int result = io_uring_submit(&ring->uring);
  // The result counts entries that were withdrawn before, too: what counts is that none is left.
  if (io_uring_sq_ready(&ring->uring) == 0)
    return 0;
  // The entry stays queued, and the next submission hands it over too: let it do nothing then.
  io_uring_prep_nop(entry);
  entry->user_data = withdrawn;
  return result < 0 ? result : -EAGAIN;
}

void wk_ring_wait(wk_ring *ring, uint64_t *token, int32_t *result) {
  do {
    struct io_uring_cqe *entry;
    int error;
    // The kernel writes into the reads' memory until they are finished, so a wait that fails is
    // no reason to leave.
    while ((error = io_uring_wait_cqe(&ring->uring, &entry)) < 0)
      if (error != -EINTR)
        usleep(1000);
    *token = entry->user_data;
    *result = entry->res;
    io_uring_cqe_seen(&ring->uring, entry);
  } while (*token == withdrawn);
}
