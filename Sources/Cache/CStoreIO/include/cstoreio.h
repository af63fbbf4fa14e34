// What the SSD tier needs from C: checksums by instruction, and system calls that Swift cannot
// name.
#ifndef WEFT_CSTOREIO_H
#define WEFT_CSTOREIO_H

#include <dirent.h>
#include <features.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The CRC32C (Castagnoli, reflected polynomial 0x82f63b78, as in RFC 3720 B.4) of `count` bytes.
// `crc` is 0, or the result for the bytes that stand before these.
uint32_t sio_crc32c(uint32_t crc, const void *bytes, size_t count);

// The same, a byte at a time from a table: the reference, and what other processors get.
uint32_t sio_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

// Whether sio_crc32c uses the processor's instruction.
bool sio_crc32c_is_accelerated(void);

typedef enum {
  SIO_READ,
  SIO_WRITE,  // and read
  SIO_CREATE, // new, to write and read
} sio_mode;

// Opens a regular file, relative to a directory's descriptor; with O_DIRECT if `direct`. Follows no
// symbolic link and waits for no pipe. Returns a descriptor, or -errno.
int sio_open(int directory, const char *name, sio_mode mode, bool direct);

// Opens a file, creating it if need be, and takes its exclusive lock without waiting. Returns a
// descriptor that holds the lock until it is closed, or -errno: -EWOULDBLOCK if another has it.
int sio_lock_file(int directory, const char *name);

// The name of a directory's entry, valid as long as the entry is.
const char *sio_name(const struct dirent *entry);

#endif // WEFT_CSTOREIO_H
