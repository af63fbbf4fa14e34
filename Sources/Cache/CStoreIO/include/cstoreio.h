// What the SSD tier needs from C: system calls that Swift cannot name.
#ifndef WEFT_CSTOREIO_H
#define WEFT_CSTOREIO_H

#include <dirent.h>
#include <features.h>
#include <stdbool.h>

typedef enum {
  WK_READ,
  WK_WRITE,  // and read
  WK_CREATE, // new, to write and read
} wk_mode;

// Opens a regular file, relative to a directory's descriptor; with O_DIRECT if `direct`. Follows no
// symbolic link and waits for no pipe. Returns a descriptor, or -errno.
int wk_open(int directory, const char *name, wk_mode mode, bool direct);

// Opens a file, creating it if need be, and takes its exclusive lock without waiting. Returns a
// descriptor that holds the lock until it is closed, or -errno: -EWOULDBLOCK if another has it.
int wk_lock_file(int directory, const char *name);

// Gives the lock of such a descriptor back and closes it. Closing alone would leave the lock to a
// child that is being forked just now, until it has executed its program.
void wk_unlock_file(int descriptor);

// The name of a directory's entry, valid as long as the entry is.
const char *wk_name(const struct dirent *entry);

#endif // WEFT_CSTOREIO_H
