#define _GNU_SOURCE
#include "rows.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void text(sqlite3_stmt *statement, int at, const char *value, size_t bytes) {
  sqlite3_bind_text(statement, at, value, (int)bytes, SQLITE_STATIC);
}

static void word(sqlite3_stmt *statement, int at, const char *value) { text(statement, at, value, strlen(value)); }

static int number(sqlite3 *db, const char *sql, int64_t *result) {
  sqlite3_stmt *statement = limits_prepare(db, sql);
  if (!statement || sqlite3_step(statement) != SQLITE_ROW) return limits_failed(sql, sqlite3_errmsg(db));
  *result = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  return 0;
}

int limits_rows_open(limits_rows *rows, const limits_accept_options *options) {
  memset(rows, 0, sizeof *rows);
  rows->options = options;
  rows->db = limits_open(options->database);
  if (!rows->db) return 1;
  struct {
    sqlite3_stmt **statement;
    const char *sql;
  } all[] = {
      {&rows->request, options->request},           {&rows->subject, options->subject},
      {&rows->event, options->event},               {&rows->timer, options->timer},
      {&rows->open_tally, options->open_tally},     {&rows->tally, options->tally},
      {&rows->file_events, options->file_events},   {&rows->file_requests, options->file_requests},
      {&rows->filed, options->filed},               {&rows->file_subjects, options->file_subjects},
      {&rows->subjects_filed, options->subjects_filed},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    *all[i].statement = limits_prepare(rows->db, all[i].sql);
    if (!*all[i].statement) return 1;
  }
  rows->idempotency = limits_prepare(rows->db, options->idempotency);
  if (number(rows->db, options->through, &rows->filed_through)) return 1;
  rows->newest = rows->filed_through;
  return number(rows->db, options->subjects_through, &rows->subjects_through);
}

static int64_t milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// Requester and responder, as the list of a real county has them: scattered over the organs.
static int add_request(limits_rows *rows, int64_t now, const char *body, size_t bytes) {
  sqlite3_stmt *s = rows->request;
  int64_t organs = rows->options->organs, due = now + 5 * 86400000;
  sqlite3_bind_int64(s, 1, rows->last_key);
  sqlite3_bind_int64(s, 2, rows->last_key ^ 0x5bd1e995);
  word(s, 3, "verification");
  word(s, 4, "submitted");
  sqlite3_bind_int64(s, 5, 1);
  sqlite3_bind_int64(s, 6, 1);
  sqlite3_bind_int64(s, 7, 1 + rows->count % organs);
  sqlite3_bind_int64(s, 8, 1 + (rows->count + 1) % organs);
  word(s, 9, "47");
  word(s, 10, "启医保协查〔2026〕12号");
  sqlite3_bind_int64(s, 11, now);
  sqlite3_bind_int64(s, 12, now);
  sqlite3_bind_int64(s, 13, due);
  sqlite3_bind_int64(s, 14, due / 86400000);
  sqlite3_bind_int64(s, 15, 5);
  sqlite3_bind_int64(s, 16, 0);
  sqlite3_bind_null(s, 17);
  // What the broker keeps of a body, less the columns.
  const char *content = memmem(body, bytes, "\"commitment\"", 12);
  if (content) bytes -= (size_t)(content - body);
  text(s, 18, content ? content : body, bytes);
  sqlite3_bind_int64(s, 19, 1);
  return limits_step(rows->db, s);
}

static int add_subject(limits_rows *rows, const char *body, size_t bytes) {
  sqlite3_stmt *s = rows->subject;
  const char *number = memmem(body, bytes, "\"idNumber\":\"", 12);
  if (!number || number + 30 > body + bytes) return limits_failed("a body", "no idNumber");
  sqlite3_bind_int64(s, 1, rows->last_key);
  word(s, 2, "person");
  word(s, 3, "张三");
  word(s, 4, "resident-id");
  text(s, 5, number + 12, 18);
  return limits_step(rows->db, s);
}

