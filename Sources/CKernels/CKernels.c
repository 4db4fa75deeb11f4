// Kernels that work element by element.
#define _GNU_SOURCE  // sched_getaffinity
#include <sched.h>

#include "Levels.h"

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

// ---- Gate functions.

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
