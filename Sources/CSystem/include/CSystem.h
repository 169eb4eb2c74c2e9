#ifndef CSYSTEM_H
#define CSYSTEM_H

#include <spawn.h>

/// posix_spawn_file_actions_addclosefrom_np, which the Glibc module hides behind _GNU_SOURCE.
int csystem_spawn_close_from(posix_spawn_file_actions_t *actions, int from);

#endif
