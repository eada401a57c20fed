// What plain C programs reach that do the same work on the same machine: limits for xiecha-bench to measure against,
// and no part of the daemon. Statements come from the caller, who takes those of the store: the rows are the broker's.
// Each function returns 0, or 1 after a line on standard error.
#ifndef XIECHA_LIMITS_H
#define XIECHA_LIMITS_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

// Strings are borrowed for the call.
typedef struct {
  // A database of the house with reference data, closed.
  const char *database;
  // What a submission writes; `idempotency` may be NULL, then keys are not looked at.
  const char *request, *subject, *event, *timer, *idempotency;
  // What a group writes once: the row of a count, and its change.
  const char *open_tally, *tally;
  // What is filed for every `file_every` events: of those after $1.
  const char *through, *file_events, *file_requests, *filed;
  // The same of subjects, by request.
  const char *subjects_through, *file_subjects, *subjects_filed;
  int file_every, file_subjects_every;
  // Organs are numbered from 1.
  int organs;
} limits_accept_options;

// Prints the port it listens on, accepts submissions over HTTP/1.1 with kept connections, and answers each with 201
// once its rows are on disk: all that have arrived since the last commit share the next. Ends when its input closes.
int limits_accept(const limits_accept_options *options);

typedef struct {
  const char *database;
  // The store's: due messages of an endpoint (endpoint, moment, most), and the two that settle one.
  const char *due, *take, *finish;
  int64_t endpoint;
  const char *url;
  const uint8_t *body;
  size_t body_bytes;
  int in_flight, messages;
} limits_push_options;

// Sends so many messages, each signed (HMAC-SHA256, Standard Webhooks), `in_flight` at once, and records each result in
// groups. Prints seconds and CPU seconds.
int limits_push(const limits_push_options *options);

// ppoll and memmem of glibc, which Swift does not see. A negative time is for ever.
int limits_poll(struct pollfd *watched, size_t count, int64_t nanoseconds);
const void *limits_find(const void *bytes, size_t length, const void *part, size_t part_length);

#endif
