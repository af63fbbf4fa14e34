// libgrpc's C core as Swift sees it, and the few functions that C must provide around it:
// operations as one object per batch, and inline functions for what core offers as macros.

// First, so that _GNU_SOURCE and fd_set agree with Swift's Glibc module.
#include <features.h>

#ifndef CGRPC_H
#define CGRPC_H

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/status.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Key-value pairs to send. Owns its slices.
typedef struct cgrpc_metadata_list {
  grpc_metadata *items;
  size_t count;
  size_t capacity;
} cgrpc_metadata_list;

enum { CGRPC_BATCH_MAX_OPS = 6 };

// One set of operations on a call, with everything that core reads or writes until the set
// completes. It may be used again after cgrpc_batch_reset.
typedef struct cgrpc_batch {
  grpc_op ops[CGRPC_BATCH_MAX_OPS];
  size_t op_count;

  cgrpc_metadata_list initial_metadata;  // to send
  cgrpc_metadata_list trailing_metadata; // to send
  grpc_byte_buffer *message;             // to send
  grpc_slice status_details;             // to send

  grpc_metadata_array received_initial_metadata;  // elements are owned by the call
  grpc_metadata_array received_trailing_metadata; // elements are owned by the call
  grpc_byte_buffer *received_message;             // NULL: no message came
  grpc_status_code received_status;
  grpc_slice received_status_details;
  int received_cancelled;
} cgrpc_batch;

cgrpc_batch *cgrpc_batch_create(void);
// Not while the batch is in flight.
void cgrpc_batch_destroy(cgrpc_batch *batch);
// Releases what the last use left and removes all operations. Not while the batch is in flight.
void cgrpc_batch_reset(cgrpc_batch *batch);

void cgrpc_metadata_list_clear(cgrpc_metadata_list *list);
// Copies key and value.
void cgrpc_metadata_list_append(cgrpc_metadata_list *list, const char *key, size_t key_length,
                                const void *value, size_t value_length);

// `flags`: GRPC_INITIAL_METADATA_*. Sends what is in `initial_metadata`.
void cgrpc_batch_add_send_initial_metadata(cgrpc_batch *batch, uint32_t flags);
// The message is the slices in their order. Takes a reference to each.
void cgrpc_batch_add_send_message(cgrpc_batch *batch, const grpc_slice *slices, size_t count);
void cgrpc_batch_add_send_close(cgrpc_batch *batch);
// Sends what is in `trailing_metadata`; copies the details.
void cgrpc_batch_add_send_status(cgrpc_batch *batch, grpc_status_code status, const char *details,
                                 size_t details_length);
void cgrpc_batch_add_receive_initial_metadata(cgrpc_batch *batch);
void cgrpc_batch_add_receive_message(cgrpc_batch *batch);
void cgrpc_batch_add_receive_status(cgrpc_batch *batch);
void cgrpc_batch_add_receive_close(cgrpc_batch *batch);

// On GRPC_CALL_OK core posts `tag` to the call's completion queue and holds the batch until then.
grpc_call_error cgrpc_batch_start(cgrpc_batch *batch, grpc_call *call, void *tag);

// How many slices the received message has; it is decompressed before if need be. Requires
// received_message != NULL.
size_t cgrpc_batch_received_slice_count(cgrpc_batch *batch);
// Moves all slices of the received message, with their references, to `slices`. Once; after
// cgrpc_batch_received_slice_count.
void cgrpc_batch_take_received_slices(cgrpc_batch *batch, grpc_slice *slices);

// A slice of its own with the bytes of all `slices`, which have `length` bytes together.
grpc_slice cgrpc_slices_join(const grpc_slice *slices, size_t count, size_t length);

// Where core puts an incoming call.
typedef struct cgrpc_incoming_call {
  grpc_call *call; // owned by the caller once core has filled it
  grpc_call_details details;
  grpc_metadata_array metadata; // elements are owned by the call
} cgrpc_incoming_call;

cgrpc_incoming_call *cgrpc_incoming_call_create(void);
// Does not touch the call.
void cgrpc_incoming_call_destroy(cgrpc_incoming_call *incoming);

// Whether the server answered with nothing but a status. False where this version of the library
// cannot tell.
bool cgrpc_call_is_trailers_only(const grpc_call *call);

// A wake-up of `cq` is an empty batch on a call whose channel never connects.
grpc_channel *cgrpc_wake_channel_create(void);
grpc_call *cgrpc_wake_call_create(grpc_channel *channel, grpc_completion_queue *cq);

// Binds `address` and returns the port, or 0 with the reason from core's log in `reason`.
int cgrpc_server_bind(grpc_server *server, const char *address, char *reason,
                      size_t reason_capacity);
grpc_channel *cgrpc_insecure_channel_create(const char *target, const grpc_channel_args *args);

// An argument for channels and servers: unix sockets get a send buffer of `bytes`, as far as the
// system's net.core.wmem_max lets them. Returns false where this version of the library cannot do
// it. What creates the channel or server takes its own reference; then release the argument.
bool cgrpc_unix_send_buffer_argument(int bytes, grpc_arg *argument);
void cgrpc_unix_send_buffer_release(const grpc_arg *argument);

// Whether a socket at `path` accepts connections. The path has to fit sockaddr_un.
bool cgrpc_unix_socket_is_live(const char *path);
// 107 on Linux.
size_t cgrpc_unix_path_maximum_length(void);

// Keeps freed memory of large messages in the process instead of returning it page by page:
// page faults, not copies, are the cost of messages of some 100 kB.
void cgrpc_tune_allocator(void);

// Makes Abseil measure the processor's clock now. It does so once, at the first contended spin
// lock, by opening files that may not exist; and core 1.51 lets that spoil the errno of a
// connection attempt that is under way, which then fails with "No such file or directory".
void cgrpc_settle_clock(void);

// At most 15 characters.
void cgrpc_name_this_thread(const char *name);

static inline size_t cgrpc_slice_length(const grpc_slice *slice) {
  return GRPC_SLICE_LENGTH(*slice);
}

static inline void *cgrpc_slice_bytes(grpc_slice *slice) { return GRPC_SLICE_START_PTR(*slice); }

static inline gpr_timespec cgrpc_deadline_after(int64_t nanoseconds) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(nanoseconds, GPR_TIMESPAN));
}

static inline gpr_timespec cgrpc_never(void) { return gpr_inf_future(GPR_CLOCK_MONOTONIC); }

static inline gpr_timespec cgrpc_at_once(void) { return gpr_inf_past(GPR_CLOCK_MONOTONIC); }

static inline bool cgrpc_is_never(gpr_timespec deadline) {
  return gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0;
}

// Negative when the deadline has passed.
static inline int64_t cgrpc_nanoseconds_until(gpr_timespec deadline) {
  gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
  return left.tv_sec * 1000000000LL + left.tv_nsec;
}

#ifdef __cplusplus
}
#endif

#endif
