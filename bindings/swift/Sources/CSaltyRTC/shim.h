/* The header of the library, which is where pkg-config says. */
#include <saltyrtc.h>
