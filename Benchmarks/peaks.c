// What this machine can do at most: products in f32, bf16 and int8, and reading from L2, L3 and
// memory; on one core and on all. benchmark.py sets every figure beside these.
//
//     cc -O2 -pthread -o /tmp/peaks Benchmarks/peaks.c && /tmp/peaks
//
// Every kernel is made for its own instruction set, and only those run that the CPU has, so one
// binary serves any x86-64. Operations are counted as is usual: a multiplication and an addition
// are two. Each figure is the best of five trials, since a peak is what nothing disturbed.
#define _GNU_SOURCE
#include <immintrin.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { TRIALS = 5, MOST_THREADS = 1024 };
static const double trialSeconds = 0.03;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// A kernel works for a moment and returns what it did: operations, or bytes read.
typedef struct { const char *block; size_t bytes; } Data;
typedef double (*Kernel)(Data);

// Products: registers only. There are more sums at once than an instruction's latency hides, and no
// operand comes from memory. The sums are named one by one, as an array might end up in memory.
#define TWELVE(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define MORE(X) X(12) X(13) X(14) X(15) X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23)
enum { ROUNDS = 20000 };
static volatile float floatSink;
static volatile int wholeSink;

__attribute__((target("avx2,fma"))) static double f32AVX2(Data unused) {
  (void)unused;
  const __m256 x = _mm256_set1_ps(1.5f), y = _mm256_set1_ps(0.25f);
#define DECLARE(i) __m256 s##i = _mm256_set1_ps(i);
#define STEP(i) s##i = _mm256_fmadd_ps(x, y, s##i);
#define ADD(i) total = _mm256_add_ps(total, s##i);
  TWELVE(DECLARE)
  for (int round = 0; round < ROUNDS; round++) { TWELVE(STEP) }
  __m256 total = _mm256_setzero_ps();
  TWELVE(ADD)
  floatSink = _mm256_cvtss_f32(total);
  return 2.0 * 8 * 12 * ROUNDS;
#undef DECLARE
#undef STEP
#undef ADD
}

__attribute__((target("avx512f"))) static double f32AVX512(Data unused) {
  (void)unused;
  const __m512 x = _mm512_set1_ps(1.5f), y = _mm512_set1_ps(0.25f);
#define DECLARE(i) __m512 s##i = _mm512_set1_ps(i);
#define STEP(i) s##i = _mm512_fmadd_ps(x, y, s##i);
#define ADD(i) total = _mm512_add_ps(total, s##i);
  TWELVE(DECLARE) MORE(DECLARE)
  for (int round = 0; round < ROUNDS; round++) { TWELVE(STEP) MORE(STEP) }
  __m512 total = _mm512_setzero_ps();
  TWELVE(ADD) MORE(ADD)
  floatSink = _mm512_cvtss_f32(total);
  return 2.0 * 16 * 24 * ROUNDS;
#undef STEP
#undef ADD
}

__attribute__((target("avx512f,avx512bf16"))) static double bf16AVX512(Data unused) {
  (void)unused;
  const __m512bh x = _mm512_cvtne2ps_pbh(_mm512_set1_ps(1.5f), _mm512_set1_ps(0.25f)), y = x;
#define STEP(i) s##i = _mm512_dpbf16_ps(s##i, x, y);
#define ADD(i) total = _mm512_add_ps(total, s##i);
  TWELVE(DECLARE) MORE(DECLARE)
  for (int round = 0; round < ROUNDS; round++) { TWELVE(STEP) MORE(STEP) }
  __m512 total = _mm512_setzero_ps();
  TWELVE(ADD) MORE(ADD)
  floatSink = _mm512_cvtss_f32(total);
  return 2.0 * 32 * 24 * ROUNDS;
#undef DECLARE
#undef STEP
#undef ADD
}

// In assembly, as GCC 12 copies every sum from register to register with the intrinsic.
__attribute__((target("avx512f,avx512vnni"))) static double int8AVX512(Data unused) {
  (void)unused;
  const __m512i x = _mm512_set1_epi8(3), y = _mm512_set1_epi8(-1);
#define DECLARE(i) __m512i s##i = _mm512_set1_epi32(i);
#define STEP(i) __asm__("vpdpbusd %2, %1, %0" : "+v"(s##i) : "v"(x), "v"(y));
#define ADD(i) total = _mm512_add_epi32(total, s##i);
  TWELVE(DECLARE) MORE(DECLARE)
  for (int round = 0; round < ROUNDS; round++) { TWELVE(STEP) MORE(STEP) }
  __m512i total = _mm512_setzero_si512();
  TWELVE(ADD) MORE(ADD)
  wholeSink = _mm512_cvtsi512_si32(total);
  return 2.0 * 64 * 24 * ROUNDS;
#undef DECLARE
#undef STEP
#undef ADD
}

// Tiles of 16 rows of 64 bytes: 0 to 5 are sums, 6 and 7 what is multiplied.
typedef struct {
  uint8_t palette, startRow, reserved[14];
  uint16_t rowBytes[16];
  uint8_t rows[16];
} __attribute__((aligned(64))) TileShapes;

