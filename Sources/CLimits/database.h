#ifndef XIECHA_LIMITS_DATABASE_H
#define XIECHA_LIMITS_DATABASE_H

#include <sqlite3.h>

// Says on standard error what failed and why; returns 1.
int limits_failed(const char *what, const char *why);
// As the store opens its writer: WAL, synchronous FULL. NULL after a line on standard error.
sqlite3 *limits_open(const char *file);
// NULL after a line on standard error; also for a NULL text, without one.
sqlite3_stmt *limits_prepare(sqlite3 *db, const char *sql);
// Runs a statement that gives no row, and resets it.
int limits_step(sqlite3 *db, sqlite3_stmt *statement);
int limits_run(sqlite3 *db, const char *sql);

#endif
