#define _GNU_SOURCE
#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "database.h"
#include "xiecha_limits.h"

// Results that share a commit, at most.
enum { GROUP = 256 };

typedef struct {
  int64_t next_at, seq, request, created_at;
} message;

typedef struct {
  CURL *easy;
  struct curl_slist *headers;
  const message *sent;
} transfer;

typedef struct {
  const limits_push_options *options;
  sqlite3 *db;
  sqlite3_stmt *take, *finish;
  CURLM *multi;
  transfer *transfers, **idle;
  message *messages;
  int count, idle_count, sent, done, unsettled;
  const message *results[GROUP];
  // What is signed: id, moment and body in one piece.
  char *signed_text;
} pushing;

static double seconds_of(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int read_due(pushing *p) {
  const limits_push_options *o = p->options;
  sqlite3_stmt *due = limits_prepare(p->db, o->due);
  p->messages = calloc((size_t)o->messages, sizeof *p->messages);
  if (!due || !p->messages) return 1;
  sqlite3_bind_int64(due, 1, o->endpoint);
  sqlite3_bind_int64(due, 2, INT64_MIN);
  sqlite3_bind_int64(due, 3, INT64_MIN);
  sqlite3_bind_int64(due, 4, (int64_t)seconds_of(CLOCK_REALTIME) * 1000 + 1000);
  sqlite3_bind_int64(due, 5, o->messages);
  while (p->count < o->messages && sqlite3_step(due) == SQLITE_ROW) {
    p->messages[p->count++] = (message){
        sqlite3_column_int64(due, 0), sqlite3_column_int64(due, 1), sqlite3_column_int64(due, 2),
        sqlite3_column_int64(due, 3)};
  }
  sqlite3_finalize(due);
  return p->count == o->messages ? 0 : limits_failed("outbox", "too few messages are due");
}

static int prepare_transfers(pushing *p) {
  const limits_push_options *o = p->options;
  p->multi = curl_multi_init();
  p->transfers = calloc((size_t)o->in_flight, sizeof *p->transfers);
  p->idle = calloc((size_t)o->in_flight, sizeof *p->idle);
  p->signed_text = malloc(o->body_bytes + 128);
  if (!p->multi || !p->transfers || !p->idle || !p->signed_text) return limits_failed("push", "no memory");
  curl_multi_setopt(p->multi, CURLMOPT_MAXCONNECTS, (long)o->in_flight);
  for (int i = 0; i < o->in_flight; i++) {
    transfer *t = p->idle[p->idle_count++] = &p->transfers[i];
    t->easy = curl_easy_init();
    if (!t->easy) return limits_failed("push", "no memory");
    curl_easy_setopt(t->easy, CURLOPT_URL, o->url);
    curl_easy_setopt(t->easy, CURLOPT_PROXY, "");
    curl_easy_setopt(t->easy, CURLOPT_USERAGENT, "xiecha/1");
    curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(t->easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, 15000L);
    curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, (const char *)o->body);
    curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)o->body_bytes);
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
  }
  return 0;
}

static void sign(pushing *p, const char *id, long at, char *header, size_t room) {
  static const unsigned char key[32] = {7};
  unsigned char mac[32], encoded[48];
  unsigned int length = 0;
  int head = sprintf(p->signed_text, "%s.%ld.", id, at);
  memcpy(p->signed_text + head, p->options->body, p->options->body_bytes);
  HMAC(EVP_sha256(), key, sizeof key, (unsigned char *)p->signed_text, (size_t)head + p->options->body_bytes, mac,
       &length);
  EVP_EncodeBlock(encoded, mac, (int)length);
  snprintf(header, room, "webhook-signature: v1,%s", (char *)encoded);
}

static void send_one(pushing *p, transfer *t, const message *m) {
  char id[48], line[160];
  long at = (long)time(NULL);
  snprintf(id, sizeof id, "0199a3c2-0000-7000-8000-%012lld", (long long)m->seq);
  struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
  headers = curl_slist_append(headers, "content-type: application/json");
  snprintf(line, sizeof line, "webhook-id: %s", id);
  headers = curl_slist_append(headers, line);
  snprintf(line, sizeof line, "webhook-timestamp: %ld", at);
  headers = curl_slist_append(headers, line);
  sign(p, id, at, line, sizeof line);
  t->headers = curl_slist_append(headers, line);
  t->sent = m;
  curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
  curl_multi_add_handle(p->multi, t->easy);
}

