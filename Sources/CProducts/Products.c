// Products: which kernel, in what blocks, through which scratch memory.
#include "Products.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

// ---- The kind of CPU.

static int best;
static _Thread_local int limit = mt_products_amx, emulates;
static pthread_once_t found = PTHREAD_ONCE_INIT;

static void find_best(void) {
#if HAS_X86
  __builtin_cpu_init();
  best = mt_products_plain;
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return;
  best = mt_products_avx2;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512dq"))
    return;
  best = mt_products_avx512;
  if (!__builtin_cpu_supports("avx512bf16") || !__builtin_cpu_supports("avx512vnni")) return;
  best = mt_products_avx512_narrow;
  if (mt_amx_exists() && mt_amx_passes(mt_amx_tile)) best = mt_products_amx;
#endif
}

int mt_products_best(void) {
  pthread_once(&found, find_best);
  return best;
}

int mt_products_kind(void) {
  int most = emulates ? mt_products_amx : mt_products_best();
  return limit < most ? limit : most;
}

void mt_products_limit(int kind, int emulated) {
  limit = kind;
  emulates = emulated;
}

// ---- Scratch.

typedef struct {
  void *bytes;
  long size;
} buffer;

static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;
static _Thread_local buffer *scratch_here;
static _Atomic long scratch_total;

static void scratch_free(void *pointer) {
  buffer *places = pointer;
  for (int i = 0; i < scratch_places; i++) {
    atomic_fetch_sub(&scratch_total, places[i].size);
    free(places[i].bytes);
  }
  free(places);
}

static void scratch_start(void) { pthread_key_create(&scratch_key, scratch_free); }

void *mt_scratch(int place, long bytes) {
  if (!scratch_here) {
    pthread_once(&scratch_once, scratch_start);
    scratch_here = calloc(scratch_places, sizeof(buffer));
    if (!scratch_here) return NULL;
    pthread_setspecific(scratch_key, scratch_here);
  }
  buffer *here = &scratch_here[place];
  if (here->size < bytes || !here->bytes) {
    // Grown by half at least, so that lengths that vary settle soon.
    long size = rounded_up(bytes > here->size * 3 / 2 ? bytes : here->size * 3 / 2, 4096) + 4096;
    free(here->bytes);
    atomic_fetch_sub(&scratch_total, here->size);
    here->bytes = aligned_alloc(4096, (size_t)size);
    here->size = here->bytes ? size : 0;
    atomic_fetch_add(&scratch_total, here->size);
  }
  return here->bytes;
}

long mt_products_scratch(void) { return atomic_load(&scratch_total); }

// ---- Tiles of any width.

void mt_run_tile(tile_kernel *kernel, const tile *t) {
  if (t->columns % lanes == 0) return kernel(t);
  // All but the last vector in place, the last one through a place of its own.
  tile whole = *t, last = *t;
  whole.columns = t->columns / lanes * lanes;
  if (whole.columns) kernel(&whole);
  float c[rows_at_once * lanes];
  long columns = t->columns - whole.columns;
  last.b = (const uint32_t *)t->b + whole.columns;
  last.columns = lanes;
  last.c = c;
  last.ldc = lanes;
  float *to = t->c + whole.columns;
  for (long r = 0; t->load && r < t->rows; r++)
    memcpy(c + r * lanes, to + r * t->ldc, (size_t)columns * 4);
  kernel(&last);
  for (long r = 0; r < t->rows; r++)
    memcpy(to + r * t->ldc, c + r * lanes, (size_t)columns * 4);
}

static long least(long x, long y) { return x < y ? x : y; }

/// What the kernels of a precision read.
static tile_kernel *kernel_of(int precision, int kind) {
  if (precision == mt_precision_f32) return mt_float_kernel(kind);
  if (precision == mt_precision_int8) return mt_byte_kernel(kind);
  if (kind < mt_products_amx) return mt_pair_kernel(kind);
  return emulates ? mt_amx_emulated_tile : mt_amx_tile;
}

/// Rows of a product with panels that lie one after another, all of k. `a` is as the kernel reads it.
static void sweep_panels(tile_kernel *kernel, const tile *rows, const uint32_t *panels, long n) {
  long k = rows->k;
  // A stretch of k for all panels before the next, so that the rows' part of it stays in the cache.
  for (long l = 0; l < k || l == 0; l += steps_at_once)
    for (long first = 0; first < n; first += panel) {
      tile t = *rows;
      t.k = least(k - l, steps_at_once);
      t.a = (const uint32_t *)rows->a + l * rows->step;
      t.b = panels + first * k + l * panel;
      t.width = panel;
      t.c = rows->c + first;
      t.columns = least(n - first, panel);
      t.load = rows->load || l > 0;
      mt_run_tile(kernel, &t);
    }
}

// ---- Packed factors.

