// How long the project's own products take for the sizes of onednn_products.c, on one thread.
//
//     cc -O2 -ISources/CProducts/include -o /tmp/products Benchmarks/products.c Sources/CProducts/*.c -lm -lpthread
//
// Prints the same JSON list; a bf16 product narrows its rows of Floats first, as it does in training. Build
// it with clang, which compiles the kernels as the Swift toolchain does.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "CProducts.h"

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static float *numbers(long count) {
  float *result = aligned_alloc(64, (size_t)((count * 4 + 63) / 64 * 64));
  for (long i = 0; i < count; i++) result[i] = (float)(i * 7919 % 1000) / 1000 - 0.5f;
  return result;
}

static double fastest(mt_packed *packed, long m, long k, long n, const float *a, float *c) {
  double best = 1e9, end = now() + 0.3;
  while (now() < end) {
    // As many at once as take a hundredth of a second or so.
    int times = (int)(1 + 1e9 / (double)(m * k * n));
    double start = now();
    for (int i = 0; i < times; i++) mt_packed_product(packed, m, a, k, c, n, 0);
    double each = (now() - start) / times;
    best = each < best ? each : best;
  }
  return best;
}

int main(void) {
  const char *names[] = {"f32", "bf16", "int8"};
  const long rows[] = {1, 16, 64, 1024}, k = 512, n = 2048;
  float *b = numbers(k * n);
  printf("[");
  for (int precision = 0; precision < 3; precision++) {
    mt_packed *packed = mt_packed_create(k, n, precision);
    mt_packed_load(packed, b, n, 0);
    for (int i = 0; i < 4; i++) {
      float *a = numbers(rows[i] * k), *c = numbers(rows[i] * n);
      printf("%s\n  {\"m\": %ld, \"k\": %ld, \"n\": %ld, \"precision\": \"%s\", \"seconds\": %.4g}",
             precision + i ? "," : "", rows[i], k, n, names[precision],
             fastest(packed, rows[i], k, n, a, c));
      free(a);
      free(c);
    }
    mt_packed_destroy(packed);
  }
  printf("\n]\n");
  return 0;
}
