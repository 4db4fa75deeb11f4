// Tiles of bf16 pairs on AMX: 32 rows by 32 columns in four accumulators.
//
// Written once over six operations on tile registers, and compiled twice: on the CPU's own, and on an
// emulation of them in plain C, by which the code is tested where there is no AMX. At the first use the
// CPU's own are checked against plain loops; where they fail, AMX is not used.
#define _GNU_SOURCE
#include "Products.h"

#include <math.h>
#include <unistd.h>

enum { tile_rows = 16, tile_pairs = 16 };

/// c (0 to 3), a (4, 5) and b (6, 7): each of 16 rows of 64 bytes.
enum { first_a = 4, first_b = 6, tile_count = 8 };

typedef struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} configuration;

static configuration all_tiles(void) {
  configuration c = {.palette = 1};
  for (int i = 0; i < tile_count; i++) c.row_bytes[i] = 64, c.rows[i] = tile_rows;
  return c;
}

/// The tile in columns `half`.. of a block, its rows from `row` on, read from or written to c; through
/// `edge` where the block has fewer rows or columns than a tile.
#define C_TILE(number, row, column, loads)                                                    \
  do {                                                                                        \
    long rows_ = t->rows - (row), columns_ = rounded_up(t->columns, lanes) - (column);        \
    if (rows_ <= 0 || columns_ <= 0) break;                                                   \
    float *c_ = t->c + (row) * t->ldc + (column);                                             \
    long height_ = rows_ < tile_rows ? rows_ : tile_rows;                                     \
    if (height_ == tile_rows) {                                                               \
      if (loads) LOAD(number, c_, t->ldc * 4); else STORE(number, c_, t->ldc * 4);            \
    } else {                                                                                  \
      float edge_[tile_rows * lanes] = {0};                                                   \
      if (loads) {                                                                            \
        for (long r = 0; r < height_; r++) memcpy(edge_ + r * lanes, c_ + r * t->ldc, 64);    \
        LOAD(number, edge_, 64);                                                              \
      } else {                                                                                \
        STORE(number, edge_, 64);                                                             \
        for (long r = 0; r < height_; r++) memcpy(c_ + r * t->ldc, edge_ + r * lanes, 64);    \
      }                                                                                       \
    }                                                                                         \
  } while (0)

/// All of a tile of a product. Rows of `a` are read in sixteens: its scratch has room for them.
#define AMX_SWEEP(name, ATTRIBUTE)                                                            \
  ATTRIBUTE static void name(const tile *t) {                                                 \
    const uint32_t *b = t->b;                                                                 \
    BEGIN                                                                                     \
    for (long row = 0; row < t->rows; row += 2 * tile_rows)                                   \
      for (long column = 0; column < t->columns; column += 2 * lanes) {                       \
        const uint32_t *a = (const uint32_t *)t->a + row * t->row_step;                       \
        int two_rows = t->rows - row > tile_rows, two_columns = t->columns - column > lanes;  \
        CLEAR(0); CLEAR(1); CLEAR(2); CLEAR(3);                                               \
        if (t->load) {                                                                        \
          C_TILE(0, row, column, 1); C_TILE(1, row, column + lanes, 1);                       \
          C_TILE(2, row + tile_rows, column, 1);                                              \
          C_TILE(3, row + tile_rows, column + lanes, 1);                                      \
        }                                                                                     \
        for (long l = 0; l < t->k; l += tile_pairs) {                                         \
          LOAD(4, a + l, t->row_step * 4);                                                    \
          LOAD(6, b + l * t->width + column, t->width * 4);                                   \
          MULTIPLY(0, 4, 6);                                                                  \
          if (two_columns) {                                                                  \
            LOAD(7, b + l * t->width + column + lanes, t->width * 4);                         \
            MULTIPLY(1, 4, 7);                                                                \
          }                                                                                   \
          if (two_rows) {                                                                     \
            LOAD(5, a + tile_rows * t->row_step + l, t->row_step * 4);                        \
            MULTIPLY(2, 5, 6);                                                                \
            if (two_columns) MULTIPLY(3, 5, 7);                                               \
          }                                                                                   \
        }                                                                                     \
        C_TILE(0, row, column, 0); C_TILE(1, row, column + lanes, 0);                         \
        C_TILE(2, row + tile_rows, column, 0);                                                \
        C_TILE(3, row + tile_rows, column + lanes, 0);                                        \
      }                                                                                       \
    END                                                                                       \
  }

