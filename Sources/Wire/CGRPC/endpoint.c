// For pthread_setname_np and RTLD_DEFAULT.
#define _GNU_SOURCE

#include "cgrpc.h"

#include <dlfcn.h>
#include <grpc/support/log.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

cgrpc_incoming_call *cgrpc_incoming_call_create(void) {
  cgrpc_incoming_call *incoming = gpr_zalloc(sizeof(cgrpc_incoming_call));
  grpc_call_details_init(&incoming->details);
  grpc_metadata_array_init(&incoming->metadata);
  return incoming;
}

void cgrpc_incoming_call_destroy(cgrpc_incoming_call *incoming) {
  grpc_call_details_destroy(&incoming->details);
  grpc_metadata_array_destroy(&incoming->metadata);
  gpr_free(incoming);
}

// libgrpc exports this for libgrpc++ alone, under its C++ name. Weak: a version without it links.
extern bool
call_is_trailers_only(const grpc_call *call) __asm__("_Z26grpc_call_is_trailers_onlyPK9grpc_call")
    __attribute__((weak));

bool cgrpc_call_is_trailers_only(const grpc_call *call) {
  return call_is_trailers_only != NULL && call_is_trailers_only(call);
}

grpc_channel *cgrpc_wake_channel_create(void) {
  return grpc_lame_client_channel_create(NULL, GRPC_STATUS_UNAVAILABLE, "wake-up only");
}

grpc_call *cgrpc_wake_call_create(grpc_channel *channel, grpc_completion_queue *cq) {
  grpc_slice method = grpc_slice_from_static_string("/wake");
  return grpc_channel_create_call(channel, NULL, GRPC_PROPAGATE_DEFAULTS, cq, method, NULL,
                                  cgrpc_never(), NULL);
}

grpc_channel *cgrpc_insecure_channel_create(const char *target, const grpc_channel_args *args) {
  grpc_channel_credentials *credentials = grpc_insecure_credentials_create();
  grpc_channel *channel = grpc_channel_create(target, credentials, args);
  grpc_channel_credentials_release(credentials);
  return channel;
}

// Core reports why it could not bind only through its log, on the thread that asked.
typedef struct log_capture {
  char *text;
  size_t capacity;
} log_capture;

static _Thread_local log_capture *capture = NULL;

static void capture_or_print(gpr_log_func_args *entry) {
  if (capture == NULL) {
    fprintf(stderr, "grpc %s %s:%d] %s\n", gpr_log_severity_string(entry->severity), entry->file,
            entry->line, entry->message);
    return;
  }
  if (capture->capacity > 0) {
    snprintf(capture->text, capture->capacity, "%s", entry->message);
  }
}

int cgrpc_server_bind(grpc_server *server, const char *address, char *reason,
                      size_t reason_capacity) {
  log_capture mine = {.text = reason, .capacity = reason_capacity};
  if (reason_capacity > 0) {
    reason[0] = '\0';
  }
  gpr_set_log_function(capture_or_print);
  capture = &mine;
  grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();
  int port = grpc_server_add_http2_port(server, address, credentials);
  grpc_server_credentials_release(credentials);
  capture = NULL;
  return port;
}

size_t cgrpc_unix_path_maximum_length(void) {
  return sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
}

bool cgrpc_unix_socket_is_live(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) > cgrpc_unix_path_maximum_length()) {
    return false;
  }
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return false;
  }
  bool live = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
  close(fd);
  return live;
}

void cgrpc_tune_allocator(void) {
  mallopt(M_MMAP_THRESHOLD, 64 << 20);
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
  // A message is often freed by another thread than the one that allocated it: every further arena
  // only adds to what lies free.
  mallopt(M_ARENA_MAX, 2);
}

void cgrpc_settle_clock(void) {
  // The same function under the inline namespaces of Debian 12, Ubuntu 24.04 and upstream.
  static const char *const names[] = {
      "_ZN4absl7debian313base_internal19NominalCPUFrequencyEv",
      "_ZN4absl7debian713base_internal19NominalCPUFrequencyEv",
      "_ZN4absl13base_internal19NominalCPUFrequencyEv",
  };
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    double (*measure)(void) = (double (*)(void))dlsym(RTLD_DEFAULT, names[i]);
    if (measure != NULL) {
      measure();
    }
  }
}

void cgrpc_name_this_thread(const char *name) { pthread_setname_np(pthread_self(), name); }
