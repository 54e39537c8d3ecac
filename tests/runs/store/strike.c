/* Preloaded into a process that writes a run folder: at its k-th call that changes the disk, it dies
   half way (error 0), or that call and all later ones fail. Standard output and error are left alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static long left = -1;
static int error_number = 0;

void arm(long k, int error) { left = k; error_number = error; }
void disarm(void) { left = -1; }
long remaining(void) { return left; }

static int struck(void) {
    if (left < 0) return 0;
    if (left > 0) left--;
    return left == 0;
}

static int strike(void) {
    if (!error_number) raise(SIGKILL);
    errno = error_number;
    return -1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *data, size_t size) {
    if (fd > 2 && struck()) {
        if (!error_number) REAL(write)(fd, data, size / 2);
        return strike();
    }
    return REAL(write)(fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    if (struck()) {
        if (!error_number) REAL(pwrite)(fd, data, size / 2, at);
        return strike();
    }
    return REAL(pwrite)(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    if (struck()) {
        if (!error_number) REAL(pwrite64)(fd, data, size / 2, at);
        return strike();
    }
    return REAL(pwrite64)(fd, data, size, at);
}
int fsync(int fd) { return struck() ? strike() : REAL(fsync)(fd); }
int fdatasync(int fd) { return struck() ? strike() : REAL(fdatasync)(fd); }
int rename(const char *from, const char *to) { return struck() ? strike() : REAL(rename)(from, to); }
int mkdir(const char *path, mode_t mode) { return struck() ? strike() : REAL(mkdir)(path, mode); }
int ftruncate(int fd, off_t size) { return struck() ? strike() : REAL(ftruncate)(fd, size); }
int ftruncate64(int fd, off64_t size) { return struck() ? strike() : REAL(ftruncate64)(fd, size); }
/* What makes room again does not fail on a full disk. */
int unlink(const char *path) {
    return !error_number && struck() ? strike() : REAL(unlink)(path);
}