static int add_event(limits_rows *rows, int64_t now) {
  sqlite3_stmt *s = rows->event, *timer = rows->timer;
  int64_t organs = rows->options->organs, requester = 1 + rows->count % organs;
  sqlite3_bind_int64(s, 1, rows->last_key);
  sqlite3_bind_int64(s, 2, 1);
  word(s, 3, "request.submitted");
  word(s, 4, "submitted");
  sqlite3_bind_int64(s, 5, now);
  sqlite3_bind_int64(s, 6, requester);
  sqlite3_bind_int64(s, 7, requester);
  sqlite3_bind_int64(s, 8, 1 + (rows->count + 1) % organs);
  word(s, 10, "{\"dueDate\":\"2026-11-27\",\"workingDays\":5,\"provisional\":false}");
  if (limits_step(rows->db, s)) return 1;
  rows->newest = sqlite3_last_insert_rowid(rows->db);
  sqlite3_bind_int64(timer, 1, now - now % 86400000 + 3 * 86400000);
  sqlite3_bind_int64(timer, 2, rows->last_key);
  sqlite3_bind_int64(timer, 3, 1);
  return limits_step(rows->db, timer);
}

static int keep_reply(limits_rows *rows, int64_t now, const char *key, size_t key_bytes) {
  sqlite3_stmt *s = rows->idempotency;
  static const char fingerprint[32];
  sqlite3_bind_int64(s, 1, 1);
  text(s, 2, key, key_bytes);
  sqlite3_bind_blob(s, 3, fingerprint, sizeof fingerprint, SQLITE_STATIC);
  sqlite3_bind_int64(s, 4, 201);
  sqlite3_bind_int64(s, 5, rows->last_key);
  word(s, 6, "{}");
  sqlite3_bind_blob(s, 7, limits_reply, (int)limits_reply_bytes, SQLITE_STATIC);
  sqlite3_bind_int64(s, 8, now);
  return limits_step(rows->db, s);
}

int limits_rows_add(limits_rows *rows, const char *body, size_t bytes, const char *key, size_t key_bytes) {
  if (!rows->group && limits_run(rows->db, "BEGIN IMMEDIATE")) return 1;
  int64_t now = milliseconds();
  rows->last_key = rows->last_key + 1 > now << 12 ? rows->last_key + 1 : now << 12;
  rows->count++;
  rows->group++;
  return add_request(rows, now, body, bytes) || add_subject(rows, body, bytes) || add_event(rows, now) ||
         (key && rows->idempotency && keep_reply(rows, now, key, key_bytes));
}

static int file(limits_rows *rows) {
  sqlite3_stmt *after[] = {rows->file_events, rows->file_requests};
  for (int i = 0; i < 2; i++) {
    sqlite3_bind_int64(after[i], 1, rows->filed_through);
    if (limits_step(rows->db, after[i])) return 1;
  }
  rows->filed_through = rows->newest;
  sqlite3_bind_int64(rows->filed, 1, rows->newest);
  return limits_step(rows->db, rows->filed);
}

static int file_subjects(limits_rows *rows) {
  sqlite3_bind_int64(rows->file_subjects, 1, rows->subjects_through);
  rows->subjects_through = rows->last_key;
  sqlite3_bind_int64(rows->subjects_filed, 1, rows->last_key);
  return limits_step(rows->db, rows->file_subjects) || limits_step(rows->db, rows->subjects_filed);
}

int limits_rows_commit(limits_rows *rows) {
  if (!rows->group) return 0;
  word(rows->open_tally, 1, "verification");
  word(rows->open_tally, 2, "submitted");
  sqlite3_bind_int64(rows->tally, 1, rows->group);
  word(rows->tally, 2, "verification");
  word(rows->tally, 3, "submitted");
  rows->group = 0;
  if (limits_step(rows->db, rows->open_tally) || limits_step(rows->db, rows->tally)) return 1;
  if (rows->newest - rows->filed_through >= rows->options->file_every && file(rows)) return 1;
  if (rows->count >= rows->options->file_subjects_every) {
    rows->count = 0;
    if (file_subjects(rows)) return 1;
  }
  return limits_run(rows->db, "COMMIT");
}

void limits_rows_close(limits_rows *rows) {
  for (sqlite3_stmt *s = sqlite3_next_stmt(rows->db, NULL); s; s = sqlite3_next_stmt(rows->db, NULL)) {
    sqlite3_finalize(s);
  }
  sqlite3_close(rows->db);
}
