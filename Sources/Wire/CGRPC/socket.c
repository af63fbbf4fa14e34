#include "cgrpc.h"

#include <sys/socket.h>

// How core calls back for a socket that it makes. Its header is not installed, but the argument
// GRPC_ARG_SOCKET_MUTATOR is public and the library exports these functions, under their C++ names.
// Weak: a version without them links.
typedef struct grpc_socket_mutator grpc_socket_mutator;

typedef struct grpc_socket_mutator_vtable {
  bool (*mutate_fd)(int fd, grpc_socket_mutator *mutator);
  int (*compare)(grpc_socket_mutator *a, grpc_socket_mutator *b);
  void (*destroy)(grpc_socket_mutator *mutator);
  // Called instead of the first; the first would not be for connections of a server.
  bool (*mutate_fd_2)(const void *info, grpc_socket_mutator *mutator);
} grpc_socket_mutator_vtable;

struct grpc_socket_mutator {
  const grpc_socket_mutator_vtable *vtable;
  gpr_refcount refcount;
};

extern void
mutator_init(grpc_socket_mutator *mutator, const grpc_socket_mutator_vtable *vtable) __asm__(
    "_Z24grpc_socket_mutator_initP19grpc_socket_mutatorPK26grpc_socket_mutator_vtable")
    __attribute__((weak));
extern void mutator_unref(grpc_socket_mutator *mutator) __asm__(
    "_Z25grpc_socket_mutator_unrefP19grpc_socket_mutator") __attribute__((weak));
extern grpc_arg mutator_to_arg(grpc_socket_mutator *mutator) __asm__(
    "_Z26grpc_socket_mutator_to_argP19grpc_socket_mutator") __attribute__((weak));

typedef struct send_buffer {
  grpc_socket_mutator mutator;
  int bytes;
} send_buffer;

typedef struct socket_info {
  int fd;
  int usage;
} socket_info;

static bool set_send_buffer(const void *info, grpc_socket_mutator *mutator) {
  int fd = ((const socket_info *)info)->fd;
  int domain = 0;
  socklen_t size = sizeof(domain);
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX) {
    int bytes = ((send_buffer *)mutator)->bytes;
    // A connection with the system's buffer is better than none.
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
  }
  return true;
}

static int compare_send_buffers(grpc_socket_mutator *a, grpc_socket_mutator *b) {
  return ((send_buffer *)a)->bytes - ((send_buffer *)b)->bytes;
}

static void destroy_send_buffer(grpc_socket_mutator *mutator) { gpr_free(mutator); }

static const grpc_socket_mutator_vtable vtable = {
    .compare = compare_send_buffers,
    .destroy = destroy_send_buffer,
    .mutate_fd_2 = set_send_buffer,
};

bool cgrpc_unix_send_buffer_argument(int bytes, grpc_arg *argument) {
  if (mutator_init == NULL || mutator_unref == NULL || mutator_to_arg == NULL) {
    return false;
  }
  send_buffer *buffer = gpr_zalloc(sizeof(send_buffer));
  buffer->bytes = bytes;
  mutator_init(&buffer->mutator, &vtable);
  *argument = mutator_to_arg(&buffer->mutator);
  return true;
}

void cgrpc_unix_send_buffer_release(const grpc_arg *argument) {
  mutator_unref(argument->value.pointer.p);
}
