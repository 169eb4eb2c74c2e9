// The layout of a digest's state, which moves from host to host with its session.
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>
#include <string.h>

#if defined(__x86_64__)
// The library's choice of vector instructions at run time; what xxhash.h declares is plain SSE2.
XXH_errorcode XXH3_64bits_update_dispatch(XXH3_state_t *state, const void *input, size_t length);
XXH_errorcode XXH3_128bits_update_dispatch(XXH3_state_t *state, const void *input, size_t length);
#endif

static inline size_t cxxhash_state_size(void) { return sizeof(XXH3_state_t); }

// The state without the address it holds, which is different in every process.
static inline void cxxhash_save(const XXH3_state_t *state, void *image) {
    XXH3_state_t copy = *state;
    copy.extSecret = NULL;
    memcpy(image, &copy, sizeof copy);
}

// `state` was reset before: it keeps its own address.
static inline void cxxhash_restore(XXH3_state_t *state, const void *image) {
    const unsigned char *secret = state->extSecret;
    memcpy(state, image, sizeof *state);
    state->extSecret = secret;
}
