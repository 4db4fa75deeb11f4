// Factors brought into the order in which the kernels read them.
#include <math.h>
#include <float.h>
#include "Products.h"

// NaN stays NaN, everything else is rounded to the nearest, ties to even.
#define NARROWED(bits)                                          \
  (((bits) & 0x7FFFFFFFu) > 0x7F800000u ? ((bits) >> 16) | 0x40u \
                                        : ((bits) + 0x7FFFu + (((bits) >> 16) & 1)) >> 16)

INLINE uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  return bits;
}

// Sixteen rows of sixteen turned about their diagonal, in four rounds that swap ever smaller blocks.
#define SWAP(x, y, ...)                                                                        \
  do {                                                                                         \
    words low_ = __builtin_shufflevector(rows[x], rows[y], LOW_##__VA_ARGS__);                 \
    rows[y] = __builtin_shufflevector(rows[x], rows[y], HIGH_##__VA_ARGS__);                   \
    rows[x] = low_;                                                                            \
  } while (0)
#define LOW_8 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define HIGH_8 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define LOW_4 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define HIGH_4 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define LOW_2 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define HIGH_2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define LOW_1 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define HIGH_1 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31

/// `rows` by `columns` of `from` (at most 16 each) to columns by rows of `to`; the rest of the 16 x 16
/// becomes 0.
INLINE void turn_block(const uint32_t *from, long stride, long height, long width, uint32_t *to,
                       long to_stride) {
  words rows[16];
  for (int i = 0; i < 16; i++) rows[i] = (words){0};
  if (width == 16) {
    for (int i = 0; i < height; i++) rows[i] = *(const words *)(from + i * stride);
  } else {
    for (int i = 0; i < height; i++) memcpy(&rows[i], from + i * stride, (size_t)width * 4);
  }
  for (int i = 0; i < 8; i++) SWAP(i, i + 8, 8);
  for (int i = 0; i < 16; i++)
    if (!(i & 4)) SWAP(i, i + 4, 4);
  for (int i = 0; i < 16; i++)
    if (!(i & 2)) SWAP(i, i + 2, 2);
  for (int i = 0; i < 16; i += 2) SWAP(i, i + 1, 1);
  for (int i = 0; i < 16; i++) *(words *)(to + i * to_stride) = rows[i];
}

INLINE long at_most(long x, long most) { return x < most ? x : most; }

LEVELS void mt_pack_floats(const float *b, long ldb, int transposed, long k, long n, float *out) {
  for (long first = 0; first < n; first += panel, out += k * panel) {
    long columns = at_most(n - first, panel);
    if (transposed) {
      long whole = k / lanes * lanes;
      uint32_t last[lanes * lanes];
      // Vectors without a column are never read.
      for (long c = 0; c < columns; c += lanes) {
        long height = at_most(columns - c, lanes);
        const uint32_t *from = (const uint32_t *)b + (first + c) * ldb;
        for (long l = 0; l < whole; l += lanes)
          turn_block(from + l, ldb, height, lanes, (uint32_t *)out + l * panel + c, panel);
        if (whole == k) continue;
        turn_block(from + whole, ldb, height, k - whole, last, lanes);
        for (long l = whole; l < k; l++)
          memcpy(out + l * panel + c, last + (l - whole) * lanes, lanes * 4);
      }
    } else {
      for (long l = 0; l < k; l++) {
        memcpy(out + l * panel, b + l * ldb + first, (size_t)columns * 4);
        if (columns < panel) memset(out + l * panel + columns, 0, (size_t)(panel - columns) * 4);
      }
    }
  }
}

LEVELS void mt_narrow_rows(const float *a, long lda, long rows, long k, uint16_t *out) {
  long room = rounded_up(k, narrow_multiple);
  for (long r = 0; r < rows; r++) {
    const float *from = a + r * lda;
    uint16_t *to = out + r * room;
    for (long l = 0; l < k; l++) {
      uint32_t bits = bits_of(from[l]);
      to[l] = (uint16_t)NARROWED(bits);
    }
    memset(to + k, 0, (size_t)(room - k) * 2);
  }
}

/// Two rows of Floats as pairs of bf16, the first below; without a second it counts as 0.
INLINE void pair_rows(const float *even, const float *odd, long count, uint32_t *to) {
  if (odd) {
    for (long c = 0; c < count; c++) {
      uint32_t low = bits_of(even[c]), high = bits_of(odd[c]);
      to[c] = NARROWED(low) | NARROWED(high) << 16;
    }
  } else {
    for (long c = 0; c < count; c++) {
      uint32_t low = bits_of(even[c]);
      to[c] = NARROWED(low);
    }
  }
}

LEVELS void mt_pack_pairs(const float *b, long ldb, int transposed, long k, long n, uint32_t *out) {
  long pairs = rounded_up(k, narrow_multiple) / 2;
  if (transposed) {
    // Sixteen rows at a time are narrowed, then their pairs turned.
    enum { most = 512 };
    uint16_t narrow[lanes * most];
    for (long first = 0; first < rounded_up(n, panel); first += lanes) {
      long height = first < n ? at_most(n - first, lanes) : 0;
      uint32_t *to = out + first / panel * pairs * panel + first % panel;
      for (long l = 0; l < k || l == 0; l += most) {
        long width = at_most(k - l, most), room = rounded_up(width, narrow_multiple);
        if (height) mt_narrow_rows(b + first * ldb + l, ldb, height, width, narrow);
        for (long pair = 0; pair < room / 2; pair += lanes)
          turn_block((uint32_t *)narrow + pair, room / 2, height, lanes,
                     to + (l / 2 + pair) * panel, panel);
      }
    }
    return;
  }
  for (long first = 0; first < n; first += panel, out += pairs * panel) {
    long columns = at_most(n - first, panel);
    for (long pair = 0; pair < pairs; pair++) {
      uint32_t *to = out + pair * panel;
      if (columns < panel || 2 * pair >= k) memset(to, 0, panel * 4);
      if (2 * pair >= k) continue;
      const float *even = b + 2 * pair * ldb + first;
      pair_rows(even, 2 * pair + 1 < k ? even + ldb : NULL, columns, to);
    }
  }
}

// Eight rows at a time: rows that lie a power of two apart share few places of the first cache, and so
// do the groups, so that a row at a time would write each group's line anew.
enum { rows_beside = 8 };

LEVELS void mt_pack_columns(const float *a, long lda, long k, long first, long count, float *out) {
  for (long start = 0; start < k; start += rows_beside) {
    long end = at_most(start + rows_beside, k);
    for (long c = 0; c < count; c += 6) {
      float *to = out + c * k + start * 6;
      const float *from = a + start * lda + first + c;
      if (c + 6 <= count) {
        for (long l = start; l < end; l++, to += 6, from += lda) memcpy(to, from, 24);
      } else {
        for (long l = start; l < end; l++, to += 6, from += lda)
          for (long i = 0; i < 6; i++) to[i] = c + i < count ? from[i] : 0;
      }
    }
  }
}

LEVELS void mt_pack_column_pairs(const float *a, long lda, long k, long first, long count,
                                 uint32_t *out, long k_room) {
  long pairs = k_room / 2;
  uint32_t rows[rows_beside][columns_at_once] = {{0}};
  for (long start = 0; start < pairs; start += rows_beside) {
    for (long i = 0; i < rows_beside; i++) {
      long l = 2 * (start + i);
      const float *even = a + l * lda + first;
      if (l < k) {
        pair_rows(even, l + 1 < k ? even + lda : NULL, count, rows[i]);
      } else {
        memset(rows[i], 0, sizeof rows[i]);
      }
    }
    for (long c = 0; c < count; c += 6)
      for (long i = 0; i < rows_beside; i++)
        memcpy(out + c * pairs + (start + i) * 6, rows[i] + c, 24);
  }
}

LEVELS void mt_turn_columns(const float *a, long lda, long k, long first, long count, uint16_t *out,
                            long k_room) {
  uint32_t row[lanes * columns_at_once];
  for (long pair = 0; pair < k_room / 2; pair += lanes) {
    for (long i = 0; i < lanes; i++) {
      long l = 2 * (pair + i);
      const float *even = a + l * lda + first;
      if (l < k) {
        pair_rows(even, l + 1 < k ? even + lda : NULL, count, row + i * columns_at_once);
      } else {
        memset(row + i * columns_at_once, 0, columns_at_once * 4);
      }
    }
    for (long c = 0; c < count; c += lanes)
      turn_block(row + c, columns_at_once, lanes, lanes, (uint32_t *)out + c * (k_room / 2) + pair,
                 k_room / 2);
  }
}

// ---- Bytes.

LEVELS void mt_quantize_rows(const float *a, long lda, long rows, long k, uint8_t *out,
                             float *scales) {
  long room = rounded_up(k, narrow_multiple);
  for (long r = 0; r < rows; r++) {
    const float *from = a + r * lda;
    uint8_t *to = out + r * room;
    float largest = 0;
    uint32_t is_broken = 0;
    for (long l = 0; l < k; l++) {
      float size = from[l] < 0 ? -from[l] : from[l];
      largest = size > largest ? size : largest;
      is_broken |= !(size <= FLT_MAX);
    }
    float inverse = largest > 0 ? 127 / largest : 0;
    // No byte stands for what is no number, so its row's scale does.
    scales[r] = is_broken ? NAN : largest / 127;
    // Adding 1.5 * 2^23 rounds to the nearest; the byte 128 stands for 0.
    for (long l = 0; l < k; l++)
      to[l] = (uint8_t)(bits_of(from[l] * inverse + 12582912.0f) + 128);
    memset(to + k, 128, (size_t)(room - k));
  }
}

void mt_pack_bytes(const float *b, long ldb, int transposed, long k, long n, uint32_t *out,
                   float *scales, int32_t *sums) {
  long room = rounded_up(k, narrow_multiple), columns = rounded_up(n, panel);
  memset(out, 0, (size_t)(room * columns));
  for (long c = 0; c < n; c++) {
    long across = transposed ? 1 : ldb;
    const float *from = transposed ? b + c * ldb : b + c;
    float largest = 0;
    for (long l = 0; l < k; l++) {
      float size = from[l * across] < 0 ? -from[l * across] : from[l * across];
      largest = size > largest ? size : largest;
    }
    float inverse = largest > 0 ? 127 / largest : 0;
    int8_t *to = (int8_t *)(out + c / panel * (room / 4) * panel + c % panel);
    int32_t sum = 0;
    for (long l = 0; l < k; l++) {
      int8_t byte = (int8_t)bits_of(from[l * across] * inverse + 12582912.0f);
      to[l / 4 * panel * 4 + l % 4] = byte;
      sum += byte;
    }
    scales[c] = largest / 127;
    sums[c] = 128 * sum;
  }
}
