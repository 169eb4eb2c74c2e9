#define _GNU_SOURCE
#include "CPlatform.h"

#include <malloc.h>
#include <spawn.h>

int cplatform_spawn_close_from(void *actions, int from) {
    return posix_spawn_file_actions_addclosefrom_np(actions, from);
}

void cplatform_keep_memory(size_t block, size_t kept) {
    mallopt(M_MMAP_THRESHOLD, (int)block);
    mallopt(M_TRIM_THRESHOLD, (int)kept);
}
