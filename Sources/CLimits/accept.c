#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rows.h"

enum { ROOM = 65536, READY = 1024 };

typedef struct {
  int fd, owed;
  size_t have;
  char bytes[ROOM];
} connection;

// 1.5 KB, as a representation has.
const char limits_reply[] =
    "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nETag: \"1\"\r\nContent-Length: 1500\r\n\r\n"
    "{\"text\":\"                                                                                        \"";
const size_t limits_reply_bytes = sizeof limits_reply - 1;
static char reply[2048];
static size_t reply_bytes;

static int listen_somewhere(int poll) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  struct epoll_event wanted = {.events = EPOLLIN};
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 1024) ||
      getsockname(fd, (struct sockaddr *)&address, &length) || epoll_ctl(poll, EPOLL_CTL_ADD, fd, &wanted)) {
    limits_failed("listen", strerror(errno));
    return -1;
  }
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return fd;
}

static int take_connections(int poll, int listener) {
  int fd;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connection *c = malloc(sizeof *c);
    if (!c) return limits_failed("accept", "no memory");
    c->fd = fd;
    c->owed = 0;
    c->have = 0;
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &wanted)) return limits_failed("epoll", strerror(errno));
  }
  return 0;
}

// The value of a header in `head`, whose lines end with CRLF; NULL without it.
static const char *header(const char *head, const char *end, const char *name) {
  size_t length = strlen(name);
  for (const char *line = memchr(head, '\n', (size_t)(end - head)); line && line + length < end;
       line = memchr(line, '\n', (size_t)(end - line))) {
    line++;
    if (!strncasecmp(line, name, length)) return line + length + strspn(line + length, " ");
  }
  return NULL;
}

// Adds every whole request that was received. 1 when the rows cannot be written.
static int take_requests(connection *c, limits_rows *rows) {
  size_t at = 0;
  char *end;
  while ((end = memmem(c->bytes + at, c->have - at, "\r\n\r\n", 4))) {
    const char *head = c->bytes + at, *body = end + 4, *length = header(head, end + 2, "content-length:");
    const char *key = header(head, end + 2, "idempotency-key:");
    size_t bytes = length ? strtoul(length, NULL, 10) : 0;
    if ((size_t)(c->bytes + c->have - body) < bytes) break;
    if (limits_rows_add(rows, body, bytes, key, key ? strcspn(key, "\r") : 0)) return 1;
    c->owed++;
    at = (size_t)(body - c->bytes) + bytes;
  }
  c->have -= at;
  memmove(c->bytes, c->bytes + at, c->have);
  return 0;
}

// -1 when the peer has gone.
static int receive(connection *c) {
  ssize_t count = recv(c->fd, c->bytes + c->have, ROOM - c->have, 0);
  if (count < 0 && errno == EAGAIN) return 0;
  if (count <= 0) return -1;
  c->have += (size_t)count;
  return 0;
}

static void forget(connection *c) {
  close(c->fd);
  free(c);
}

// What is ready is read, committed together and answered. Returns 0 to go on, 1 for a failure, 2 at the end.
static int serve(int poll, int listener, limits_rows *rows) {
  struct epoll_event ready[READY];
  connection *waiting[READY];
  int count = epoll_wait(poll, ready, READY, -1), owed = 0;
  if (count < 0 && errno != EINTR) return limits_failed("epoll", strerror(errno));
  for (int i = 0; i < count; i++) {
    connection *c = ready[i].data.ptr;
    if (ready[i].data.ptr == rows) return 2;
    if (!c) {
      if (take_connections(poll, listener)) return 1;
    } else if (receive(c)) {
      forget(c);
    } else {
      if (take_requests(c, rows)) return 1;
      if (c->owed) waiting[owed++] = c;
    }
  }
  if (limits_rows_commit(rows)) return 1;
  for (int i = 0; i < owed; i++) {
    for (; waiting[i]->owed; waiting[i]->owed--) {
      // A reply is far smaller than a socket's buffer; a peer that has gone is noticed when it is read.
      if (send(waiting[i]->fd, reply, reply_bytes, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET) {
        return limits_failed("send", strerror(errno));
      }
    }
  }
  return 0;
}

int limits_accept(const limits_accept_options *options) {
  limits_rows rows;
  if (limits_rows_open(&rows, options)) return 1;
  const char *body = strstr(limits_reply, "\r\n\r\n") + 4;
  reply_bytes = (size_t)(body - limits_reply) + 1500;
  memset(reply, ' ', sizeof reply);
  memcpy(reply, limits_reply, limits_reply_bytes);
  reply[reply_bytes - 1] = '}';
  int poll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event closing = {.events = EPOLLIN, .data.ptr = &rows};
  if (poll < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, 0, &closing)) return limits_failed("epoll", strerror(errno));
  int listener = listen_somewhere(poll);
  if (listener < 0) return 1;
  int code;
  do code = serve(poll, listener, &rows);
  while (!code);
  limits_rows_close(&rows);
  close(listener);
  close(poll);
  return code == 2 ? 0 : 1;
}
