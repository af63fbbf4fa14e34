#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "cstoreio.h"

static int open_at(int directory, const char *name, int flags) {
  int descriptor;
  do {
    descriptor = openat(directory, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  } while (descriptor < 0 && errno == EINTR);
  return descriptor < 0 ? -errno : descriptor;
}

int wk_open(int directory, const char *name, wk_mode mode, bool direct) {
  int flags = mode == WK_READ ? O_RDONLY : O_RDWR;
  if (mode == WK_CREATE)
    flags |= O_CREAT | O_EXCL;
  if (direct)
    flags |= O_DIRECT;
  return open_at(directory, name, flags);
}

int wk_lock_file(int directory, const char *name) {
  int descriptor = open_at(directory, name, O_RDWR | O_CREAT);
  if (descriptor < 0)
    return descriptor;
  int result;
  do {
    result = flock(descriptor, LOCK_EX | LOCK_NB);
  } while (result < 0 && errno == EINTR);
  if (result == 0)
    return descriptor;
  result = -errno;
  close(descriptor);
  return result;
}

void wk_unlock_file(int descriptor) {
  flock(descriptor, LOCK_UN);
  close(descriptor);
}

const char *wk_name(const struct dirent *entry) { return entry->d_name; }
