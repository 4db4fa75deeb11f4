// Tiles of bf16 pairs and of bytes, on the instructions that multiply them.
#include "Products.h"

#if HAS_X86
#include <immintrin.h>
#define NARROW TARGET("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx512vnni")

/// R rows by V vectors; pairs of bf16 summed in Float, or fours of bytes in integers.
NARROW INLINE void narrow_block(const int R, const int V, const int bytes, const tile *t, long row,
                                long column) {
  __m512i sums[6][4];
  const uint32_t *a = (const uint32_t *)t->a + row * t->row_step;
  const uint32_t *b = (const uint32_t *)t->b + column;
  float *c = t->c + row * t->ldc + column;
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++)
      sums[r][v] =
          t->load ? _mm512_loadu_si512(c + r * t->ldc + v * lanes) : _mm512_setzero_si512();
  for (long l = 0; l < t->k; l++) {
    __m512i factors[4];
    for (int v = 0; v < V; v++) factors[v] = _mm512_loadu_si512(b + l * t->width + v * lanes);
    for (int r = 0; r < R; r++) {
      __m512i x = _mm512_set1_epi32((int)a[r * t->row_step + l * t->step]);
      for (int v = 0; v < V; v++)
        sums[r][v] = bytes ? _mm512_dpbusd_epi32(sums[r][v], x, factors[v])
                           : (__m512i)_mm512_dpbf16_ps((__m512)sums[r][v], (__m512bh)x,
                                                       (__m512bh)factors[v]);
    }
  }
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) _mm512_storeu_si512(c + r * t->ldc + v * lanes, sums[r][v]);
}

#define HEIGHT(rows, V, bytes) \
  case rows: narrow_block(rows, V, bytes, t, r, v * lanes); break;
#define EACH_HEIGHT(V, bytes)                                                     \
  switch (left < 6 ? left : 6) {                                                  \
    HEIGHT(1, V, bytes) HEIGHT(2, V, bytes) HEIGHT(3, V, bytes)                   \
    HEIGHT(4, V, bytes) HEIGHT(5, V, bytes) HEIGHT(6, V, bytes)                   \
  }

#define SWEEP(name, bytes)                                    \
  NARROW static void name(const tile *t) {                    \
    long vectors = (t->columns + lanes - 1) / lanes;          \
    for (long v = 0; v < vectors; v += vectors - v >= 4 ? 4 : 1) \
      for (long r = 0; r < t->rows; r += 6) {                 \
        long left = t->rows - r;                              \
        if (vectors - v >= 4) {                               \
          EACH_HEIGHT(4, bytes)                               \
        } else {                                              \
          EACH_HEIGHT(1, bytes)                               \
        }                                                     \
      }                                                       \
  }
SWEEP(pair_narrow, 0)
SWEEP(byte_narrow, 1)

/// Four bytes of a row times four of each of eight columns, widened to 16 bits: exact, as the sums of
/// the instruction that takes bytes are not.
TARGET("avx2") static void byte_avx2(const tile *t) {
  for (long r = 0; r < t->rows; r++)
    for (long column = 0; column < t->columns; column += 4) {
      const uint32_t *a = (const uint32_t *)t->a + r * t->row_step;
      const uint32_t *b = (const uint32_t *)t->b + column;
      __m256i sums = _mm256_setzero_si256();
      for (long l = 0; l < t->k; l++) {
        __m128i x = _mm_set1_epi32((int)a[l * t->step]);
        __m128i y = _mm_loadu_si128((const __m128i *)(b + l * t->width));
        sums = _mm256_add_epi32(
            sums, _mm256_madd_epi16(_mm256_cvtepu8_epi16(x), _mm256_cvtepi8_epi16(y)));
      }
      int32_t halves[8];
      _mm256_storeu_si256((__m256i *)halves, sums);
      int32_t *c = (int32_t *)t->c + r * t->ldc + column;
      for (int i = 0; i < 4; i++)
        c[i] = (t->load ? c[i] : 0) + halves[2 * i] + halves[2 * i + 1];
    }
}
#endif

static void byte_plain(const tile *t) {
  for (long r = 0; r < t->rows; r++)
    for (long column = 0; column < t->columns; column++) {
      const uint8_t *a = (const uint8_t *)((const uint32_t *)t->a + r * t->row_step);
      const int8_t *b = (const int8_t *)((const uint32_t *)t->b + column);
      int32_t *c = (int32_t *)t->c + r * t->ldc + column;
      int32_t sum = t->load ? *c : 0;
      for (long l = 0; l < t->k; l++)
        for (int i = 0; i < 4; i++) sum += a[4 * l * t->step + i] * b[4 * l * t->width + i];
      *c = sum;
    }
}

tile_kernel *mt_pair_kernel(int kind) {
#if HAS_X86
  if (kind >= mt_products_avx512_narrow) return pair_narrow;
#endif
  return mt_wide_pair_kernel(kind);
}

tile_kernel *mt_byte_kernel(int kind) {
#if HAS_X86
  if (kind >= mt_products_avx512_narrow) return byte_narrow;
  if (kind >= mt_products_avx2) return byte_avx2;
#endif
  (void)kind;
  return byte_plain;
}
