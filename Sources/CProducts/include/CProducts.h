// Matrix products, compiled once per kind of CPU and chosen when the program starts.
//
// All matrices are row-major Float with a leading dimension (elements from one row to the next).
// Every sum of products runs over k from first to last, one product after another, whatever the number
// of rows and wherever a row stands. So a row of a result has the same bits whichever rows are beside
// it. Nothing is made per shape: memory is a packed copy of each factor and some scratch per thread.
#pragma once

/// Kinds of kernels, each faster than those before it where the CPU has it.
enum mt_products {
  mt_products_plain = 0,
  mt_products_avx2 = 1,
  mt_products_avx512 = 2,
  /// AVX-512 with products of bf16 pairs and of bytes in hardware.
  mt_products_avx512_narrow = 3,
  /// AMX tiles for bf16.
  mt_products_amx = 4,
};

/// The kind in use: the best that this CPU has, unless `mt_products_limit` says less.
int mt_products_kind(void);
/// The best kind that this CPU has; AMX counts only where its tiles passed a check against plain loops.
int mt_products_best(void);
/// Uses at most this kind from now on, on the calling thread: for tests. With `emulated`, AMX kernels
/// run on tiles that are emulated, so that they are tested on any CPU.
void mt_products_limit(int kind, int emulated);

/// Precision of a packed copy and of the products with it: Float, pairs of bf16 summed in Float, or
/// bytes with a scale for each column, summed in 32-bit integers.
enum mt_precision { mt_precision_f32 = 0, mt_precision_bf16 = 1, mt_precision_int8 = 2 };

/// c [m, n] (+)= op(a) [m, k] · op(b) [k, n]; op transposes where the flag is set, and `accumulate`
/// begins the sums at what c holds. Returns 0, or 1 where there was no memory for scratch.
int mt_product(long m, long k, long n, const float *a, long lda, int a_transposed, const float *b,
               long ldb, int b_transposed, float *c, long ldc, int accumulate);

/// c [m, n] += aᵀ · b with a [rows, m] and b [rows, n]: the gradient of a weight, its factors rounded
/// to bf16 where that is the precision.
int mt_gradient_product(int precision, long m, long rows, long n, const float *a, long lda,
                        const float *b, long ldb, float *c, long ldc);

/// A k x n matrix packed for products: panels of 64 columns.
typedef struct mt_packed mt_packed;

/// Makes room for a k x n matrix; NULL when there is no memory.
mt_packed *mt_packed_create(long k, long n, int precision);
void mt_packed_destroy(mt_packed *packed);
/// The bytes that it takes.
long mt_packed_bytes(const mt_packed *packed);

/// Packs a k x n matrix, or one stored transposed (n x k).
void mt_packed_load(mt_packed *packed, const float *matrix, long leading, int transposed);

/// c [m, n] (+)= a [m, k] · packed [k, n]. Returns 0, or 1 where there was no memory for scratch.
int mt_packed_product(const mt_packed *packed, long m, const float *a, long lda, float *c, long ldc,
                      int accumulate);

/// The scratch memory of all threads in bytes.
long mt_products_scratch(void);
