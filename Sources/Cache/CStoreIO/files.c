#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "cstoreio.h"

int sio_open(int directory, const char *name, bool create, bool direct) {
  int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
  if (create)
    flags |= O_CREAT | O_EXCL;
  if (direct)
    flags |= O_DIRECT;
  int descriptor;
  do {
    descriptor = openat(directory, name, flags, 0600);
  } while (descriptor < 0 && errno == EINTR);
  return descriptor < 0 ? -errno : descriptor;
}

int sio_lock(int descriptor) {
  int result;
  do {
    result = flock(descriptor, LOCK_EX | LOCK_NB);
  } while (result < 0 && errno == EINTR);
  return result < 0 ? -errno : 0;
}

const char *sio_name(const struct dirent *entry) { return entry->d_name; }
