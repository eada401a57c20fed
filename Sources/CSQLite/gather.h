#ifndef XIECHA_GATHER_H
#define XIECHA_GATHER_H

// Makes the shim the default VFS, in front of the one that was.
int gather_register(void);

#endif
