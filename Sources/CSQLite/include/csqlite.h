// What the store needs of SQLite that Swift cannot say: a variadic call, and a VFS shim. Of SQLite's types
// only the name of the connection shows here.
#ifndef XIECHA_CSQLITE_H
#define XIECHA_CSQLITE_H

struct sqlite3;

// To be called once a process, before SQLite's first use: counts no memory, for with every allocation SQLite would take
// one lock of the whole process, for which the writer and all readers wait; and makes the VFS of gather.c the default.
// SQLITE_OK, or the first code that was none: SQLITE_MISUSE when SQLite has been used already.
int csqlite_configure(void);

// From here to `csqlite_gather_end`, what this connection appends to its write-ahead log is kept in memory, up to 128 KiB
// of it at a time, and written with one call: with its commit frame, when there is no more room, or before the log is
// synced, read, measured or truncated. SQLite alone makes two calls a page. To be called right before COMMIT; both on the
// connection's own queue.
// SQLITE_OK; SQLITE_NOTFOUND when its log is not open through gather.c, or SQLITE_NOMEM: then it writes as ever.
int csqlite_gather_begin(struct sqlite3 *connection);

// Bytes that were still in memory. After a COMMIT that succeeded there are none. After one that failed they are dropped,
// and the transaction has to be rolled back: SQLite takes them for written.
int csqlite_gather_end(struct sqlite3 *connection);

#endif
