// Tiles of Float, and of bf16 pairs where the CPU does not multiply them itself.
#include "Products.h"

/// x * b added to a sum: one rounding where the CPU has it, else two; the same in every tile.
#pragma STDC FP_CONTRACT ON

/// R rows by V vectors, all sums in registers from the first l to the last.
INLINE void float_block(const int R, const int V, const tile *t, long row, long column) {
  floats sums[6][4];
  const float *a = (const float *)t->a + row * t->row_step;
  const float *b = (const float *)t->b + column;
  float *c = t->c + row * t->ldc + column;
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++)
      sums[r][v] = t->load ? *(const floats *)(c + r * t->ldc + v * lanes) : (floats){0};
  for (long l = 0; l < t->k; l++) {
    floats factors[4];
    for (int v = 0; v < V; v++) factors[v] = *(const floats *)(b + l * t->width + v * lanes);
    for (int r = 0; r < R; r++) {
      float x = a[r * t->row_step + l * t->step];
      for (int v = 0; v < V; v++) sums[r][v] = sums[r][v] + x * factors[v];
    }
  }
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) *(floats *)(c + r * t->ldc + v * lanes) = sums[r][v];
}

// Macros, as a function's vectors would be passed by rules that differ between CPU levels.
#define UPPER(pairs) ((floats)((pairs) & 0xFFFF0000u))
#define LOWER(pairs) ((floats)((pairs) << 16))

/// The same over pairs of bf16, widened as they are read: the odd one of a pair first, as
/// VDPBF16PS has it.
INLINE void pair_block(const int R, const int V, const tile *t, long row, long column) {
  floats sums[6][4];
  const uint32_t *a = (const uint32_t *)t->a + row * t->row_step;
  const uint32_t *b = (const uint32_t *)t->b + column;
  float *c = t->c + row * t->ldc + column;
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++)
      sums[r][v] = t->load ? *(const floats *)(c + r * t->ldc + v * lanes) : (floats){0};
  for (long l = 0; l < t->k; l++)
    for (int v = 0; v < V; v++) {
      words pairs = *(const words *)(b + l * t->width + v * lanes);
      floats odd = UPPER(pairs), even = LOWER(pairs);
      for (int r = 0; r < R; r++) {
        words x = (words){0} + a[r * t->row_step + l * t->step];
        sums[r][v] = sums[r][v] + UPPER(x) * odd;
        sums[r][v] = sums[r][v] + LOWER(x) * even;
      }
    }
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) *(floats *)(c + r * t->ldc + v * lanes) = sums[r][v];
}

/// All of a tile in blocks of at most R rows by V vectors.
#define SWEEP(name, block, R, V, ATTRIBUTE)                                   \
  ATTRIBUTE static void name(const tile *t) {                                 \
    long vectors = (t->columns + lanes - 1) / lanes;                          \
    for (long v = 0; v < vectors;) {                                          \
      int wide = V > 1 && vectors - v >= V;                                   \
      for (long r = 0; r < t->rows; r += R) {                                 \
        long left = t->rows - r;                                              \
        if (wide) {                                                           \
          EACH_HEIGHT(block, V, R)                                            \
        } else {                                                              \
          EACH_HEIGHT(block, 1, R)                                            \
        }                                                                     \
      }                                                                       \
      v += wide ? V : 1;                                                      \
    }                                                                         \
  }

#define HEIGHT(block, rows, V, R) \
  if (rows <= R && (rows == R ? left >= R : left == rows)) \
    block(rows <= R ? rows : R, V, t, r, v * lanes);
#define EACH_HEIGHT(block, V, R)                                                      \
  HEIGHT(block, 1, V, R) HEIGHT(block, 2, V, R) HEIGHT(block, 3, V, R)                \
  if (R > 3) { HEIGHT(block, 4, V, R) HEIGHT(block, 5, V, R) HEIGHT(block, 6, V, R) }

// The blocks are as large as the registers hold: 16 of 4 Floats, 16 of 8, 32 of 16.
SWEEP(float_plain, float_block, 3, 1, )
SWEEP(pair_plain, pair_block, 3, 1, )
#if HAS_X86
SWEEP(float_avx2, float_block, 6, 1, TARGET("avx2,fma"))
SWEEP(pair_avx2, pair_block, 4, 1, TARGET("avx2,fma"))
SWEEP(float_avx512, float_block, 6, 4, TARGET("avx512f,avx512bw,avx512vl,avx512dq,fma"))
SWEEP(pair_avx512, pair_block, 6, 4, TARGET("avx512f,avx512bw,avx512vl,avx512dq,fma"))
#endif

tile_kernel *mt_float_kernel(int kind) {
#if HAS_X86
  if (kind >= mt_products_avx512) return float_avx512;
  if (kind >= mt_products_avx2) return float_avx2;
#endif
  (void)kind;
  return float_plain;
}

tile_kernel *mt_wide_pair_kernel(int kind) {
#if HAS_X86
  if (kind >= mt_products_avx512) return pair_avx512;
  if (kind >= mt_products_avx2) return pair_avx2;
#endif
  (void)kind;
  return pair_plain;
}
