#define _GNU_SOURCE  // sched_getaffinity
#include "CKernels.h"

#include <math.h>
#include <sched.h>
#include <string.h>

// The compiler's loader hook picks the clone for the CPU at hand. Other architectures, and C
// libraries without that hook, get the plain function.
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__)
#define LEVELS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LEVELS
#endif

// Outputs may be inputs, element by element. Without this promise the compiler checks at run time
// for overlap, finds it, and takes the scalar loop: the LSTM law then took 465 us instead of 36.
#define EACH_COLUMN                                     \
  _Pragma("clang loop vectorize(assume_safety)")        \
  for (long c = 0; c < columns; c++)

#define EACH_ROW for (long r = 0; r < rows; r++)
#define ROW(view) ((view).at + r * (view).stride)
#define INLINE static inline __attribute__((always_inline))

int mt_cpu_level(void) {
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512cd"))
    return 4;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 3;
#endif
  return 1;
}

long mt_processors(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

/// The square root as an instruction: sqrtf may set errno, and so would keep its loop scalar.
#if defined(__has_builtin) && __has_builtin(__builtin_elementwise_sqrt)
#define square_root __builtin_elementwise_sqrt
#else
#define square_root sqrtf
#endif

// ---- exp and its kin, written so that loops over them become vector code.

/// 2^n for an integral n in [-126, 127].
INLINE float power_of_two(float n) {
  int32_t bits = ((int32_t)n + 127) << 23;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/// The nearest integer, ties to even, for |x| < 2^22: adding 1.5 * 2^23 pushes the fraction out.
INLINE float nearest(float x) { return (x + 12582912.0f) - 12582912.0f; }

/// x = n ln 2 + r with |r| <= ln 2 / 2; returns e^r - 1, relative error about 1e-7.
INLINE float reduced_expm1(float x, float *n) {
  *n = nearest(x * 1.44269504f);
  // ln 2 in two parts, the first short enough for n times it to be exact.
  float r = (x - *n * 0.693359375f) + *n * 2.12194440e-4f;
  // The Taylor series to r^7: the next term is below 6e-9 on this interval.
  float p = 1.0f / 5040.0f;
  p = p * r + 1.0f / 720.0f;
  p = p * r + 1.0f / 120.0f;
  p = p * r + 1.0f / 24.0f;
  p = p * r + 1.0f / 6.0f;
  p = p * r + 0.5f;
  return p * r * r + r;
}

INLINE float clamped(float x, float low, float high) {
  // Written so that NaN stays NaN: both comparisons are false for it.
  x = x < low ? low : x;
  return x > high ? high : x;
}

INLINE float fast_exp(float x) {
  float n, m = reduced_expm1(clamped(x, -87.0f, 88.0f), &n);
  return (m + 1.0f) * power_of_two(n);
}

INLINE float one_sigmoid(float x) { return 1.0f / (1.0f + fast_exp(-x)); }

/// tanh x = (e^2x - 1) / (e^2x + 1), through e^2x - 1 so that small x lose nothing.
INLINE float one_tanh(float x) {
  float n, m = reduced_expm1(clamped(2.0f * x, -20.0f, 20.0f), &n);
  float scale = power_of_two(n);
  float e = m * scale + (scale - 1.0f);
  return e / (e + 2.0f);
}

// ---- Gate laws.

LEVELS void mt_sigmoid(long rows, long columns, mt_view x, mt_view y) {
  EACH_ROW {
    const float *in = ROW(x);
    float *out = ROW(y);
    EACH_COLUMN out[c] = one_sigmoid(in[c]);
  }
}

LEVELS void mt_tanh(long rows, long columns, mt_view x, mt_view y) {
  EACH_ROW {
    const float *in = ROW(x);
    float *out = ROW(y);
    EACH_COLUMN out[c] = one_tanh(in[c]);
  }
}

LEVELS void mt_relu(long rows, long columns, mt_view x, mt_view y) {
  EACH_ROW {
    const float *in = ROW(x);
    float *out = ROW(y);
    EACH_COLUMN out[c] = in[c] < 0.0f ? 0.0f : in[c];
  }
}

LEVELS void mt_sigmoid_gradient(long rows, long columns, mt_view upstream, mt_view factor,
                                mt_view y, mt_view out) {
  EACH_ROW {
    const float *u = ROW(upstream), *f = ROW(factor), *v = ROW(y);
    float *o = ROW(out);
    EACH_COLUMN o[c] = u[c] * f[c] * (v[c] * (1.0f - v[c]));
  }
}

LEVELS void mt_tanh_gradient(long rows, long columns, mt_view upstream, mt_view factor, mt_view y,
                             mt_view out) {
  EACH_ROW {
    const float *u = ROW(upstream), *f = ROW(factor), *v = ROW(y);
    float *o = ROW(out);
    EACH_COLUMN o[c] = u[c] * f[c] * (1.0f - v[c] * v[c]);
  }
}

LEVELS void mt_plain_sigmoid_gradient(long rows, long columns, mt_view upstream, mt_view y,
                                      mt_view out) {
  EACH_ROW {
    const float *u = ROW(upstream), *v = ROW(y);
    float *o = ROW(out);
    EACH_COLUMN o[c] = u[c] * (v[c] * (1.0f - v[c]));
  }
}

LEVELS void mt_plain_tanh_gradient(long rows, long columns, mt_view upstream, mt_view y,
                                   mt_view out) {
  EACH_ROW {
    const float *u = ROW(upstream), *v = ROW(y);
    float *o = ROW(out);
    EACH_COLUMN o[c] = u[c] * (1.0f - v[c] * v[c]);
  }
}

LEVELS void mt_add_tanh_gradient(long rows, long columns, mt_view upstream, mt_view factor,
                                 mt_view y, mt_view out) {
  EACH_ROW {
    const float *u = ROW(upstream), *f = ROW(factor), *v = ROW(y);
    float *o = ROW(out);
    EACH_COLUMN o[c] += u[c] * f[c] * (1.0f - v[c] * v[c]);
  }
}

LEVELS void mt_relu_gradient(long rows, long columns, mt_view upstream, mt_view y, mt_view out) {
  EACH_ROW {
    const float *u = ROW(upstream), *v = ROW(y);
    float *o = ROW(out);
    EACH_COLUMN o[c] = v[c] > 0.0f ? u[c] : 0.0f;
  }
}

// ---- Sums and products.

LEVELS void mt_multiply(long rows, long columns, mt_view a, mt_view b, mt_view out) {
  EACH_ROW {
    const float *x = ROW(a), *y = ROW(b);
    float *o = ROW(out);
    EACH_COLUMN o[c] = x[c] * y[c];
  }
}

LEVELS void mt_multiply_add(long rows, long columns, mt_view a, mt_view b, mt_view out) {
  EACH_ROW {
    const float *x = ROW(a), *y = ROW(b);
    float *o = ROW(out);
    EACH_COLUMN o[c] += x[c] * y[c];
  }
}

LEVELS void mt_multiply_two(long rows, long columns, mt_view a, mt_view b, mt_view c_view,
                            mt_view d_view, mt_view out) {
  EACH_ROW {
    const float *x = ROW(a), *y = ROW(b), *z = ROW(c_view), *w = ROW(d_view);
    float *o = ROW(out);
    EACH_COLUMN o[c] = x[c] * y[c] + z[c] * w[c];
  }
}

LEVELS void mt_divide(long rows, long columns, mt_view a, mt_view b, mt_view out) {
  EACH_ROW {
    const float *x = ROW(a), *y = ROW(b);
    float *o = ROW(out);
    EACH_COLUMN o[c] = x[c] / y[c];
  }
}

LEVELS void mt_multiply_row_add(long rows, long columns, mt_view a, const float *row,
                                mt_view out) {
  EACH_ROW {
    const float *x = ROW(a);
    float *o = ROW(out);
    EACH_COLUMN o[c] += x[c] * row[c];
  }
}

LEVELS void mt_add_column_products(long rows, long columns, mt_view a, mt_view b, float *row) {
  EACH_ROW {
    const float *x = ROW(a), *y = ROW(b);
    EACH_COLUMN row[c] += x[c] * y[c];
  }
}

LEVELS void mt_add(long rows, long columns, mt_view a, mt_view out) {
  EACH_ROW {
    const float *x = ROW(a);
    float *o = ROW(out);
    EACH_COLUMN o[c] += x[c];
  }
}

LEVELS void mt_subtract(long rows, long columns, mt_view a, mt_view from, mt_view out) {
  EACH_ROW {
    const float *x = ROW(a), *y = ROW(from);
    float *o = ROW(out);
    EACH_COLUMN o[c] = y[c] - x[c];
  }
}

LEVELS void mt_one_minus(long rows, long columns, mt_view x, mt_view y) {
  EACH_ROW {
    const float *in = ROW(x);
    float *out = ROW(y);
    EACH_COLUMN out[c] = 1.0f - in[c];
  }
}

void mt_copy(long rows, long columns, mt_view a, mt_view out) {
  EACH_ROW memmove(ROW(out), ROW(a), (size_t)columns * sizeof(float));
}

LEVELS void mt_fill(long rows, long columns, float value, mt_view out) {
  EACH_ROW {
    float *o = ROW(out);
    EACH_COLUMN o[c] = value;
  }
}

LEVELS void mt_scale(long rows, long columns, float value, mt_view out) {
  EACH_ROW {
    float *o = ROW(out);
    EACH_COLUMN o[c] *= value;
  }
}

LEVELS void mt_add_row(long rows, long columns, const float *row, mt_view out) {
  EACH_ROW {
    float *o = ROW(out);
    EACH_COLUMN o[c] += row[c];
  }
}

LEVELS void mt_add_columns(long rows, long columns, mt_view a, float *row) {
  EACH_ROW {
    const float *x = ROW(a);
    EACH_COLUMN row[c] += x[c];
  }
}

void mt_gather(long rows, long columns, mt_view table, const int32_t *index, mt_view out) {
  EACH_ROW memcpy(ROW(out), table.at + index[r] * table.stride, (size_t)columns * sizeof(float));
}

LEVELS void mt_scatter_add(long rows, long columns, mt_view a, const int32_t *index,
                           mt_view table) {
  EACH_ROW {
    const float *x = ROW(a);
    float *o = table.at + index[r] * table.stride;
    EACH_COLUMN o[c] += x[c];
  }
}

// ---- Stretches of rows.

LEVELS void mt_largest_rows(long stretches, long columns, mt_view x, const int32_t *starts,
                            mt_view y, int32_t *at) {
  for (long s = 0; s < stretches; s++) {
    float *best = y.at + s * y.stride;
    int32_t *place = at + s * columns;
    const float *first = x.at + starts[s] * x.stride;
    for (long c = 0; c < columns; c++) best[c] = first[c], place[c] = starts[s];
    for (int32_t r = starts[s] + 1; r < starts[s + 1]; r++) {
      const float *row = x.at + r * x.stride;
      EACH_COLUMN {
        int larger = row[c] > best[c];
        best[c] = larger ? row[c] : best[c];
        place[c] = larger ? r : place[c];
      }
    }
  }
}

void mt_largest_rows_gradient(long stretches, long columns, mt_view upstream, const int32_t *at,
                              mt_view out) {
  for (long s = 0; s < stretches; s++)
    for (long c = 0; c < columns; c++)
      out.at[at[s * columns + c] * out.stride + c] += upstream.at[s * upstream.stride + c];
}

// ---- Softmax. Sums run in 16 lanes whose order does not depend on the CPU level.

enum { lanes = 16 };

/// The largest of x, without NaN's help: a NaN shows in the sum that follows.
INLINE float largest(const float *x, long columns) {
  float best[lanes];
  for (int l = 0; l < lanes; l++) best[l] = -INFINITY;
  long c = 0;
  for (; c + lanes <= columns; c += lanes)
    for (int l = 0; l < lanes; l++) best[l] = x[c + l] > best[l] ? x[c + l] : best[l];
  for (int l = 0; c < columns; c++, l++) best[l] = x[c] > best[l] ? x[c] : best[l];
  float all = best[0];
  for (int l = 1; l < lanes; l++) all = best[l] > all ? best[l] : all;
  return all;
}

INLINE float exp_sum(const float *x, long columns, float shift) {
  float sums[lanes] = {0};
  long c = 0;
  for (; c + lanes <= columns; c += lanes)
    for (int l = 0; l < lanes; l++) sums[l] += fast_exp(x[c + l] - shift);
  for (int l = 0; c < columns; c++, l++) sums[l] += fast_exp(x[c] - shift);
  float all = 0;
  for (int l = 0; l < lanes; l++) all += sums[l];
  return all;
}

LEVELS double mt_softmax_cross_entropy(long rows, long columns, mt_view logits,
                                       const int32_t *targets, float scale, float *losses) {
  double total = 0;
  EACH_ROW {
    float *x = ROW(logits);
    if (targets[r] < 0) {
      if (losses) losses[r] = 0;
      if (scale != 0.0f) EACH_COLUMN x[c] = 0;
      continue;
    }
    float high = largest(x, columns), sum = exp_sum(x, columns, high);
    float loss = logf(sum) + high - x[targets[r]];
    total += loss;
    if (losses) losses[r] = loss;
    if (scale != 0.0f) {
      float share = scale / sum;
      EACH_COLUMN x[c] = fast_exp(x[c] - high) * share;
      x[targets[r]] -= scale;
    }
  }
  return total;
}

LEVELS void mt_softmax(long rows, long columns, mt_view x, mt_view y) {
  EACH_ROW {
    const float *in = ROW(x);
    float *out = ROW(y);
    float high = largest(in, columns), share = 1.0f / exp_sum(in, columns, high);
    EACH_COLUMN out[c] = fast_exp(in[c] - high) * share;
  }
}

LEVELS void mt_softmax_gradient(long rows, long columns, mt_view upstream, mt_view y, mt_view out) {
  EACH_ROW {
    const float *up = ROW(upstream), *at = ROW(y);
    float *to = ROW(out);
    float products[lanes] = {0}, product = 0;
    long i = 0;
    for (; i + lanes <= columns; i += lanes)
      for (int l = 0; l < lanes; l++) products[l] += up[i + l] * at[i + l];
    for (int l = 0; i < columns; i++, l++) products[l] += up[i] * at[i];
    for (int l = 0; l < lanes; l++) product += products[l];
    EACH_COLUMN to[c] = (up[c] - product) * at[c];
  }
}

// ---- Rows brought to mean 0 and deviation 1.

LEVELS void mt_normalize_rows(long rows, long columns, mt_view x, float epsilon, mt_view y,
                              mt_view inverse) {
  EACH_ROW {
    const float *in = ROW(x);
    float *out = ROW(y);
    float sums[lanes] = {0}, mean = 0, square = 0;
    long i = 0;
    for (; i + lanes <= columns; i += lanes)
      for (int l = 0; l < lanes; l++) sums[l] += in[i + l];
    for (int l = 0; i < columns; i++, l++) sums[l] += in[i];
    for (int l = 0; l < lanes; l++) mean += sums[l], sums[l] = 0;
    mean /= (float)columns;
    // A second pass, because the difference of two large sums would lose the small ones.
    for (i = 0; i + lanes <= columns; i += lanes)
      for (int l = 0; l < lanes; l++) sums[l] += (in[i + l] - mean) * (in[i + l] - mean);
    for (int l = 0; i < columns; i++, l++) sums[l] += (in[i] - mean) * (in[i] - mean);
    for (int l = 0; l < lanes; l++) square += sums[l];
    float scale = 1.0f / sqrtf(square / (float)columns + epsilon);
    ROW(inverse)[0] = scale;
    EACH_COLUMN out[c] = (in[c] - mean) * scale;
  }
}

LEVELS void mt_normalize_rows_gradient(long rows, long columns, mt_view upstream, const float *gain,
                                       mt_view y, mt_view inverse, mt_view out) {
  EACH_ROW {
    const float *up = ROW(upstream), *at = ROW(y);
    float *to = ROW(out);
    float sums[lanes] = {0}, products[lanes] = {0}, mean = 0, product = 0;
    long i = 0;
    for (; i + lanes <= columns; i += lanes)
      for (int l = 0; l < lanes; l++) {
        float g = up[i + l] * gain[i + l];
        sums[l] += g;
        products[l] += g * at[i + l];
      }
    for (int l = 0; i < columns; i++, l++) {
      float g = up[i] * gain[i];
      sums[l] += g;
      products[l] += g * at[i];
    }
    for (int l = 0; l < lanes; l++) mean += sums[l], product += products[l];
    mean /= (float)columns;
    product /= (float)columns;
    float scale = ROW(inverse)[0];
    EACH_COLUMN to[c] = (up[c] * gain[c] - mean - at[c] * product) * scale;
  }
}

// ---- Flat blocks.

LEVELS double mt_sum_of_squares(long count, const float *x) {
  double sums[lanes] = {0};
  long i = 0;
  for (; i + lanes <= count; i += lanes)
    for (int l = 0; l < lanes; l++) sums[l] += (double)x[i + l] * (double)x[i + l];
  for (int l = 0; i < count; i++, l++) sums[l] += (double)x[i] * (double)x[i];
  double all = 0;
  for (int l = 0; l < lanes; l++) all += sums[l];
  return all;
}

LEVELS void mt_adamw(long columns, float *weights, const float *gradient, float *mean,
                     float *square, float gradient_scale, float beta1, float beta2, float epsilon,
                     float step_size, float root_scale, float decay) {
  EACH_COLUMN {
    float g = gradient[c] * gradient_scale;
    float m = mean[c] + (1.0f - beta1) * (g - mean[c]);
    float v = square[c] * beta2 + (1.0f - beta2) * g * g;
    mean[c] = m;
    square[c] = v;
    weights[c] =
        weights[c] - decay * weights[c] - step_size * m / (square_root(v) * root_scale + epsilon);
  }
}

LEVELS void mt_sgd(long columns, float *weights, const float *gradient, float *velocity,
                   float gradient_scale, float momentum, float rate, float decay) {
  EACH_COLUMN {
    float m = momentum * velocity[c] + gradient_scale * gradient[c] + decay * weights[c];
    velocity[c] = m;
    weights[c] -= rate * m;
  }
}
