// What the kernels, the packing and the products share.
#pragma once
#include <stdint.h>
#include <string.h>

#include "CProducts.h"

#if defined(__x86_64__) && defined(__linux__)
#define HAS_X86 1
#define TARGET(features) __attribute__((target(features)))
#else
#define HAS_X86 0
#endif

// As in Levels.h of CKernels: targets of floor 0 do not import each other.
#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if HAS_X86 && defined(__GLIBC__) && !__has_feature(thread_sanitizer)
#define LEVELS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LEVELS
#endif

#define INLINE static inline __attribute__((always_inline))

enum {
  /// The columns of a panel, and of one vector.
  panel = 64,
  lanes = 16,
  /// Rows, or columns of a transposed factor, whose copy is kept at once, and steps of k over which a
  /// panel stays in the core's cache: sizes of loops, which change no sum.
  rows_at_once = 96,
  columns_at_once = 192,
  steps_at_once = 512,
  /// k is filled up with zeros to a multiple of this many, for bf16 and for bytes.
  narrow_multiple = 32,
};

/// Sixteen Floats that lie anywhere.
typedef float floats __attribute__((vector_size(64), aligned(4)));
typedef uint32_t words __attribute__((vector_size(64), aligned(4)));

/// A tile of a product: some rows by at most one panel.
///
/// `a` is read at a + row * row_step + l * step, in elements of 4 bytes: a Float, a pair of bf16, or
/// four bytes. `b` is a stretch of a panel, `width` elements from one l to the next. Sums begin at what
/// c holds if `load` is set. `columns` are rounded up to whole vectors: c must have room for them.
typedef struct {
  long rows, columns, k;
  const void *a;
  long row_step, step;
  const void *b;
  long width;
  float *c;
  long ldc;
  int load;
} tile;

typedef void tile_kernel(const tile *t);

/// The kernels in use for Float, for pairs of bf16, and for bytes (whose c are 32-bit integers).
tile_kernel *mt_float_kernel(int kind);
tile_kernel *mt_pair_kernel(int kind);
/// The one for pairs on CPUs that must widen them first.
tile_kernel *mt_wide_pair_kernel(int kind);
tile_kernel *mt_byte_kernel(int kind);

/// Runs a tile of any columns: where the last vector is not whole, through scratch on the stack.
void mt_run_tile(tile_kernel *kernel, const tile *t);

/// AMX: whether rows of `a` must lie side by side, 32 numbers a step of a tile.
void mt_amx_tile(const tile *t);
void mt_amx_emulated_tile(const tile *t);
/// Whether the CPU and the system have AMX.
int mt_amx_exists(void);
int mt_amx_passes(tile_kernel *kernel);

/// At least so many bytes of this thread's scratch memory, aligned for vectors; NULL without memory. There
/// are three places, each kept for the thread's next product.
void *mt_scratch(int place, long bytes);
enum { scratch_a, scratch_b, scratch_c, scratch_places };

// ---- Packing. Panels lie one after another; what is missing in the last one is 0.

INLINE long rounded_up(long x, long multiple) { return (x + multiple - 1) / multiple * multiple; }

/// Floats: [panels][k][64].
void mt_pack_floats(const float *b, long ldb, int transposed, long k, long n, float *out);
/// Pairs of bf16: [panels][k / 2][64], the even l below, k filled up with zeros.
void mt_pack_pairs(const float *b, long ldb, int transposed, long k, long n, uint32_t *out);
/// Bytes in fours: [panels][k / 4][64]; `scales` and 128 times the sums of each column's bytes.
void mt_pack_bytes(const float *b, long ldb, int transposed, long k, long n, uint32_t *out,
                   float *scales, int32_t *sums);
/// Rows of bf16, k filled up with zeros: [rows][k].
void mt_narrow_rows(const float *a, long lda, long rows, long k, uint16_t *out);
/// Rows of bytes, 128 for 0, with a scale for each row; k filled up.
void mt_quantize_rows(const float *a, long lda, long rows, long k, uint8_t *out, float *scales);
/// Columns first..<first + count of a [k, ...] in groups of six, [groups][k][6]: Floats, or pairs of
/// bf16 (k filled up to `k_room`).
void mt_pack_columns(const float *a, long lda, long k, long first, long count, float *out);
void mt_pack_column_pairs(const float *a, long lda, long k, long first, long count, uint32_t *out,
                          long k_room);
/// The same columns as rows of bf16, [count][k_room].
void mt_turn_columns(const float *a, long lda, long k, long first, long count, uint16_t *out,
                     long k_room);
