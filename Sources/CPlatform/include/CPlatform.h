#ifndef CPLATFORM_H
#define CPLATFORM_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/// posix_spawn_file_actions_addclosefrom_np, which the Glibc module hides behind _GNU_SOURCE.
/// The actions are a posix_spawn_file_actions_t; naming that type here would make its module ours.
int cplatform_spawn_close_from(void *actions, int from);

/// POSIX_SPAWN_SETSID, which is hidden likewise: the child begins a session, and the first terminal
/// that it opens is the session's.
short cplatform_spawn_in_session(void);

/// The master side of a new pseudo-terminal, non-blocking and closed in children, and the path of
/// its other side; -1 with errno.
int cplatform_open_terminal(char *path, size_t size);

/// A regular file in memory, without a place in any folder, closed in children; -1 with errno.
int cplatform_memory_file(const char *name);

/// Lets malloc serve blocks up to `block` bytes from its heap and keep `kept` free bytes there.
void cplatform_keep_memory(size_t block, size_t kept);

/// What matters of struct stat, which several modules claim as theirs.
struct cplatform_status {
    uint32_t owner;
    uint32_t mode;
    uint64_t inode;
    /// The last change of any kind.
    int64_t changed_seconds;
    int64_t changed_nanoseconds;
};

/// 0, or -1 with errno.
int cplatform_fstat(int descriptor, struct cplatform_status *status);
int cplatform_stat(const char *path, struct cplatform_status *status);
/// Of a link itself, not of what it leads to.
int cplatform_lstat(const char *path, struct cplatform_status *status);

/// Notes the modes of a terminal and puts them back when the process exits or crashes.
void cplatform_guard_terminal(int descriptor);

/// Says what a guarded terminal is told before its modes are put back, at most 256 bytes: how to
/// leave what was entered on its screen.
void cplatform_set_farewell(const char *text, size_t length);

/// A descriptor that is readable while a blocked signal is pending; -1 with errno.
int cplatform_signal_descriptor(int signal);
/// Whether the signal was pending; it no longer is then.
int cplatform_take_signal(int descriptor);

/// A stream for writing whose bytes are given to `taken`; null with errno.
FILE *cplatform_stream(void (*taken)(const void *bytes, size_t count));

/// Stops this process as the terminal's own Ctrl-Z does; comes back when it goes on.
void cplatform_stop(void);

#endif
