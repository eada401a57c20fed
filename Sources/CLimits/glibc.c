#define _GNU_SOURCE
#include <poll.h>
#include <string.h>
#include <time.h>

#include "xiecha_limits.h"

int limits_poll(struct pollfd *watched, size_t count, int64_t nanoseconds) {
  struct timespec time = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
  return ppoll(watched, count, nanoseconds < 0 ? NULL : &time, NULL);
}

const void *limits_find(const void *bytes, size_t length, const void *part, size_t part_length) {
  return memmem(bytes, length, part, part_length);
}
