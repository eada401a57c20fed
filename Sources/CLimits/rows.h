#ifndef XIECHA_LIMITS_ROWS_H
#define XIECHA_LIMITS_ROWS_H

#include "database.h"
#include "xiecha_limits.h"

typedef struct {
  const limits_accept_options *options;
  sqlite3 *db;
  sqlite3_stmt *request, *subject, *event, *timer, *idempotency, *open_tally, *tally;
  sqlite3_stmt *file_events, *file_requests, *filed, *file_subjects, *subjects_filed;
  int64_t last_key, newest, filed_through, subjects_through, count;
  int group;
} limits_rows;

// The reply to every submission, which a row of an idempotency key keeps.
extern const char limits_reply[];
extern const size_t limits_reply_bytes;

int limits_rows_open(limits_rows *rows, const limits_accept_options *options);
// Writes the rows of one submission, the first of a group after its BEGIN. `key` may be NULL.
int limits_rows_add(limits_rows *rows, const char *body, size_t bytes, const char *key, size_t key_bytes);
// Ends the group, if there is one.
int limits_rows_commit(limits_rows *rows);
void limits_rows_close(limits_rows *rows);

#endif
