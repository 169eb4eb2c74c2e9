#include <xxhash.h>

#if defined(__x86_64__)
// The library's choice of vector instructions at run time; what xxhash.h declares is plain SSE2.
XXH_errorcode XXH3_64bits_update_dispatch(XXH3_state_t *state, const void *input, size_t length);
XXH_errorcode XXH3_128bits_update_dispatch(XXH3_state_t *state, const void *input, size_t length);
#endif