static int settle(pushing *p) {
  if (!p->unsettled) return 0;
  int64_t endpoint = p->options->endpoint, now = (int64_t)(seconds_of(CLOCK_REALTIME) * 1000);
  if (limits_run(p->db, "BEGIN IMMEDIATE")) return 1;
  for (int i = 0; i < p->unsettled; i++) {
    const message *m = p->results[i];
    sqlite3_bind_int64(p->take, 1, endpoint);
    sqlite3_bind_int64(p->take, 2, m->next_at);
    sqlite3_bind_int64(p->take, 3, m->seq);
    sqlite3_bind_int64(p->finish, 1, endpoint);
    sqlite3_bind_int64(p->finish, 2, m->seq);
    sqlite3_bind_text(p->finish, 3, "delivered", -1, SQLITE_STATIC);
    sqlite3_bind_int64(p->finish, 4, m->request);
    sqlite3_bind_int64(p->finish, 5, m->created_at);
    sqlite3_bind_int64(p->finish, 6, now);
    sqlite3_bind_int64(p->finish, 7, 1);
    sqlite3_bind_int64(p->finish, 8, 204);
    // A trip, as the broker packs it.
    sqlite3_bind_text(p->finish, 10, "21 60 0 530 533 127.0.0.1", -1, SQLITE_STATIC);
    if (limits_step(p->db, p->take) || limits_step(p->db, p->finish)) return 1;
  }
  p->done += p->unsettled;
  p->unsettled = 0;
  return limits_run(p->db, "COMMIT");
}

static int collect(pushing *p, int *finished) {
  CURLMsg *report;
  int left;
  while (p->unsettled < GROUP && (report = curl_multi_info_read(p->multi, &left))) {
    transfer *t = NULL;
    long status = 0;
    curl_easy_getinfo(report->easy_handle, CURLINFO_PRIVATE, (char **)&t);
    curl_easy_getinfo(report->easy_handle, CURLINFO_RESPONSE_CODE, &status);
    if (report->data.result != CURLE_OK || status != 204) {
      return limits_failed("push", curl_easy_strerror(report->data.result));
    }
    curl_multi_remove_handle(p->multi, t->easy);
    curl_slist_free_all(t->headers);
    t->headers = NULL;
    p->results[p->unsettled++] = t->sent;
    p->idle[p->idle_count++] = t;
    (*finished)++;
  }
  return 0;
}

static int send_all(pushing *p) {
  while (p->done < p->count) {
    while (p->idle_count && p->sent < p->count) send_one(p, p->idle[--p->idle_count], &p->messages[p->sent++]);
    int running = 0, finished = 0;
    curl_multi_perform(p->multi, &running);
    if (collect(p, &finished)) return 1;
    if ((p->unsettled == GROUP || !running) && settle(p)) return 1;
    if (!finished && running) curl_multi_poll(p->multi, NULL, 0, 1000, NULL);
  }
  return 0;
}

static void forget(pushing *p) {
  for (int i = 0; p->transfers && i < p->options->in_flight; i++) {
    if (!p->transfers[i].easy) continue;
    curl_multi_remove_handle(p->multi, p->transfers[i].easy);
    curl_easy_cleanup(p->transfers[i].easy);
    curl_slist_free_all(p->transfers[i].headers);
  }
  curl_multi_cleanup(p->multi);
  sqlite3_finalize(p->take);
  sqlite3_finalize(p->finish);
  sqlite3_close(p->db);
  free(p->transfers);
  free(p->idle);
  free(p->messages);
  free(p->signed_text);
}

int limits_push(const limits_push_options *options) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  pushing p = {.options = options, .db = limits_open(options->database)};
  if (!p.db) return 1;
  p.take = limits_prepare(p.db, options->take);
  p.finish = limits_prepare(p.db, options->finish);
  double start = seconds_of(CLOCK_MONOTONIC), cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  int code = !p.take || !p.finish || read_due(&p) || prepare_transfers(&p) || send_all(&p);
  if (!code) {
    printf("%f %f\n", seconds_of(CLOCK_MONOTONIC) - start, seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    fflush(stdout);
  }
  forget(&p);
  return code;
}