// ---- On an emulation.

static void emulated_load(uint32_t *to, const void *from, long stride) {
  for (int r = 0; r < tile_rows; r++)
    memcpy(to + r * tile_pairs, (const char *)from + r * stride, 64);
}

static void emulated_store(const uint32_t *from, void *to, long stride) {
  for (int r = 0; r < tile_rows; r++)
    memcpy((char *)to + r * stride, from + r * tile_pairs, 64);
}

static float widened(uint32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

/// TDPBF16PS: even and odd products are summed apart, then added to c.
static void emulated_multiply(uint32_t *c, const uint32_t *a, const uint32_t *b) {
  for (int m = 0; m < tile_rows; m++)
    for (int n = 0; n < lanes; n++) {
      float even = 0, odd = 0;
      for (int l = 0; l < tile_pairs; l++) {
        uint32_t x = a[m * tile_pairs + l], y = b[l * lanes + n];
        even += widened(x << 16) * widened(y << 16);
        odd += widened(x & 0xFFFF0000u) * widened(y & 0xFFFF0000u);
      }
      float sum = widened(c[m * lanes + n]) + (even + odd);
      memcpy(c + m * lanes + n, &sum, 4);
    }
}

#define BEGIN uint32_t tiles[tile_count][tile_rows * tile_pairs] = {{0}};
#define END
#define CLEAR(i) memset(tiles[i], 0, sizeof tiles[i])
#define LOAD(i, from, stride) emulated_load(tiles[i], from, stride)
#define STORE(i, to, stride) emulated_store(tiles[i], to, stride)
#define MULTIPLY(c, a, b) emulated_multiply(tiles[c], tiles[a], tiles[b])
AMX_SWEEP(emulated_sweep, )
#undef BEGIN
#undef END
#undef CLEAR
#undef LOAD
#undef STORE
#undef MULTIPLY

void mt_amx_emulated_tile(const tile *t) { emulated_sweep(t); }

// ---- On the CPU's own.

#if HAS_X86
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>

#define BEGIN                      \
  configuration setting = all_tiles(); \
  _tile_loadconfig(&setting);
#define END _tile_release();
#define CLEAR(i) _tile_zero(i)
#define LOAD(i, from, stride) _tile_loadd(i, from, stride)
#define STORE(i, to, stride) _tile_stored(i, to, stride)
#define MULTIPLY(c, a, b) _tile_dpbf16ps(c, a, b)
AMX_SWEEP(sweep, TARGET("amx-tile,amx-bf16,avx512f"))

void mt_amx_tile(const tile *t) { sweep(t); }

int mt_amx_exists(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
  enum { bf16 = 1 << 22, tiles = 1 << 24 };
  if (!(d & bf16) || !(d & tiles)) return 0;
  // Linux gives a process the tiles' state when it asks: ARCH_REQ_XCOMP_PERM for XTILEDATA.
  enum { request_permission = 0x1023, tile_data = 18 };
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}
#else
void mt_amx_tile(const tile *t) { emulated_sweep(t); }
int mt_amx_exists(void) { return 0; }
#endif

int mt_amx_passes(tile_kernel *kernel) {
  enum { rows = 37, room = 48, pairs = 32, columns = 48 };
  static uint32_t a[room * pairs], b[pairs * panel];
  static float c[room * panel];
  // bf16 numbers between 1 and 2, of either sign.
  uint32_t seed = 1;
  for (int i = 0; i < room * pairs + pairs * panel; i++) {
    seed = seed * 1664525u + 1013904223u;
    uint32_t *to = i < room * pairs ? a + i : b + i - room * pairs;
    *to = (seed & 0x807F807Fu) | 0x3F803F80u;
  }
  for (int i = 0; i < room * panel; i++) c[i] = (float)(i % 7);
  tile t = {rows, columns, pairs, a, pairs, 1, b, panel, c, panel, 1};
  kernel(&t);
  for (int r = 0; r < room; r++)
    for (int n = 0; n < panel; n++) {
      double sum = (r * panel + n) % 7;
      if (r < rows && n < columns)
        for (int l = 0; l < pairs; l++) {
          uint32_t x = a[r * pairs + l], y = b[l * panel + n];
          sum += (double)widened(x << 16) * widened(y << 16) +
                 (double)widened(x & 0xFFFF0000u) * widened(y & 0xFFFF0000u);
        }
      if (!(fabs(c[r * panel + n] - sum) < 1e-3)) return 0;
    }
  return 1;
}