struct mt_packed {
  long k, n;
  int precision;
  uint32_t *panels;
  float *scales;  // of each column, and 128 times the sum of its bytes
  int32_t *sums;
};

/// The elements of 4 bytes that k takes in a panel.
static long steps_of(int precision, long k) {
  if (precision == mt_precision_f32) return k;
  return rounded_up(k, narrow_multiple) / (precision == mt_precision_bf16 ? 2 : 4);
}

long mt_packed_bytes(const mt_packed *packed) {
  long columns = rounded_up(packed->n, panel);
  long bytes = steps_of(packed->precision, packed->k) * columns * 4;
  return packed->precision == mt_precision_int8 ? bytes + 8 * columns : bytes;
}

mt_packed *mt_packed_create(long k, long n, int precision) {
  mt_packed *packed = calloc(1, sizeof *packed);
  if (!packed) return NULL;
  *packed = (mt_packed){.k = k, .n = n, .precision = precision};
  packed->panels = aligned_alloc(64, (size_t)rounded_up(mt_packed_bytes(packed) + 64, 64));
  if (!packed->panels) {
    free(packed);
    return NULL;
  }
  long columns = rounded_up(n, panel);
  packed->scales = (float *)(packed->panels + steps_of(precision, k) * columns);
  packed->sums = (int32_t *)(packed->scales + columns);
  return packed;
}

void mt_packed_destroy(mt_packed *packed) {
  if (!packed) return;
  free(packed->panels);
  free(packed);
}

void mt_packed_load(mt_packed *packed, const float *matrix, long leading, int transposed) {
  long k = packed->k, n = packed->n;
  if (packed->precision == mt_precision_f32)
    mt_pack_floats(matrix, leading, transposed, k, n, (float *)packed->panels);
  else if (packed->precision == mt_precision_bf16)
    mt_pack_pairs(matrix, leading, transposed, k, n, packed->panels);
  else
    mt_pack_bytes(matrix, leading, transposed, k, n, packed->panels, packed->scales, packed->sums);
}

/// Integer sums to Floats: the bytes of a row stand 128 too high.
LEVELS static void scale_rows(const mt_packed *packed, const int32_t *sums, const float *scales,
                              long rows, float *c, long ldc, int accumulate) {
  for (long r = 0; r < rows; r++)
    for (long column = 0; column < packed->n; column++) {
      int32_t sum = sums[r * packed->n + column] - packed->sums[column];
      float value = (float)sum * (scales[r] * packed->scales[column]);
      c[r * ldc + column] = accumulate ? c[r * ldc + column] + value : value;
    }
}

/// A block of rows of bytes.
static int byte_product(const mt_packed *packed, tile t, const float *a, long lda) {
  long room = rounded_up(packed->k, narrow_multiple);
  uint8_t *bytes = mt_scratch(scratch_a, t.rows * room);
  int32_t *sums = mt_scratch(scratch_c, t.rows * packed->n * 4);
  if (!bytes || !sums) return 1;
  float scales[rows_at_once];
  mt_quantize_rows(a, lda, t.rows, packed->k, bytes, scales);
  tile integers = t;
  integers.a = bytes;
  integers.row_step = room / 4;
  integers.c = (float *)sums;
  integers.ldc = packed->n;
  integers.load = 0;
  sweep_panels(kernel_of(mt_precision_int8, mt_products_kind()), &integers, packed->panels,
               packed->n);
  scale_rows(packed, sums, scales, t.rows, t.c, t.ldc, t.load);
  return 0;
}

int mt_packed_product(const mt_packed *packed, long m, const float *a, long lda, float *c, long ldc,
                      int accumulate) {
  tile_kernel *kernel = kernel_of(packed->precision, mt_products_kind());
  long steps = steps_of(packed->precision, packed->k);
  for (long row = 0; row < m; row += rows_at_once) {
    tile t = {.rows = least(m - row, rows_at_once), .k = steps, .a = a + row * lda, .row_step = lda,
              .step = 1, .c = c + row * ldc, .ldc = ldc, .load = accumulate};
    if (packed->precision == mt_precision_int8) {
      if (byte_product(packed, t, a + row * lda, lda)) return 1;
      continue;
    }
    if (packed->precision == mt_precision_bf16) {
      // Kernels of AMX read rows in sixteens.
      uint16_t *narrow = mt_scratch(scratch_a, rounded_up(t.rows, lanes) * steps * 4);
      if (!narrow) return 1;
      mt_narrow_rows(a + row * lda, lda, t.rows, packed->k, narrow);
      t.a = narrow;
      t.row_step = steps;
    }
    sweep_panels(kernel, &t, packed->panels, packed->n);
  }
  return 0;
}

// ---- Products of plain matrices.

