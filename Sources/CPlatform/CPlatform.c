#define _GNU_SOURCE
#include <sys/stat.h>
#include "CPlatform.h"

#include <malloc.h>
#include <spawn.h>
#include <sys/mman.h>

int cplatform_spawn_close_from(void *actions, int from) {
    return posix_spawn_file_actions_addclosefrom_np(actions, from);
}

int cplatform_memory_file(const char *name) {
    return memfd_create(name, MFD_CLOEXEC);
}

void cplatform_keep_memory(size_t block, size_t kept) {
    mallopt(M_MMAP_THRESHOLD, (int)block);
    mallopt(M_TRIM_THRESHOLD, (int)kept);
}

static int answer(int result, const struct stat *from, struct cplatform_status *to)
{
    if (result == 0) {
        to->owner = from->st_uid;
        to->mode = from->st_mode;
        to->inode = from->st_ino;
    }
    return result;
}

int cplatform_fstat(int descriptor, struct cplatform_status *status)
{
    struct stat found;
    return answer(fstat(descriptor, &found), &found, status);
}

int cplatform_lstat(const char *path, struct cplatform_status *status)
{
    struct stat found;
    return answer(lstat(path, &found), &found, status);
}