__attribute__((target("amx-tile"))) static void openTiles(void) {
  TileShapes shapes = {.palette = 1};
  for (int tile = 0; tile < 8; tile++) shapes.rows[tile] = 16, shapes.rowBytes[tile] = 64;
  _tile_loadconfig(&shapes);
  _tile_zero(0); _tile_zero(1); _tile_zero(2); _tile_zero(3);
  _tile_zero(4); _tile_zero(5); _tile_zero(6); _tile_zero(7);
}

__attribute__((target("amx-tile,amx-bf16"))) static double bf16AMX(Data unused) {
  (void)unused;
  openTiles();
  for (int round = 0; round < ROUNDS / 8; round++) {
    _tile_dpbf16ps(0, 6, 7); _tile_dpbf16ps(1, 6, 7); _tile_dpbf16ps(2, 6, 7);
    _tile_dpbf16ps(3, 6, 7); _tile_dpbf16ps(4, 6, 7); _tile_dpbf16ps(5, 6, 7);
  }
  _tile_release();
  return 2.0 * 16 * 16 * 32 * 6 * (ROUNDS / 8);
}

__attribute__((target("amx-tile,amx-int8"))) static double int8AMX(Data unused) {
  (void)unused;
  openTiles();
  for (int round = 0; round < ROUNDS / 8; round++) {
    _tile_dpbssd(0, 6, 7); _tile_dpbssd(1, 6, 7); _tile_dpbssd(2, 6, 7);
    _tile_dpbssd(3, 6, 7); _tile_dpbssd(4, 6, 7); _tile_dpbssd(5, 6, 7);
  }
  _tile_release();
  return 2.0 * 16 * 16 * 64 * 6 * (ROUNDS / 8);
}

