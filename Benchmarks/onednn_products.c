// How long oneDNN takes for products of the sizes that a recurrent layer of 512 units asks for, on
// one thread, with the matrix of weights in whatever layout oneDNN likes best.
//
//     cc -O2 -o /tmp/onednn_products Benchmarks/onednn_products.c -ldnnl && /tmp/onednn_products
//
// Prints a JSON list of {"m", "k", "n", "precision", "seconds"}, each the fastest of its trials.
// bf16 takes both matrices as bf16 and writes f32, since sums are kept so.
#include <oneapi/dnnl/dnnl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void check(dnnl_status_t status, const char *what) {
  if (status == dnnl_success) return;
  fprintf(stderr, "oneDNN refuses to %s: status %d\n", what, (int)status);
  exit(1);
}

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t Layout;
#define PASS(layout) (layout)
#else
typedef dnnl_memory_desc_t Layout;  // here a struct, that is passed by its address
#define PASS(layout) (&(layout))
#endif

static Layout layout(long rows, long columns, dnnl_data_type_t type, dnnl_format_tag_t tag) {
  dnnl_dims_t sizes = {rows, columns};
  Layout result;
#if DNNL_VERSION_MAJOR >= 3
  check(dnnl_memory_desc_create_with_tag(&result, 2, sizes, type, tag), "describe a matrix");
#else
  check(dnnl_memory_desc_init_by_tag(&result, 2, sizes, type, tag), "describe a matrix");
#endif
  return result;
}

// Null where this CPU or this oneDNN has no such product.
static dnnl_primitive_desc_t plan(dnnl_engine_t engine, Layout a, Layout b, Layout c) {
  dnnl_primitive_desc_t plan = NULL;
#if DNNL_VERSION_MAJOR >= 3
  if (dnnl_matmul_primitive_desc_create(&plan, engine, a, b, NULL, c, NULL) != dnnl_success) return NULL;
#else
  dnnl_matmul_desc_t product;
  check(dnnl_matmul_desc_init(&product, &a, &b, NULL, &c), "describe a product");
  if (dnnl_primitive_desc_create(&plan, &product, NULL, engine, NULL) != dnnl_success) return NULL;
#endif
  return plan;
}

// Ones everywhere: in bf16 that is 0x3f80. Oversized, since a layout of oneDNN's own may be padded.
static dnnl_memory_t ones(dnnl_engine_t engine, Layout layout, int isNarrow) {
  dnnl_memory_t memory;
  void *data;
  check(dnnl_memory_create(&memory, PASS(layout), engine, DNNL_MEMORY_ALLOCATE), "allocate");
  check(dnnl_memory_get_data_handle(memory, &data), "look into memory");
  size_t bytes = dnnl_memory_desc_get_size(PASS(layout));
  const float one = 1;
  const uint16_t narrowOne = 0x3f80;
  size_t width = isNarrow ? sizeof narrowOne : sizeof one;
  for (size_t at = 0; at + width <= bytes; at += width)
    memcpy((char *)data + at, isNarrow ? (const void *)&narrowOne : (const void *)&one, width);
  return memory;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double seconds(dnnl_primitive_t product, dnnl_stream_t stream, dnnl_exec_arg_t *matrices, double flops) {
  // About 5 ms a trial, so that the clock's own cost does not count.
  int repeats = (int)(5e-3 * 1e11 / flops) + 1;
  double best = 1e9;
  for (int trial = 0; trial < 12; trial++) {
    double start = now();
    for (int i = 0; i < repeats; i++) check(dnnl_primitive_execute(product, stream, 3, matrices), "multiply");
    check(dnnl_stream_wait(stream), "wait");
    double each = (now() - start) / repeats;
    if (trial > 1 && each < best) best = each;
  }
  return best;
}

static double timed(dnnl_engine_t engine, dnnl_stream_t stream, long m, long k, long n, int isNarrow) {
  dnnl_data_type_t type = isNarrow ? dnnl_bf16 : dnnl_f32;
  dnnl_primitive_desc_t made = plan(engine, layout(m, k, type, dnnl_ab),
                                    layout(k, n, type, dnnl_format_tag_any), layout(m, n, dnnl_f32, dnnl_ab));
  if (made == NULL) return 0;
#if DNNL_VERSION_MAJOR >= 3
  Layout weights = (Layout)dnnl_primitive_desc_query_md(made, dnnl_query_weights_md, 0);
#else
  Layout weights = *dnnl_primitive_desc_query_md(made, dnnl_query_weights_md, 0);
#endif
  dnnl_primitive_t product;
  check(dnnl_primitive_create(&product, made), "make a product");
  dnnl_memory_t a = ones(engine, layout(m, k, type, dnnl_ab), isNarrow), b = ones(engine, weights, isNarrow);
  dnnl_memory_t c = ones(engine, layout(m, n, dnnl_f32, dnnl_ab), 0);
  dnnl_exec_arg_t matrices[] = {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}};
  double best = seconds(product, stream, matrices, 2.0 * (double)m * (double)k * (double)n);
  dnnl_memory_destroy(a), dnnl_memory_destroy(b), dnnl_memory_destroy(c);
  dnnl_primitive_destroy(product), dnnl_primitive_desc_destroy(made);
  return best;
}

int main(void) {
  // Read when the library starts its threads, so it is in time here.
  setenv("OMP_NUM_THREADS", "1", 1);
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  check(dnnl_engine_create(&engine, dnnl_cpu, 0), "start");
  check(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags), "make a stream");
  const long rows[] = {1, 16, 64, 1024}, k = 512, n = 2048;
  int printed = 0;
  printf("[");
  for (int isNarrow = 0; isNarrow <= 1; isNarrow++)
    for (int i = 0; i < 4; i++) {
      double best = timed(engine, stream, rows[i], k, n, isNarrow);
      if (best == 0) continue;
      printf("%s\n  {\"m\": %ld, \"k\": %ld, \"n\": %ld, \"precision\": \"%s\", \"seconds\": %.4g}",
             printed++ ? "," : "", rows[i], k, n, isNarrow ? "bf16" : "f32", best);
    }
  printf("\n]\n");
  return 0;
}
