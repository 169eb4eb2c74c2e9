#define _GNU_SOURCE
#include <sys/stat.h>
#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

int cplatform_spawn_close_from(void *actions, int from) {
    return posix_spawn_file_actions_addclosefrom_np(actions, from);
}

short cplatform_spawn_in_session(void) { return POSIX_SPAWN_SETSID; }

int cplatform_open_terminal(char *path, size_t size)
{
    struct termios modes;
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (terminal < 0)
        return -1;
    int result = ptsname_r(terminal, path, size);
    if (result != 0)
        errno = result;
    if (result == 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0
        && tcgetattr(terminal, &modes) == 0) {
        /* So that erasing takes a whole character away. */
        modes.c_iflag |= IUTF8;
        if (tcsetattr(terminal, TCSANOW, &modes) == 0)
            return terminal;
    }
    result = errno;
    close(terminal);
    errno = result;
    return -1;
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
        to->changed_seconds = from->st_ctim.tv_sec;
        to->changed_nanoseconds = from->st_ctim.tv_nsec;
    }
    return result;
}

int cplatform_fstat(int descriptor, struct cplatform_status *status)
{
    struct stat found;
    return answer(fstat(descriptor, &found), &found, status);
}

int cplatform_stat(const char *path, struct cplatform_status *status)
{
    struct stat found;
    return answer(stat(path, &found), &found, status);
}

int cplatform_lstat(const char *path, struct cplatform_status *status)
{
    struct stat found;
    return answer(lstat(path, &found), &found, status);
}

static int guarded = -1;
static struct termios modes;
static struct sigaction before[NSIG];
/* What else a terminal is told; the end of bracketed paste until somebody says more. */
static char farewell[256] = "\033[?2004l";
static volatile size_t farewell_length = 8;

/// Only calls that are allowed in a signal handler.
static void restore(void)
{
    struct termios now;
    if (guarded < 0 || tcgetattr(guarded, &now) != 0 || now.c_lflag == modes.c_lflag)
        return;
    tcsetattr(guarded, TCSANOW, &modes);
    if (write(guarded, farewell, farewell_length) < 0 || write(guarded, "\r\n", 2) < 0)
        return;
}

static void crashed(int number)
{
    restore();
    sigaction(number, &before[number], NULL);
    raise(number);
}

void cplatform_guard_terminal(int descriptor)
{
    static const int fatal[] = {SIGQUIT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP};
    struct sigaction action = {.sa_handler = crashed, .sa_flags = SA_NODEFER};
    if (guarded >= 0 || tcgetattr(descriptor, &modes) != 0)
        return;
    guarded = descriptor;
    atexit(restore);
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
        sigaction(fatal[i], &action, &before[fatal[i]]);
}

void cplatform_set_farewell(const char *text, size_t length)
{
    if (length > sizeof farewell)
        length = 0;
    farewell_length = 0;
    memcpy(farewell, text, length);
    farewell_length = length;
}

int cplatform_signal_descriptor(int signal)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int cplatform_take_signal(int descriptor)
{
    struct signalfd_siginfo info;
    return read(descriptor, &info, sizeof info) == sizeof info;
}

void cplatform_stop(void)
{
    sigset_t stop, old;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    pthread_sigmask(SIG_UNBLOCK, &stop, &old);
    pthread_kill(pthread_self(), SIGTSTP);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static ssize_t give(void *taken, const char *bytes, size_t count)
{
    ((void (*)(const void *, size_t))taken)(bytes, count);
    return (ssize_t)count;
}

FILE *cplatform_stream(void (*taken)(const void *bytes, size_t count))
{
    cookie_io_functions_t functions = {.write = give};
    return fopencookie((void *)taken, "w", functions);
}
