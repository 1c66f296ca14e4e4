#include <stddef.h>

/* How many bytes are allocated in this process, by whatever language. */
size_t allocated_bytes(void);
