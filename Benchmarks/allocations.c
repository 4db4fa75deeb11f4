// Counts allocations, to show what training asks of the heap once it is steady.
//
//     cc -O2 -shared -fPIC -o /tmp/allocations.so Benchmarks/allocations.c
//     LD_PRELOAD=/tmp/allocations.so majortom train lm ... --updates 50
//     LD_PRELOAD=/tmp/allocations.so majortom train lm ... --updates 150
//
// The difference of the two counts is what 100 updates cost. At the end it prints the number of
// calls, how many of them asked for 4 KiB and more, and the bytes asked for.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static atomic_long calls, large, bytes;
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static void count(size_t size) {
  calls++;
  bytes += size;
  if (size >= 4096) large++;
}

void *malloc(size_t size) { count(size); return __libc_malloc(size); }
void *calloc(size_t n, size_t size) { count(n * size); return __libc_calloc(n, size); }
void *realloc(void *p, size_t size) { count(size); return __libc_realloc(p, size); }
void *aligned_alloc(size_t a, size_t size) { count(size); return __libc_memalign(a, size); }
int posix_memalign(void **p, size_t a, size_t size) {
  count(size);
  *p = __libc_memalign(a, size);
  return *p ? 0 : 12;
}

__attribute__((destructor)) static void report(void) {
  fprintf(stderr, "allocations %ld, of 4 KiB and more %ld, bytes %ld\n", (long)calls, (long)large,
          (long)bytes);
}
