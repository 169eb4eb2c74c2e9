#ifndef CSPAWN_H
#define CSPAWN_H

#include <spawn.h>

/// posix_spawn_file_actions_addclosefrom_np, which the Glibc module hides behind _GNU_SOURCE.
int cspawn_spawn_close_from(posix_spawn_file_actions_t *actions, int from);

#endif
