#include "database.h"

#include <stdio.h>

int limits_failed(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  return 1;
}

int limits_run(sqlite3 *db, const char *sql) {
  return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : limits_failed(sql, sqlite3_errmsg(db));
}

sqlite3 *limits_open(const char *file) {
  sqlite3 *db = NULL;
  // As the broker does; a second call comes too late and changes nothing.
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  if (sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
      !limits_run(db, "PRAGMA journal_mode = WAL") && !limits_run(db, "PRAGMA synchronous = FULL") &&
      !limits_run(db, "PRAGMA foreign_keys = ON") && !limits_run(db, "PRAGMA temp_store = MEMORY") &&
      !limits_run(db, "PRAGMA cache_size = -32768")) {
    return db;
  }
  limits_failed(file, db ? sqlite3_errmsg(db) : "no memory");
  sqlite3_close(db);
  return NULL;
}

sqlite3_stmt *limits_prepare(sqlite3 *db, const char *sql) {
  sqlite3_stmt *statement = NULL;
  if (sql && sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK) {
    limits_failed(sql, sqlite3_errmsg(db));
  }
  return statement;
}

int limits_step(sqlite3 *db, sqlite3_stmt *statement) {
  int code = sqlite3_step(statement);
  sqlite3_reset(statement);
  return code == SQLITE_DONE ? 0 : limits_failed(sqlite3_sql(statement), sqlite3_errmsg(db));
}
