#ifndef CSPAWN_H
#define CSPAWN_H

/// posix_spawn_file_actions_addclosefrom_np, which the Glibc module hides behind _GNU_SOURCE.
/// The actions are a posix_spawn_file_actions_t; naming that type here would make its module ours.
int cspawn_close_from(void *actions, int from);

#endif
