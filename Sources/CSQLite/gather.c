// A VFS shim (sqlite.org/vfs.html) for the write-ahead log alone. All other files are opened by the VFS below and never
// seen again. The log's own file does what the one below does, until `csqlite_gather_begin`; then appended frames gather
// in a buffer, in the order and at the places at which SQLite wrote them, and go down together.
//
// Nothing may be published that is not written: as soon as COMMIT is over, other connections are told of its frames. So
// the buffer goes down with the commit frame, whether a sync follows it or not, and gathering ends there. And nothing
// may linger: after a COMMIT that failed, another connection may write its own frames at the same place.

#include "gather.h"

#include <stddef.h>
#include <string.h>

#include <sqlite3.h>

#include "csqlite.h"

// A frame (sqlite.org/fileformat2.html#the_write_ahead_log): its header, then the page. Bytes 4 to 7 of the header are
// zero, but for the last frame of a commit. The VFS of unix takes no more than 17 bits of bytes at once.
enum { frame_header = 24, capacity = (1 << 17) - 1 };

typedef struct {
  sqlite3_file base;
  sqlite3_file *below;
  // Made when it is first wanted.
  unsigned char *buffer;
  sqlite3_int64 offset;
  int size;
  int gathers;
  // The page of a commit frame comes next.
  int ends;
} log_file;

// Where the file of the VFS below lies, behind our own in the memory that SQLite gives us.
static const int below_at = (sizeof(log_file) + 15) / 16 * 16;

// The default VFS, and a copy of it that opens files our way. Its other functions look at the copy for nothing but what
// was copied.
static sqlite3_vfs *below;
static sqlite3_vfs shim;

static int write_down(log_file *log) {
  int size = log->size;
  log->size = 0;
  return size ? log->below->pMethods->xWrite(log->below, log->buffer, size, log->offset) : SQLITE_OK;
}

static int log_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
  log_file *log = (log_file *)file;
  if (!log->gathers) return log->below->pMethods->xWrite(log->below, bytes, count, offset);
  if (log->size && (offset != log->offset + log->size || count > capacity - log->size)) {
    int code = write_down(log);
    if (code != SQLITE_OK) return code;
  }
  if (count > capacity) return log->below->pMethods->xWrite(log->below, bytes, count, offset);
  if (!log->size) log->offset = offset;
  memcpy(log->buffer + log->size, bytes, (size_t)count);
  log->size += count;
  if (log->ends) {
    log->gathers = log->ends = 0;
    return write_down(log);
  }
  static const unsigned char zero[4];
  log->ends = count == frame_header && memcmp((const unsigned char *)bytes + 4, zero, 4) != 0;
  return SQLITE_OK;
}

static int log_close(sqlite3_file *file) {
  log_file *log = (log_file *)file;
  sqlite3_free(log->buffer);
  return log->below->pMethods->xClose(log->below);
}

// The rest is left to the file below, once what has gathered is written where it matters.
#define BELOW(file, call, ...) \
  (((log_file *)(file))->below->pMethods->call(((log_file *)(file))->below, ##__VA_ARGS__))
#define WRITTEN_BELOW(file, call, ...) \
  int code = write_down((log_file *)(file)); \
  return code == SQLITE_OK ? BELOW(file, call, ##__VA_ARGS__) : code

static int log_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
  WRITTEN_BELOW(file, xRead, bytes, count, offset);
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 size) {
  WRITTEN_BELOW(file, xTruncate, size);
}

static int log_sync(sqlite3_file *file, int flags) {
  WRITTEN_BELOW(file, xSync, flags);
}

static int log_size(sqlite3_file *file, sqlite3_int64 *size) {
  WRITTEN_BELOW(file, xFileSize, size);
}

static int log_lock(sqlite3_file *file, int level) {
  return BELOW(file, xLock, level);
}

static int log_unlock(sqlite3_file *file, int level) {
  return BELOW(file, xUnlock, level);
}

static int log_is_reserved(sqlite3_file *file, int *result) {
  return BELOW(file, xCheckReservedLock, result);
}

static int log_control(sqlite3_file *file, int operation, void *argument) {
  return BELOW(file, xFileControl, operation, argument);
}

static int log_sector(sqlite3_file *file) {
  return BELOW(file, xSectorSize);
}

static int log_characteristics(sqlite3_file *file) {
  return BELOW(file, xDeviceCharacteristics);
}

// Version 1: a log has no shared memory and is not mapped.
static const sqlite3_io_methods log_methods = {
    .iVersion = 1,
    .xClose = log_close,
    .xRead = log_read,
    .xWrite = log_write,
    .xTruncate = log_truncate,
    .xSync = log_sync,
    .xFileSize = log_size,
    .xLock = log_lock,
    .xUnlock = log_unlock,
    .xCheckReservedLock = log_is_reserved,
    .xFileControl = log_control,
    .xSectorSize = log_sector,
    .xDeviceCharacteristics = log_characteristics,
};

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags) {
  (void)vfs;
  if (!(flags & SQLITE_OPEN_WAL)) return below->xOpen(below, name, file, flags, out_flags);
  log_file *log = (log_file *)file;
  memset(log, 0, sizeof *log);
  log->below = (sqlite3_file *)((unsigned char *)file + below_at);
  int code = below->xOpen(below, name, log->below, flags, out_flags);
  // A file without methods is not closed.
  if (code == SQLITE_OK) log->base.pMethods = &log_methods;
  return code;
}

int gather_register(void) {
  if (below) return SQLITE_OK;
  sqlite3_vfs *found = sqlite3_vfs_find(NULL);
  if (!found) return SQLITE_ERROR;
  below = found;
  shim = *found;
  shim.pNext = NULL;
  shim.zName = "xiecha";
  shim.szOsFile = below_at + found->szOsFile;
  shim.xOpen = shim_open;
  return sqlite3_vfs_register(&shim, 1);
}

// The connection's log, or nothing when it has none or one of another VFS.
static log_file *log_of(sqlite3 *connection) {
  sqlite3_file *file = NULL;
  int code = sqlite3_file_control(connection, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
  return code == SQLITE_OK && file && file->pMethods == &log_methods ? (log_file *)file : NULL;
}

int csqlite_gather_begin(sqlite3 *connection) {
  log_file *log = log_of(connection);
  if (!log) return SQLITE_NOTFOUND;
  if (!log->buffer) log->buffer = sqlite3_malloc(capacity);
  if (!log->buffer) return SQLITE_NOMEM;
  log->gathers = 1;
  return SQLITE_OK;
}

int csqlite_gather_end(sqlite3 *connection) {
  log_file *log = log_of(connection);
  if (!log) return 0;
  int left = log->size;
  log->size = log->gathers = log->ends = 0;
  return left;
}
