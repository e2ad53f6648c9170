/* Makes chosen disk operations of the program that preloads this fail or take long.
 *
 * The test writes what to do into the file that DISK_FAULTS names; see disk_faults.rs, which has the
 * same layout. With nothing to do, every call is passed on at once.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

enum { SYNC = 1, WRITE = 2, TRUNCATE = 4 };
enum { FAIL_AFTER = 1, FAIL_INSTEAD = 2, DELAY = 3 };

struct control {
    int action;
    int operations; /* bits */
    int error;      /* errno */
    int skip;       /* matching calls that are passed on first */
    int count;      /* matching calls to affect; negative: all */
    int delay_ms;
    int kill_after; /* calls after the first affected one until SIGKILL; negative: never */
    int affected;   /* affected calls so far */
    char suffix[32];
};

static struct control *control;

__attribute__((constructor)) static void open_control(void) {
    const char *path = getenv("DISK_FAULTS");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory != MAP_FAILED) control = memory;
    close(fd);
}

static int concerns(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    size_t suffix = strnlen(control->suffix, sizeof control->suffix);
    return (size_t)length >= suffix && !memcmp(path + length - suffix, control->suffix, suffix);
}

/* The action for this call, or 0. */
static int action_for(int operation, int fd) {
    if (!control) return 0;
    int action = __atomic_load_n(&control->action, __ATOMIC_ACQUIRE);
    if (!action || !concerns(fd)) return 0;
    if (__atomic_load_n(&control->affected, __ATOMIC_ACQUIRE) > 0 && control->kill_after > 0 &&
        __atomic_sub_fetch(&control->kill_after, 1, __ATOMIC_ACQ_REL) == 0)
        raise(SIGKILL);
    if (!(control->operations & operation)) return 0;
    if (__atomic_load_n(&control->skip, __ATOMIC_ACQUIRE) > 0 &&
        __atomic_fetch_sub(&control->skip, 1, __ATOMIC_ACQ_REL) > 0)
        return 0;
    if (__atomic_load_n(&control->count, __ATOMIC_ACQUIRE) >= 0 &&
        __atomic_fetch_sub(&control->count, 1, __ATOMIC_ACQ_REL) <= 0) {
        __atomic_store_n(&control->count, 0, __ATOMIC_RELEASE);
        return 0;
    }
    if (action == DELAY) usleep((useconds_t)control->delay_ms * 1000);
    __atomic_add_fetch(&control->affected, 1, __ATOMIC_ACQ_REL);
    return action;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* Carries out `call` unless it is to fail instead, and reports a failure if it is to fail. */
#define INJECT(operation, fd, call)                                \
    do {                                                           \
        int action = action_for(operation, fd);                    \
        if (action != FAIL_INSTEAD) {                              \
            __typeof__(call) result = call;                        \
            if (action != FAIL_AFTER) return result;               \
        }                                                          \
        errno = control->error;                                    \
        return -1;                                                 \
    } while (0)

int fsync(int fd) { INJECT(SYNC, fd, REAL(fsync)(fd)); }
int fdatasync(int fd) { INJECT(SYNC, fd, REAL(fdatasync)(fd)); }
int ftruncate(int fd, off_t length) { INJECT(TRUNCATE, fd, REAL(ftruncate)(fd, length)); }
int ftruncate64(int fd, off64_t length) { INJECT(TRUNCATE, fd, REAL(ftruncate64)(fd, length)); }

ssize_t write(int fd, const void *bytes, size_t length) {
    INJECT(WRITE, fd, REAL(write)(fd, bytes, length));
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
    INJECT(WRITE, fd, REAL(pwrite)(fd, bytes, length, at));
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
    INJECT(WRITE, fd, REAL(pwrite64)(fd, bytes, length, at));
}
