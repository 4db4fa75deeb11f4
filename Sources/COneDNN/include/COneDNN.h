// Matrix products on oneDNN behind a face that does not change with oneDNN's version.
//
// All matrices are row-major Float with a leading dimension (elements from one row to the next).
// Every function returns 0, or oneDNN's status when a primitive could not be made or run.
// Each thread keeps its own primitives (oneDNN's scratch space is not shared between threads) and
// releases them when it ends; the number of threads that one product may use is set per thread.
#pragma once

/// Sets the threads that one product on the calling thread may use from now on, 1 until it is
/// called, and returns what they were. OpenMP's own setting is changed only while a product runs.
int mt_product_threads(int threads);

/// c [m, n] (+)= op(a) [m, k] · op(b) [k, n]; op transposes where the flag is set.
/// `accumulate` adds to what c holds.
int mt_product(long m, long k, long n, const float *a, long lda, int a_transposed, const float *b,
               long ldb, int b_transposed, float *c, long ldc, int accumulate);

/// A k x n matrix in the layout that oneDNN multiplies fastest.
typedef struct mt_packed mt_packed;

/// Precision of the packed copy and of the products with it: sums are f32 in both.
enum { mt_precision_f32 = 0, mt_precision_bf16 = 1 };

/// Makes room for a k x n matrix; NULL when oneDNN refuses (out of memory, no such precision here).
mt_packed *mt_packed_create(long k, long n, int precision);
/// The same in plain rows instead of the layout of oneDNN's choice, so that a test can show that
/// matrices of one size and two layouts do not share their primitives.
mt_packed *mt_packed_create_plain(long k, long n, int precision);
void mt_packed_destroy(mt_packed *packed);

/// Packs a k x n matrix, or one stored transposed (n x k), into the layout.
int mt_packed_load(mt_packed *packed, const float *matrix, long leading, int transposed);

/// c [m, n] (+)= a [m, k] · packed [k, n].
int mt_packed_product(const mt_packed *packed, long m, const float *a, long lda, float *c, long ldc,
                      int accumulate);

/// oneDNN's version as one number, major * 10000 + minor * 100 + patch.
int mt_onednn_version(void);
