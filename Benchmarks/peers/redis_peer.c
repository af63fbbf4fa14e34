// GET and SET of blocks against Redis, pipelined, as a yardstick for kvstore-benchmark.
//
//   redis_peer get|put ADDRESS BLOCK_BYTES BLOCKS SECONDS
//
// ADDRESS is HOST:PORT or unix:PATH. The client writes and reads the protocol itself with large
// buffers, so that it costs next to nothing: values are sent from where they are and received into
// one place, and are not looked at.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

// Commands on the way at the same time.
enum { PIPELINE = 8, BUFFER = 1 << 20 };

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int connect_to(const char *address) {
  int fd;
  if (strncmp(address, "unix:", 5) == 0) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(name.sun_path, sizeof name.sun_path, "%s", address + 5);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&name, sizeof name) != 0)
      fail("connect");
    return fd;
  }
  char host[64];
  const char *colon = strrchr(address, ':');
  snprintf(host, sizeof host, "%.*s", (int)(colon - address), address);
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(atoi(colon + 1))};
  if (inet_pton(AF_INET, host, &name.sin_addr) != 1)
    fail("address");
  fd = socket(AF_INET, SOCK_STREAM, 0);
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (connect(fd, (struct sockaddr *)&name, sizeof name) != 0)
    fail("connect");
  return fd;
}

static int fd;
static char *input, *value;
static size_t begin, end, block_bytes, blocks;

static void write_all(struct iovec *parts, int count) {
  while (count > 0) {
    ssize_t written = writev(fd, parts, count);
    if (written < 0)
      fail("writev");
    while (count > 0 && (size_t)written >= parts->iov_len) {
      written -= parts->iov_len;
      parts++;
      count--;
    }
    if (count > 0) {
      parts->iov_base = (char *)parts->iov_base + written;
      parts->iov_len -= written;
    }
  }
}

static void fill(void) {
  if (begin == end)
    begin = end = 0;
  ssize_t got = read(fd, input + end, BUFFER - end);
  if (got <= 0)
    fail("read");
  end += got;
}

// Reads a line without its end.
static const char *line(void) {
  for (;;) {
    char *stop = memmem(input + begin, end - begin, "\r\n", 2);
    if (stop != NULL) {
      *stop = '\0';
      const char *text = input + begin;
      begin = stop + 2 - input;
      return text;
    }
    if (begin > 0) {
      memmove(input, input + begin, end - begin);
      end -= begin;
      begin = 0;
    }
    fill();
  }
}

static void read_value(void) {
  const char *header = line();
  if (header[0] != '$' || strtoul(header + 1, NULL, 10) != block_bytes) {
    fprintf(stderr, "redis_peer: not a block: %s\n", header);
    exit(1);
  }
  size_t left = block_bytes + 2;
  size_t buffered = end - begin < left ? end - begin : left;
  memcpy(value, input + begin, buffered);
  begin += buffered;
  for (size_t at = buffered; at < left;) {
    ssize_t got = read(fd, value + at, left - at);
    if (got <= 0)
      fail("read");
    at += got;
  }
}

static void send_get(size_t index) {
  char text[64];
  int length = sprintf(text, "*2\r\n$3\r\nGET\r\n$12\r\nblock%07zu\r\n", index);
  struct iovec part = {text, length};
  write_all(&part, 1);
}

static void send_set(size_t index, char *payload) {
  char text[96];
  int length =
      sprintf(text, "*3\r\n$3\r\nSET\r\n$12\r\nblock%07zu\r\n$%zu\r\n", index, block_bytes);
  struct iovec parts[] = {{text, length}, {payload, block_bytes}, {"\r\n", 2}};
  write_all(parts, 3);
}

static void read_ok(void) {
  const char *answer = line();
  if (strcmp(answer, "+OK") != 0) {
    fprintf(stderr, "redis_peer: %s\n", answer);
    exit(1);
  }
}

static size_t get_all(char *payloads) {
  (void)payloads;
  for (size_t i = 0; i < blocks + PIPELINE; i++) {
    if (i < blocks)
      send_get(i);
    if (i >= PIPELINE)
      read_value();
  }
  return blocks * block_bytes;
}

static size_t put_all(char *payloads) {
  for (size_t i = 0; i < blocks + PIPELINE; i++) {
    if (i < blocks)
      send_set(i, payloads + i * block_bytes);
    if (i >= PIPELINE)
      read_ok();
  }
  return blocks * block_bytes;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static double rate(double seconds, size_t (*round)(char *), char *payloads) {
  double start = now(), passed;
  size_t sum = 0;
  do {
    sum += round(payloads);
    passed = now() - start;
  } while (passed < seconds);
  return sum / passed;
}

int main(int count, char **arguments) {
  if (count != 6) {
    fprintf(stderr, "redis_peer: see the top of its source\n");
    return 2;
  }
  block_bytes = atol(arguments[3]);
  blocks = atol(arguments[4]);
  double seconds = atof(arguments[5]);
  input = malloc(BUFFER);
  value = malloc(block_bytes + 2);
  char *payloads = malloc(blocks * block_bytes);
  memset(payloads, 1, blocks * block_bytes);
  fd = connect_to(arguments[2]);
  put_all(payloads);
  size_t (*round)(char *) = strcmp(arguments[1], "get") == 0 ? get_all : put_all;
  rate(seconds / 5, round, payloads);
  printf("%s %.0f\n", arguments[1], rate(seconds, round, payloads) / 1e6);
  return 0;
}
