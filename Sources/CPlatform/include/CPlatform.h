#ifndef CPLATFORM_H
#define CPLATFORM_H

#include <stddef.h>

/// posix_spawn_file_actions_addclosefrom_np, which the Glibc module hides behind _GNU_SOURCE.
/// The actions are a posix_spawn_file_actions_t; naming that type here would make its module ours.
int cplatform_spawn_close_from(void *actions, int from);

/// Lets malloc serve blocks up to `block` bytes from its heap and keep `kept` free bytes there.
void cplatform_keep_memory(size_t block, size_t kept);

#endif
