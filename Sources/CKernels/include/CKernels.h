// Element-wise kernels on Float, compiled once per CPU level and chosen when the program is loaded.
//
// A view is a row-major block: `at` its first element, `stride` the elements from row to row. All
// views of one call have the same number of rows and columns. Unless a kernel says otherwise its
// output may be one of its inputs (the same view), but must not overlap one in any other way.
#pragma once
#include <stdint.h>

typedef struct {
  float *at;
  long stride;
} mt_view;

/// The CPU level in use: 4 (AVX-512), 3 (AVX2), or 1 (the architecture's baseline).
int mt_cpu_level(void);

/// The processors that this process may use, or 0 when the system does not say.
long mt_processors(void);

// ---- Gate functions: y = f(x).
void mt_sigmoid(long rows, long columns, mt_view x, mt_view y);
void mt_tanh(long rows, long columns, mt_view x, mt_view y);
void mt_relu(long rows, long columns, mt_view x, mt_view y);

// ---- Their derivatives, from the output y: out = upstream * factor * f'(y).
void mt_sigmoid_gradient(long rows, long columns, mt_view upstream, mt_view factor, mt_view y,
                         mt_view out);
void mt_tanh_gradient(long rows, long columns, mt_view upstream, mt_view factor, mt_view y,
                      mt_view out);
/// The same without a factor: out = upstream * f'(y).
void mt_plain_sigmoid_gradient(long rows, long columns, mt_view upstream, mt_view y, mt_view out);
void mt_plain_tanh_gradient(long rows, long columns, mt_view upstream, mt_view y, mt_view out);
/// out += upstream * factor * (1 - y^2)
void mt_add_tanh_gradient(long rows, long columns, mt_view upstream, mt_view factor, mt_view y,
                          mt_view out);
/// out = upstream where y > 0, else 0
void mt_relu_gradient(long rows, long columns, mt_view upstream, mt_view y, mt_view out);

// ---- Sums and products of blocks.
/// out = a * b
void mt_multiply(long rows, long columns, mt_view a, mt_view b, mt_view out);
/// out += a * b
void mt_multiply_add(long rows, long columns, mt_view a, mt_view b, mt_view out);
/// out = a * b + c * d
void mt_multiply_two(long rows, long columns, mt_view a, mt_view b, mt_view c, mt_view d,
                     mt_view out);
/// out = a / b
void mt_divide(long rows, long columns, mt_view a, mt_view b, mt_view out);
/// out[r] += a[r] * row
void mt_multiply_row_add(long rows, long columns, mt_view a, const float *row, mt_view out);
/// row += the sum over rows of a * b
void mt_add_column_products(long rows, long columns, mt_view a, mt_view b, float *row);
/// out += a
void mt_add(long rows, long columns, mt_view a, mt_view out);
/// out = from - a
void mt_subtract(long rows, long columns, mt_view a, mt_view from, mt_view out);
/// y = 1 - x
void mt_one_minus(long rows, long columns, mt_view x, mt_view y);
/// out = a
void mt_copy(long rows, long columns, mt_view a, mt_view out);
/// out = value
void mt_fill(long rows, long columns, float value, mt_view out);
/// out *= value
void mt_scale(long rows, long columns, float value, mt_view out);
/// out[r] += row, for each row
void mt_add_row(long rows, long columns, const float *row, mt_view out);
/// row += the sum of all rows of a
void mt_add_columns(long rows, long columns, mt_view a, float *row);
/// out[r] = table[index[r]]
void mt_gather(long rows, long columns, mt_view table, const int32_t *index, mt_view out);
/// table[index[r]] += a[r], in the order of the rows
void mt_scatter_add(long rows, long columns, mt_view a, const int32_t *index, mt_view table);

// ---- Softmax.
/// Softmax cross entropy of each row against its target. Returns the sum of -log p in nats; rows
/// whose target is negative count nothing. `logits` become scale * (softmax - one-hot), the
/// gradient, unless scale is 0: then they are left as they are. `losses`, if not NULL, gets each
/// row's -log p.
double mt_softmax_cross_entropy(long rows, long columns, mt_view logits, const int32_t *targets,
                                float scale, float *losses);
/// y = softmax(x) by rows
void mt_softmax(long rows, long columns, mt_view x, mt_view y);

/// The backward pass of y = softmax(x): out = (upstream - sum of upstream * y) * y by rows
void mt_softmax_gradient(long rows, long columns, mt_view upstream, mt_view y, mt_view out);

// ---- Stretches of rows.
/// y[s] = the largest of rows starts[s] to starts[s + 1] of x in each column, and at[s] the row it
/// stands in, [stretches, columns] without gaps; the first of equal ones.
void mt_largest_rows(long stretches, long columns, mt_view x, const int32_t *starts, mt_view y,
                     int32_t *at);
/// Its backward pass: out[at[s][c]][c] += upstream[s][c]
void mt_largest_rows_gradient(long stretches, long columns, mt_view upstream, const int32_t *at,
                              mt_view out);

/// The first of x[from], ..., x[count - 1] that is above `bar`; `count` where none is.
long mt_first_above(long from, long count, const float *x, float bar);

// ---- Rows brought to mean 0 and deviation 1.
/// y = (x - mean) * inverse by rows, with inverse[r] = 1 / sqrt(variance + epsilon), in one column
void mt_normalize_rows(long rows, long columns, mt_view x, float epsilon, mt_view y,
                       mt_view inverse);
/// Its backward pass, with g = upstream * gain: out = (g - mean of g - y * mean of g * y) * inverse
void mt_normalize_rows_gradient(long rows, long columns, mt_view upstream, const float *gain,
                                mt_view y, mt_view inverse, mt_view out);

// ---- Flat blocks of weights.
/// The sum of squares, in Double.
double mt_sum_of_squares(long count, const float *x);
/// One AdamW step (Loshchilov & Hutter 2019). `step_size` is rate / (1 - beta1^t), `root_scale`
/// 1 / sqrt(1 - beta2^t), `decay` the factor rate * weight decay; the gradient is scaled first.
void mt_adamw(long count, float *weights, const float *gradient, float *mean, float *square,
              float gradient_scale, float beta1, float beta2, float epsilon, float step_size,
              float root_scale, float decay);
/// One step of SGD with momentum: m = momentum * m + scale * g + decay * w; w -= rate * m.
void mt_sgd(long count, float *weights, const float *gradient, float *velocity,
            float gradient_scale, float momentum, float rate, float decay);
/// What changes from one AdamW step to the next.
typedef struct {
  float step_size, root_scale, decay;
} mt_adamw_step;
/// `steps` AdamW steps with a gradient of 0, one after another: the same bits as from `mt_adamw`.
void mt_adamw_idle(long count, float *weights, float *mean, float *square, float beta1, float beta2,
                   float epsilon, long steps, const mt_adamw_step *step);
/// `steps` steps of SGD with momentum with a gradient of 0: the same bits as from `mt_sgd`.
void mt_sgd_idle(long count, float *weights, float *velocity, float momentum, float decay,
                 long steps, const float *rate);