// Linux gives a process the tiles' registers only when it asks.
static int mayUseTiles(void) {
  enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
  return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

// Reading: the block once through, in eight streams of sums.
#define EIGHT(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)

__attribute__((target("avx2"))) static double readAVX2(Data data) {
#define DECLARE(i) __m256i s##i = _mm256_setzero_si256();
#define STEP(i) s##i = _mm256_or_si256(s##i, _mm256_load_si256((const __m256i *)(at + 32 * i)));
#define ADD(i) total = _mm256_or_si256(total, s##i);
  EIGHT(DECLARE)
  for (const char *at = data.block; at < data.block + data.bytes; at += 256) { EIGHT(STEP) }
  __m256i total = _mm256_setzero_si256();
  EIGHT(ADD)
  wholeSink = _mm256_extract_epi32(total, 0);
  return (double)data.bytes;
#undef DECLARE
#undef STEP
#undef ADD
}

__attribute__((target("avx512f"))) static double readAVX512(Data data) {
#define DECLARE(i) __m512i s##i = _mm512_setzero_si512();
#define STEP(i) s##i = _mm512_or_si512(s##i, _mm512_load_si512(at + 64 * i));
#define ADD(i) total = _mm512_or_si512(total, s##i);
  EIGHT(DECLARE)
  for (const char *at = data.block; at < data.block + data.bytes; at += 512) { EIGHT(STEP) }
  __m512i total = _mm512_setzero_si512();
  EIGHT(ADD)
  wholeSink = _mm512_cvtsi512_si32(total);
  return (double)data.bytes;
}

// One kernel on some threads, each pinned to a CPU of its own; the sum of their speeds.
typedef struct {
  Kernel kernel;
  size_t bytes;
  int cpu;
  pthread_barrier_t *start;
  double speed;
} Worker;

static int cpus[MOST_THREADS], cpuCount;

static void findCPUs(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    for (int cpu = 0; cpu < CPU_SETSIZE && cpuCount < MOST_THREADS; cpu++)
      if (CPU_ISSET(cpu, &set)) cpus[cpuCount++] = cpu;
  if (cpuCount == 0) cpuCount = 1;
}

static void *work(void *argument) {
  Worker *worker = argument;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(worker->cpu, &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
  char *block = NULL;
  if (worker->bytes) {
    // Touched by the thread that reads it, so that it lies near; large pages, where there are any.
    block = aligned_alloc(2 << 20, (worker->bytes + (2 << 20) - 1) & ~(size_t)((2 << 20) - 1));
    if (block == NULL) abort();
    madvise(block, worker->bytes, MADV_HUGEPAGE);
    memset(block, 1, worker->bytes);
  }
  worker->kernel((Data){block, worker->bytes});
  for (int trial = 0; trial < TRIALS; trial++) {
    pthread_barrier_wait(worker->start);
    double done = 0, begin = now(), end;
    do {
      done += worker->kernel((Data){block, worker->bytes});
      end = now();
    } while (end - begin < trialSeconds);
    worker->speed = done / (end - begin);
    pthread_barrier_wait(worker->start);
    pthread_barrier_wait(worker->start);
  }
  free(block);
  return NULL;
}

static double speed(Kernel kernel, int threads, size_t bytes) {
  static Worker workers[MOST_THREADS];
  pthread_t handles[MOST_THREADS];
  pthread_barrier_t start;
  pthread_barrier_init(&start, NULL, (unsigned)threads + 1);
  for (int i = 0; i < threads; i++) {
    workers[i] = (Worker){kernel, bytes, cpus[i], &start, 0};
    if (pthread_create(&handles[i], NULL, work, &workers[i])) abort();
  }
  double best = 0;
  for (int trial = 0; trial < TRIALS; trial++) {
    pthread_barrier_wait(&start);
    pthread_barrier_wait(&start);
    double sum = 0;
    for (int i = 0; i < threads; i++) sum += workers[i].speed;
    if (sum > best) best = sum;
    pthread_barrier_wait(&start);
  }
  for (int i = 0; i < threads; i++) pthread_join(handles[i], NULL);
  pthread_barrier_destroy(&start);
  return best;
}

// Size in bytes of the cache of a level that holds data, 0 if Linux tells none.
static size_t cacheBytes(int level) {
  for (int index = 0; index < 8; index++) {
    char path[96], kind[32] = "", unit = 'K';
    int found = 0;
    size_t size = 0;
    const char *folder = "/sys/devices/system/cpu/cpu0/cache/index";
    FILE *file;
    snprintf(path, sizeof path, "%s%d/level", folder, index);
    if ((file = fopen(path, "r")) == NULL) break;
    if (fscanf(file, "%d", &found) != 1) found = 0;
    fclose(file);
    snprintf(path, sizeof path, "%s%d/type", folder, index);
    if ((file = fopen(path, "r")) != NULL) {
      if (fscanf(file, "%31s", kind) != 1) kind[0] = 0;
      fclose(file);
    }
    if (found != level || strcmp(kind, "Instruction") == 0) continue;
    snprintf(path, sizeof path, "%s%d/size", folder, index);
    if ((file = fopen(path, "r")) == NULL) continue;
    if (fscanf(file, "%zu%c", &size, &unit) < 1) size = 0;
    fclose(file);
    return size << (unit == 'M' ? 20 : unit == 'K' ? 10 : 0);
  }
  return 0;
}

static int products = 0;

static void printProducts(const char *precision, const char *with, Kernel kernel) {
  double one = speed(kernel, 1, 0), all = speed(kernel, cpuCount, 0);
  printf("%s\n  {\"precision\": \"%s\", \"with\": \"%s\", \"one\": %.4g, \"all\": %.4g}",
         products++ ? "," : "", precision, with, one, all);
}

static void printReading(const char *name, const char *separator, Kernel kernel, size_t bytes,
                         int eachItsOwn) {
  if (kernel == NULL || bytes == 0) {
    printf("%s\n  \"%s\": null", separator, name);
    return;
  }
  // Whole steps of the loop; on all cores a shared level's block is divided, an own level's is not.
  size_t each = eachItsOwn ? bytes : bytes / (size_t)cpuCount;
  double one = speed(kernel, 1, bytes & ~(size_t)511), all = speed(kernel, cpuCount, each & ~(size_t)511);
  printf("%s\n  \"%s\": {\"block_bytes\": %zu, \"one\": %.4g, \"all\": %.4g}", separator, name,
         bytes, one, all);
}

int main(void) {
  __builtin_cpu_init();
  findCPUs();
  int avx512 = __builtin_cpu_supports("avx512f") != 0;
  int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  printf("{\"threads\": %d, \"products\": [", cpuCount);
  if (avx512) printProducts("f32", "AVX-512", f32AVX512);
  else if (avx2) printProducts("f32", "AVX2", f32AVX2);
  if (__builtin_cpu_supports("avx512bf16")) printProducts("bf16", "AVX-512 BF16", bf16AVX512);
  if (__builtin_cpu_supports("avx512vnni")) printProducts("int8", "AVX-512 VNNI", int8AVX512);
  if (__builtin_cpu_supports("amx-tile") && mayUseTiles()) {
    if (__builtin_cpu_supports("amx-bf16")) printProducts("bf16", "AMX", bf16AMX);
    if (__builtin_cpu_supports("amx-int8")) printProducts("int8", "AMX", int8AMX);
  }
  size_t l2 = cacheBytes(2), l3 = cacheBytes(3), memory = 4 * l3;
  if (memory < (size_t)256 << 20) memory = (size_t)256 << 20;
  if (memory > (size_t)1 << 30) memory = (size_t)1 << 30;
  Kernel reader = avx512 ? readAVX512 : avx2 ? readAVX2 : NULL;
  printf("\n], \"reading\": {");
  // Half a cache, as the other half may hold other things; memory's block is far larger than L3.
  printReading("L2", "", reader, l2 / 2, 1);
  printReading("L3", ",", reader, l3 / 2, 0);
  printReading("memory", ",", reader, memory, 0);
  printf("\n}, \"caches\": {\"L2\": %zu, \"L3\": %zu}}\n", l2, l3);
  return 0;
}
