/* Preloaded into a process, writes down in order what it does to files in one folder and what it sends to sockets, so that
 * a power cut can be played at any moment: what was not synced may be lost.
 *
 * POWERCUT_FOLDER names the folder, POWERCUT_TRACE the file to write to. A record is: kind (1 byte), file or socket
 * (4 bytes), offset (8), length (8), data; all little-endian. Kinds: O open (data: path; offset: 1 if that made it),
 * W write, T truncate (offset: size), B a sync begins, S it has ended, D the folder was synced, U unlink (data: path),
 * N network (data sent), P standard output (data).
 *
 * With POWERCUT_PRETEND syncs of files whose path ends so do nothing: the mutant that the check must find. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_FD 4096
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int trace = -1;
static char folder[PATH_MAX];
static size_t folder_length;
/* What a descriptor is: 0 unknown, 1 a file of the folder, 2 a socket, 3 something else, 4 the folder. */
static unsigned char kinds[MAX_FD];
static unsigned char pretends[MAX_FD];
static const char *pretended;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("POWERCUT_TRACE"), *wanted = getenv("POWERCUT_FOLDER");
    if (path == NULL || wanted == NULL || realpath(wanted, folder) == NULL)
        return;
    folder_length = strlen(folder);
    trace = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    pretended = getenv("POWERCUT_PRETEND");
    /* Children have nothing to do with it. */
    unsetenv("LD_PRELOAD");
}

static void record(char kind, int fd, uint64_t offset, const void *data, uint64_t length)
{
    if (trace < 0)
        return;
    unsigned char head[21];
    int32_t number = fd;
    head[0] = (unsigned char)kind;
    memcpy(head + 1, &number, 4);
    memcpy(head + 5, &offset, 8);
    memcpy(head + 13, &length, 8);
    struct iovec parts[2] = {{head, sizeof head}, {(void *)data, data ? length : 0}};
    if (REAL(writev)(trace, parts, 2) < 0)
        abort();
}

static int kind_of(int fd)
{
    if (fd < 0 || fd >= MAX_FD || trace < 0 || fd == trace)
        return 3;
    if (kinds[fd] == 0) {
        struct stat status;
        kinds[fd] = fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode) ? 2 : 3;
    }
    return kinds[fd];
}

static int ends_with(const char *text, size_t length, const char *end)
{
    size_t count = end ? strlen(end) : 0;
    return count > 0 && length >= count && memcmp(text + length - count, end, count) == 0;
}

static void opened(int fd, int is_new)
{
    if (fd < 0 || fd >= MAX_FD || trace < 0)
        return;
    char link[64], full[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, full, sizeof full - 1);
    if (length <= 0)
        return;
    full[length] = 0;
    struct stat status;
    if (strncmp(full, folder, folder_length) == 0 && full[folder_length] == '/' && fstat(fd, &status) == 0
        && S_ISREG(status.st_mode)) {
        kinds[fd] = 1;
        pretends[fd] = (unsigned char)ends_with(full, (size_t)length, pretended);
        record('O', fd, (uint64_t)is_new, full, (uint64_t)length);
    } else if (strcmp(full, folder) == 0) {
        kinds[fd] = 4;
    } else {
        kinds[fd] = 0;
    }
}

#define OPEN(name)                                                                                                     \
    int name(const char *path, int flags, ...)                                                                         \
    {                                                                                                                  \
        va_list list;                                                                                                  \
        va_start(list, flags);                                                                                         \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;                                        \
        va_end(list);                                                                                                  \
        pthread_mutex_lock(&lock);                                                                                     \
        int is_new = flags & O_CREAT && access(path, F_OK) != 0;                                                       \
        int fd = REAL(name)(path, flags, mode);                                                                        \
        int error = errno;                                                                                             \
        opened(fd, is_new);                                                                                            \
        pthread_mutex_unlock(&lock);                                                                                   \
        errno = error;                                                                                                 \
        return fd;                                                                                                     \
    }
OPEN(open)
OPEN(open64)

int close(int fd)
{
    pthread_mutex_lock(&lock);
    if (fd >= 0 && fd < MAX_FD)
        kinds[fd] = 0;
    pthread_mutex_unlock(&lock);
    return REAL(close)(fd);
}

ssize_t pwrite64(int fd, const void *data, size_t count, off64_t offset)
{
    pthread_mutex_lock(&lock);
    ssize_t done = REAL(pwrite64)(fd, data, count, offset);
    if (done > 0 && kind_of(fd) == 1)
        record('W', fd, (uint64_t)offset, data, (uint64_t)done);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t count, off_t offset) { return pwrite64(fd, data, count, offset); }

ssize_t write(int fd, const void *data, size_t count)
{
    pthread_mutex_lock(&lock);
    int kind = kind_of(fd);
    off_t offset = kind == 1 ? lseek(fd, 0, SEEK_CUR) : 0;
    ssize_t done = REAL(write)(fd, data, count);
    int error = errno;
    if (done > 0 && (kind == 1 || kind == 2 || fd == 1))
        record(kind == 1 ? 'W' : kind == 2 ? 'N' : 'P', fd, (uint64_t)offset, data, (uint64_t)done);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    pthread_mutex_lock(&lock);
    ssize_t done = REAL(writev)(fd, parts, count);
    int error = errno;
    if (kind_of(fd) == 2)
        for (ssize_t i = 0, left = done; i < count && left > 0; left -= (ssize_t)parts[i++].iov_len)
            record('N', fd, 0, parts[i].iov_base,
                   (size_t)left < parts[i].iov_len ? (uint64_t)left : parts[i].iov_len);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int ftruncate64(int fd, off64_t size)
{
    pthread_mutex_lock(&lock);
    int result = REAL(ftruncate64)(fd, size);
    if (result == 0 && kind_of(fd) == 1)
        record('T', fd, (uint64_t)size, NULL, 0);
    pthread_mutex_unlock(&lock);
    return result;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

/* What is written during a sync need not be part of it. */
static int synced(int (*real)(int), int fd)
{
    pthread_mutex_lock(&lock);
    int kind = kind_of(fd), pretend = kind == 1 && pretends[fd];
    if (kind == 1 && !pretend)
        record('B', fd, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    if (pretend)
        return 0;
    int result = real(fd), error = errno;
    pthread_mutex_lock(&lock);
    if (result == 0 && (kind == 1 || kind == 4))
        record(kind == 1 ? 'S' : 'D', fd, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int fsync(int fd) { return synced(REAL(fsync), fd); }
int fdatasync(int fd) { return synced(REAL(fdatasync), fd); }

int unlink(const char *path)
{
    pthread_mutex_lock(&lock);
    char full[PATH_MAX];
    if (trace >= 0 && realpath(path, full) != NULL && strncmp(full, folder, folder_length) == 0)
        record('U', -1, 0, full, strlen(full));
    int result = REAL(unlink)(path);
    pthread_mutex_unlock(&lock);
    return result;
}
