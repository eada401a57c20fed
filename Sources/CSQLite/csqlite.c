#include "csqlite.h"

#include <sqlite3.h>

#include "gather.h"

int csqlite_configure(void) {
  int configured = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  int registered = gather_register();
  return configured != SQLITE_OK ? configured : registered;
}