/// Rows of `a` that lie as the kernel reads them, with b in place or packed.
static int product_of_rows(long m, long k, long n, const float *a, long lda, const float *b, long ldb,
                           int turned, float *c, long ldc, int load) {
  tile_kernel *kernel = mt_float_kernel(mt_products_kind());
  // For few rows b is read where it lies: packing it would cost as much as the product.
  enum { few_rows = 8 };
  int direct = !turned && m <= few_rows;
  long whole = direct ? n / lanes * lanes : 0;
  float *packed = NULL;
  if (whole < n) {
    packed = mt_scratch(scratch_b, k * rounded_up(n - whole, panel) * 4 + 64);
    if (!packed) return 1;
    mt_pack_floats(turned ? b + whole * ldb : b + whole, ldb, turned, k, n - whole, packed);
  }
  for (long row = 0; row < m; row += rows_at_once) {
    tile t = {.rows = least(m - row, rows_at_once), .k = k, .a = a + row * lda, .row_step = lda,
              .step = 1, .c = c + row * ldc, .ldc = ldc, .load = load, .width = ldb};
    for (long first = 0; first < whole; first += panel) {
      tile part = t;
      part.b = b + first;
      part.c = t.c + first;
      part.columns = least(whole - first, panel);
      kernel(&part);
    }
    t.c += whole;
    if (whole < n) sweep_panels(kernel, &t, (const uint32_t *)packed, n - whole);
  }
  return 0;
}

/// aᵀ · b for one stretch of k, some columns of a at once: Floats or pairs of bf16.
static int product_of_columns(int precision, long m, long k, long n, const float *a, long lda,
                              const uint32_t *panels, float *c, long ldc, int load) {
  int kind = mt_products_kind(), narrow = precision == mt_precision_bf16;
  int tiles = narrow && kind >= mt_products_amx;
  long steps = narrow ? rounded_up(k, narrow_multiple) / 2 : k;
  uint32_t *packed = mt_scratch(scratch_a, least(m + lanes, columns_at_once) * steps * 4 + 4096);
  if (!packed) return 1;
  for (long first = 0; first < m; first += columns_at_once) {
    long count = least(m - first, columns_at_once);
    if (tiles)
      mt_turn_columns(a, lda, k, first, count, (uint16_t *)packed, 2 * steps);
    else if (narrow)
      mt_pack_column_pairs(a, lda, k, first, count, packed, 2 * steps);
    else
      mt_pack_columns(a, lda, k, first, count, (float *)packed);
    long height = tiles ? rows_at_once : 6;
    for (long column = 0; column < n; column += panel)
      for (long row = 0; row < count; row += height) {
        tile t = {.rows = least(count - row, height), .columns = least(n - column, panel),
                  .k = steps, .a = packed + row * steps, .row_step = tiles ? steps : 1,
                  .step = tiles ? 1 : 6, .b = panels + column * steps, .width = panel,
                  .c = c + (first + row) * ldc + column, .ldc = ldc, .load = load};
        mt_run_tile(kernel_of(precision, kind), &t);
      }
  }
  return 0;
}

/// aᵀ · b, k in stretches whose packed b stays in the core's cache.
static int turned_product(int precision, long m, long k, long n, const float *a, long lda,
                          const float *b, long ldb, int b_transposed, float *c, long ldc, int load) {
  enum { stretch = 512 };
  uint32_t *panels = mt_scratch(scratch_b, least(k, stretch) * rounded_up(n, panel) * 4 + 4096);
  if (!panels) return 1;
  for (long l = 0; l < k || l == 0; l += stretch) {
    long part = least(k - l, stretch);
    const float *from = b_transposed ? b + l : b + l * ldb;
    if (precision == mt_precision_bf16)
      mt_pack_pairs(from, ldb, b_transposed, part, n, panels);
    else
      mt_pack_floats(from, ldb, b_transposed, part, n, (float *)panels);
    if (product_of_columns(precision, m, part, n, a + l * lda, lda, panels, c, ldc, load || l > 0))
      return 1;
  }
  return 0;
}

int mt_product(long m, long k, long n, const float *a, long lda, int a_transposed, const float *b,
               long ldb, int b_transposed, float *c, long ldc, int accumulate) {
  if (m == 0 || n == 0) return 0;
  if (a_transposed)
    return turned_product(mt_precision_f32, m, k, n, a, lda, b, ldb, b_transposed, c, ldc,
                          accumulate);
  return product_of_rows(m, k, n, a, lda, b, ldb, b_transposed, c, ldc, accumulate);
}

int mt_gradient_product(int precision, long m, long rows, long n, const float *a, long lda,
                        const float *b, long ldb, float *c, long ldc) {
  if (m == 0 || n == 0 || rows == 0) return 0;
  return turned_product(precision == mt_precision_bf16 ? precision : mt_precision_f32, m, rows, n, a,
                        lda, b, ldb, 0, c, ldc, 1);
}
