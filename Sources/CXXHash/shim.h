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

// What matters of the state: neither the address it holds, which is different in every process, nor memory that
// was never written, which is somebody else's.
static inline void cxxhash_save(const XXH3_state_t *state, void *image) {
    XXH3_state_t copy;
    memset(&copy, 0, sizeof copy);
    memcpy(copy.acc, state->acc, sizeof copy.acc);
    memcpy(copy.buffer, state->buffer, state->bufferedSize);
    // Once more came than it holds, a digest reads the last stripe at its end, too; what is
    // between may never have been written.
    if (state->totalLen > sizeof copy.buffer) {
        enum { stripe = 64 };
        size_t end = sizeof copy.buffer - stripe;
        memcpy(copy.buffer + end, state->buffer + end, stripe);
    }
    copy.bufferedSize = state->bufferedSize;
    copy.useSeed = state->useSeed;
    copy.nbStripesSoFar = state->nbStripesSoFar;
    copy.totalLen = state->totalLen;
    copy.nbStripesPerBlock = state->nbStripesPerBlock;
    copy.secretLimit = state->secretLimit;
    copy.seed = state->seed;
    memcpy(image, &copy, sizeof copy);
}

// `state` was reset before: it keeps its own address.
static inline void cxxhash_restore(XXH3_state_t *state, const void *image) {
    const unsigned char *secret = state->extSecret;
    memcpy(state, image, sizeof *state);
    state->extSecret = secret;
}
