/// Typed forms of SQLite's variadic functions, which Swift cannot call.
#pragma once

#include <sqlite3.h>

/// Counts no memory: with every allocation SQLite would take one lock of the whole process, for which the writer and
/// all readers wait. Has an effect only before SQLite is first used.
/// Returns SQLITE_OK, or SQLITE_MISUSE when that is too late.
static inline int xiecha_sqlite_memory_statistics_off(void) {
  return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}
