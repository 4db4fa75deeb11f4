// Kernels that look at whole rows, and those of flat blocks of weights.
#include "Levels.h"

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

LEVELS long mt_first_above(long from, long count, const float *x, float bar) {
  // Most are not: whole blocks are passed by before one is looked at number by number.
  enum { at_once = 64 };
  for (; from + at_once <= count; from += at_once) {
    int any = 0;
    for (int i = 0; i < at_once; i++) any |= x[from + i] > bar;
    if (any) break;
  }
  while (from < count && !(x[from] > bar)) from++;
  return from;
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
      float factor = scale / sum;
      EACH_COLUMN x[c] = fast_exp(x[c] - high) * factor;
      x[targets[r]] -= scale;
    }
  }
  return total;
}

LEVELS void mt_softmax(long rows, long columns, mt_view x, mt_view y) {
  EACH_ROW {
    const float *in = ROW(x);
    float *out = ROW(y);
    float high = largest(in, columns), factor = 1.0f / exp_sum(in, columns, high);
    EACH_COLUMN out[c] = fast_exp(in[c] - high) * factor;
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

/// One number's step: the one place where the arithmetic stands, so that a step that is made up
/// for later has the same bits.
INLINE void decay_moments(float *m, float *v, float g, float beta1, float beta2) {
  *m = *m + (1.0f - beta1) * (g - *m);
  *v = *v * beta2 + (1.0f - beta2) * g * g;
}

INLINE float adamw_weight(float w, float m, float v, float epsilon, float step_size,
                          float root_scale, float decay) {
  return w - decay * w - step_size * m / (square_root(v) * root_scale + epsilon);
}

LEVELS void mt_adamw(long columns, float *weights, const float *gradient, float *mean,
                     float *square, float gradient_scale, float beta1, float beta2, float epsilon,
                     float step_size, float root_scale, float decay) {
  EACH_COLUMN {
    float g = gradient[c] * gradient_scale;
    float m = mean[c], v = square[c];
    decay_moments(&m, &v, g, beta1, beta2);
    mean[c] = m;
    square[c] = v;
    weights[c] = adamw_weight(weights[c], m, v, epsilon, step_size, root_scale, decay);
  }
}

INLINE float sgd_velocity(float velocity, float g, float w, float gradient_scale, float momentum,
                          float decay) {
  return momentum * velocity + gradient_scale * g + decay * w;
}

LEVELS void mt_sgd(long columns, float *weights, const float *gradient, float *velocity,
                   float gradient_scale, float momentum, float rate, float decay) {
  EACH_COLUMN {
    float m =
        sgd_velocity(velocity[c], gradient[c], weights[c], gradient_scale, momentum, decay);
    velocity[c] = m;
    weights[c] -= rate * m;
  }
}

// ---- Steps without a gradient, all that a row has missed at once.

// So many numbers are worked on from step to step, in registers where the CPU has many. A shorter
// rest is filled up with zeros, which stay zeros.
enum { block = 64 };
#define EACH_OF_BLOCK                            \
  _Pragma("clang loop vectorize(assume_safety)") \
  for (int c = 0; c < block; c++)

/// Whether the step changes any weight of a block beyond its decay.
///
/// A Float stays as it is when less than 2^-25 of it is taken away. Here the squares of both sides
/// are compared, with a factor of 4 to spare, because root and division take most of a step's
/// time. A right side that is too small or too large for a Float's full precision is no proof.
INLINE int moves(const float *w, const float *m, const float *v, float step_size,
                 float root_scale, float decay) {
  int any = 0;
  EACH_OF_BLOCK {
    float left = step_size * m[c] * 67108864.0f, rest = w[c] - decay * w[c];
    float right = v[c] * root_scale * root_scale * (rest * rest);
    int stays = m[c] == 0.0f || (left * left < right && right > 1e-30f && right < 1e30f);
    any |= !stays;
  }
  return any;
}

LEVELS void mt_adamw_idle(long count, float *weights, float *mean, float *square, float beta1,
                          float beta2, float epsilon, long steps, const mt_adamw_step *step) {
  for (long from = 0; from < count; from += block) {
    long size = (count - from < block ? count - from : block) * (long)sizeof(float);
    float w[block] = {0}, m[block] = {0}, v[block] = {0};
    memcpy(w, weights + from, size);
    memcpy(m, mean + from, size);
    memcpy(v, square + from, size);
    for (long s = 0; s < steps; s++) {
      float step_size = step[s].step_size, root_scale = step[s].root_scale, decay = step[s].decay;
      EACH_OF_BLOCK decay_moments(m + c, v + c, 0.0f, beta1, beta2);
      if (moves(w, m, v, step_size, root_scale, decay)) {
        EACH_OF_BLOCK w[c] =
            adamw_weight(w[c], m[c], v[c], epsilon, step_size, root_scale, decay);
      } else {
        EACH_OF_BLOCK w[c] = w[c] - decay * w[c];
      }
    }
    memcpy(weights + from, w, size);
    memcpy(mean + from, m, size);
    memcpy(square + from, v, size);
  }
}

LEVELS void mt_sgd_idle(long count, float *weights, float *velocity, float momentum, float decay,
                        long steps, const float *rate) {
  for (long from = 0; from < count; from += block) {
    long size = (count - from < block ? count - from : block) * (long)sizeof(float);
    float w[block] = {0}, m[block] = {0};
    memcpy(w, weights + from, size);
    memcpy(m, velocity + from, size);
    for (long s = 0; s < steps; s++) {
      EACH_OF_BLOCK {
        m[c] = sgd_velocity(m[c], 0.0f, w[c], 1.0f, momentum, decay);
        w[c] -= rate[s] * m[c];
      }
    }
    memcpy(weights + from, w, size);
    memcpy(velocity + from, m, size);
  }
}
