// Above 400 lines, as primitives, packed matrices and the threads' tables share descriptors whose type
// depends on oneDNN's version: parts would need a header of their own for all that is static here.
#include "COneDNN.h"

#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t descriptor;  // an opaque handle, to be destroyed
static void descriptor_free(descriptor *d) { dnnl_memory_desc_destroy(*d); }
static dnnl_status_t descriptor_strided(descriptor *d, const dnnl_dims_t dims, dnnl_data_type_t type,
                                        const dnnl_dims_t strides) {
  return dnnl_memory_desc_create_with_strides(d, 2, dims, type, strides);
}
static dnnl_status_t descriptor_any(descriptor *d, const dnnl_dims_t dims, dnnl_data_type_t type) {
  return dnnl_memory_desc_create_with_tag(d, 2, dims, type, dnnl_format_tag_any);
}
static dnnl_status_t descriptor_copy(descriptor *d, const_dnnl_memory_desc_t from) {
  return dnnl_memory_desc_clone(d, from);
}
#define DESCRIPTOR(d) (d)
#else
typedef dnnl_memory_desc_t descriptor;  // a plain struct
static void descriptor_free(descriptor *d) { (void)d; }
static dnnl_status_t descriptor_strided(descriptor *d, const dnnl_dims_t dims, dnnl_data_type_t type,
                                        const dnnl_dims_t strides) {
  return dnnl_memory_desc_init_by_strides(d, 2, dims, type, strides);
}
static dnnl_status_t descriptor_any(descriptor *d, const dnnl_dims_t dims, dnnl_data_type_t type) {
  return dnnl_memory_desc_init_by_tag(d, 2, dims, type, dnnl_format_tag_any);
}
static dnnl_status_t descriptor_copy(descriptor *d, const dnnl_memory_desc_t *from) {
  *d = *from;
  return dnnl_success;
}
#define DESCRIPTOR(d) (&(d))
#endif

#define TRY(call)                        \
  do {                                   \
    dnnl_status_t status_ = (call);      \
    if (status_ != dnnl_success) return status_; \
  } while (0)

int mt_onednn_version(void) {
  const dnnl_version_t *v = dnnl_version();
  return v->major * 10000 + v->minor * 100 + v->patch;
}

// ---- The engine (one a process) and what each thread owns.

static dnnl_engine_t engine;
static dnnl_status_t engine_status;
static pthread_once_t engine_once = PTHREAD_ONCE_INIT;
static pthread_key_t thread_key;
static void (*set_omp_threads)(int);
static int (*omp_threads)(void);

/// What makes two products use the same primitive.
typedef struct {
  long m, k, n, lda, ldb, ldc;
  int64_t flags;  // see below; the thread count above them
  // Which layout a packed matrix has: a primitive reads its matrix by the layout that it was made
  // for, whatever memory it is given, so matrices of one size may share it only with one layout.
  long layout;
} shape;
enum { a_across = 1, b_across = 2, adding = 4, narrow_b = 8, packed_b = 16, flag_bits = 8 };

typedef struct {
  shape key;
  int used;
  dnnl_primitive_t primitive;
  dnnl_memory_t a, b, c, narrow_a;
  dnnl_primitive_t narrow;  // f32 -> bf16, or NULL
} entry;

typedef struct {
  entry *entries;
  size_t capacity, count;  // a power of two; open addressing
  dnnl_stream_t stream;
  int threads;  // that a product may use
} thread_state;

static void entry_free(entry *e) {
  if (!e->used) return;
  if (e->primitive) dnnl_primitive_destroy(e->primitive);
  if (e->narrow) dnnl_primitive_destroy(e->narrow);
  if (e->a) dnnl_memory_destroy(e->a);
  if (e->b) dnnl_memory_destroy(e->b);
  if (e->c) dnnl_memory_destroy(e->c);
  if (e->narrow_a) dnnl_memory_destroy(e->narrow_a);
  e->used = 0;
}

static void entries_clear(thread_state *state) {
  for (size_t i = 0; i < state->capacity; i++) entry_free(&state->entries[i]);
  free(state->entries);
  state->entries = NULL;
  state->capacity = state->count = 0;
}

static void thread_ends(void *pointer) {
  thread_state *state = pointer;
  entries_clear(state);
  if (state->stream) dnnl_stream_destroy(state->stream);
  free(state);
}

static void engine_start(void) {
  engine_status = dnnl_engine_create(&engine, dnnl_cpu, 0);
  if (pthread_key_create(&thread_key, thread_ends) != 0) engine_status = dnnl_out_of_memory;
  // Looked up at run time: Debian's oneDNN runs on libgomp, others on libomp or on TBB.
  set_omp_threads = (void (*)(int))dlsym(RTLD_DEFAULT, "omp_set_num_threads");
  omp_threads = (int (*)(void))dlsym(RTLD_DEFAULT, "omp_get_max_threads");
}

static _Thread_local thread_state *this_thread;

static thread_state *thread_here(void) {
  if (this_thread) return this_thread;
  pthread_once(&engine_once, engine_start);
  if (engine_status != dnnl_success) return NULL;
  thread_state *state = calloc(1, sizeof *state);
  if (!state) return NULL;
  if (dnnl_stream_create(&state->stream, engine, dnnl_stream_default_flags) != dnnl_success) {
    free(state);
    return NULL;
  }
  state->threads = 1;
  pthread_setspecific(thread_key, state);
  this_thread = state;
  return state;
}

int mt_product_threads(int threads) {
  thread_state *state = thread_here();
  if (!state) return 1;
  int before = state->threads;
  state->threads = threads;
  return before;
}

/// Sets OpenMP's threads for oneDNN; returns what they were, for `threads_end`. The thread may be
/// one of a host program with OpenMP code of its own, so it gets its setting back after each call.
static int threads_begin(const thread_state *state) {
  if (!set_omp_threads || !omp_threads) return state->threads;
  int before = omp_threads();
  if (before != state->threads) set_omp_threads(state->threads);
  return before;
}

static void threads_end(const thread_state *state, int before) {
  if (before != state->threads) set_omp_threads(before);
}

// ---- Primitives, made once per shape and thread.

struct mt_packed {
  long k, n;
  dnnl_data_type_t type;
  descriptor layout;
  long layout_number;  // equal for equal layouts
  dnnl_memory_t memory;
  void *bytes;
};

/// Makes the matmul primitive of c (+)= a · b for these descriptors.
static dnnl_status_t matmul_create(dnnl_primitive_t *primitive, descriptor *a, descriptor *b,
                                   descriptor *c, int accumulate, descriptor *chosen_b) {
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_post_ops_t sums = NULL;
  dnnl_primitive_desc_t description = NULL;
  dnnl_status_t status = dnnl_primitive_attr_create(&attributes);
  if (status == dnnl_success && accumulate) {
    status = dnnl_post_ops_create(&sums);
#if DNNL_VERSION_MAJOR >= 3
    if (status == dnnl_success)
      status = dnnl_post_ops_append_sum(sums, 1.0f, 0, dnnl_data_type_undef);
#else
    if (status == dnnl_success) status = dnnl_post_ops_append_sum(sums, 1.0f);
#endif
    if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(attributes, sums);
  }
  if (status == dnnl_success) {
#if DNNL_VERSION_MAJOR >= 3
    status = dnnl_matmul_primitive_desc_create(&description, engine, *a, *b, NULL, *c, attributes);
#else
    dnnl_matmul_desc_t operation;
    status = dnnl_matmul_desc_init(&operation, a, b, NULL, c);
    if (status == dnnl_success)
      status = dnnl_primitive_desc_create(&description, &operation, attributes, engine, NULL);
#endif
  }
  if (status == dnnl_success && chosen_b)
    status = descriptor_copy(
        chosen_b, dnnl_primitive_desc_query_md(description, dnnl_query_weights_md, 0));
  if (status == dnnl_success && primitive) status = dnnl_primitive_create(primitive, description);
  if (description) dnnl_primitive_desc_destroy(description);
  if (sums) dnnl_post_ops_destroy(sums);
  if (attributes) dnnl_primitive_attr_destroy(attributes);
  return status;
}

static dnnl_status_t reorder_create(dnnl_primitive_t *primitive, descriptor *from, descriptor *to) {
  dnnl_primitive_desc_t description;
  TRY(dnnl_reorder_primitive_desc_create(&description, DESCRIPTOR(*from), engine, DESCRIPTOR(*to),
                                         engine, NULL));
  dnnl_status_t status = dnnl_primitive_create(primitive, description);
  dnnl_primitive_desc_destroy(description);
  return status;
}

static uint64_t shape_hash(const shape *s) {
  const int64_t words[] = {s->m, s->k, s->n, s->lda, s->ldb, s->ldc, s->flags, s->layout};
  uint64_t hash = 0x9E3779B97F4A7C15u;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    hash = (hash ^ (uint64_t)words[i]) * 0xD6E8FEB86659FD93u, hash ^= hash >> 32;
  return hash;
}

static int shape_equal(const shape *x, const shape *y) {
  return x->m == y->m && x->k == y->k && x->n == y->n && x->lda == y->lda && x->ldb == y->ldb &&
         x->ldc == y->ldc && x->flags == y->flags && x->layout == y->layout;
}

static entry *entry_find(thread_state *state, const shape *key) {
  size_t at = shape_hash(key) & (state->capacity - 1);
  while (state->entries[at].used && !shape_equal(&state->entries[at].key, key))
    at = (at + 1) & (state->capacity - 1);
  return &state->entries[at];
}

/// The place of `key` in the thread's table: filled, or empty with room around it.
static entry *entry_for(thread_state *state, const shape *key) {
  // Ragged batches make many shapes; past this many the table starts afresh instead of growing.
  enum { most_shapes = 16384 };
  if (state->count >= most_shapes) entries_clear(state);
  if (2 * state->count >= state->capacity) {
    size_t capacity = state->capacity ? 2 * state->capacity : 256;
    entry *entries = calloc(capacity, sizeof *entries);
    if (!entries) return NULL;
    thread_state grown = {entries, capacity, state->count, state->stream, state->threads};
    for (size_t i = 0; i < state->capacity; i++)
      if (state->entries[i].used) *entry_find(&grown, &state->entries[i].key) = state->entries[i];
    free(state->entries);
    *state = grown;
  }
  return entry_find(state, key);
}

static dnnl_status_t entry_fill(entry *e, const shape *key, const mt_packed *packed) {
  dnnl_data_type_t type = packed ? packed->type : dnnl_f32;
  dnnl_dims_t a_dims = {key->m, key->k}, b_dims = {key->k, key->n}, c_dims = {key->m, key->n};
  dnnl_dims_t a_strides = {key->lda, 1}, a_turned = {1, key->lda}, dense = {key->k, 1};
  dnnl_dims_t b_strides = {key->ldb, 1}, b_turned = {1, key->ldb}, c_strides = {key->ldc, 1};
  int narrow = type != dnnl_f32;
  memset(e, 0, sizeof *e);
  e->key = *key;
  e->used = 1;
  descriptor a, a_wide, b, c;
  TRY(descriptor_strided(&a_wide, a_dims, dnnl_f32, key->flags & a_across ? a_turned : a_strides));
  if (narrow) TRY(descriptor_strided(&a, a_dims, type, dense));
  TRY(descriptor_strided(&c, c_dims, dnnl_f32, c_strides));
  if (!packed)
    TRY(descriptor_strided(&b, b_dims, type, key->flags & b_across ? b_turned : b_strides));
  descriptor *b_used = packed ? (descriptor *)&packed->layout : &b;
  descriptor *a_used = narrow ? &a : &a_wide;
  TRY(matmul_create(&e->primitive, a_used, b_used, &c, (key->flags & adding) != 0, NULL));
  TRY(dnnl_memory_create(&e->a, DESCRIPTOR(a_wide), engine, DNNL_MEMORY_NONE));
  TRY(dnnl_memory_create(&e->c, DESCRIPTOR(c), engine, DNNL_MEMORY_NONE));
  if (!packed) TRY(dnnl_memory_create(&e->b, DESCRIPTOR(b), engine, DNNL_MEMORY_NONE));
  if (narrow) {
    TRY(dnnl_memory_create(&e->narrow_a, DESCRIPTOR(a), engine, DNNL_MEMORY_ALLOCATE));
    TRY(reorder_create(&e->narrow, &a_wide, &a));
    descriptor_free(&a);
  }
  descriptor_free(&a_wide);
  descriptor_free(&c);
  if (!packed) descriptor_free(&b);
  return dnnl_success;
}

static dnnl_status_t product_run_here(thread_state *state, const shape *key,
                                      const mt_packed *packed, const float *a, const float *b,
                                      float *c) {
  shape full = *key;
  full.flags |= (int64_t)state->threads << flag_bits;
  entry *e = entry_for(state, &full);
  if (!e) return dnnl_out_of_memory;
  if (!e->used) {
    dnnl_status_t status = entry_fill(e, &full, packed);
    if (status != dnnl_success) {
      entry_free(e);
      return status;
    }
    state->count++;
  }
  TRY(dnnl_memory_set_data_handle(e->a, (void *)a));
  TRY(dnnl_memory_set_data_handle(e->c, c));
  dnnl_memory_t weights = packed ? packed->memory : e->b;
  if (!packed) TRY(dnnl_memory_set_data_handle(e->b, (void *)b));
  if (e->narrow) {
    dnnl_exec_arg_t narrowing[2] = {{DNNL_ARG_FROM, e->a}, {DNNL_ARG_TO, e->narrow_a}};
    TRY(dnnl_primitive_execute(e->narrow, state->stream, 2, narrowing));
  }
  dnnl_exec_arg_t arguments[3] = {{DNNL_ARG_SRC, e->narrow ? e->narrow_a : e->a},
                                  {DNNL_ARG_WEIGHTS, weights},
                                  {DNNL_ARG_DST, e->c}};
  return dnnl_primitive_execute(e->primitive, state->stream, 3, arguments);
}

static int product_run(const shape *key, const mt_packed *packed, const float *a, const float *b,
                       float *c) {
  thread_state *state = thread_here();
  if (!state) return dnnl_out_of_memory;
  int before = threads_begin(state);
  dnnl_status_t status = product_run_here(state, key, packed, a, b, c);
  threads_end(state, before);
  return status;
}

int mt_product(long m, long k, long n, const float *a, long lda, int a_transposed, const float *b,
               long ldb, int b_transposed, float *c, long ldc, int accumulate) {
  if (m == 0 || n == 0) return 0;
  shape key = {m, k, n, lda, ldb, ldc,
               (a_transposed ? a_across : 0) | (b_transposed ? b_across : 0) |
                   (accumulate ? adding : 0),
               0};
  return product_run(&key, NULL, a, b, c);
}

int mt_packed_product(const mt_packed *packed, long m, const float *a, long lda, float *c, long ldc,
                      int accumulate) {
  if (m == 0) return 0;
  shape key = {m, packed->k, packed->n, lda, 0, ldc,
               packed_b | (packed->type == dnnl_f32 ? 0 : narrow_b) | (accumulate ? adding : 0),
               packed->layout_number};
  return product_run(&key, packed, a, NULL, c);
}

// ---- Packed matrices.

/// The layouts in use so far, one of each kind: few, as a model has few sizes of weights.
static struct {
  pthread_mutex_t mutex;
  descriptor *layouts;
  long count;
} known = {PTHREAD_MUTEX_INITIALIZER, NULL, 0};

/// The number of a layout, from 1, the same for equal ones; 0 when there is no memory for it.
static long layout_number(descriptor *layout) {
  long number = 0;
  pthread_mutex_lock(&known.mutex);
  for (long i = 0; i < known.count && !number; i++)
    if (dnnl_memory_desc_equal(DESCRIPTOR(known.layouts[i]), DESCRIPTOR(*layout))) number = i + 1;
  if (!number) {
    descriptor *grown = realloc(known.layouts, (size_t)(known.count + 1) * sizeof *grown);
    if (grown) {
      known.layouts = grown;
      if (descriptor_copy(&grown[known.count], DESCRIPTOR(*layout)) == dnnl_success)
        number = ++known.count;
    }
  }
  pthread_mutex_unlock(&known.mutex);
  return number;
}

/// Sets the layout that oneDNN likes best for products of `packed`'s size.
static dnnl_status_t choose_layout(mt_packed *packed) {
  // The layout is chosen once, for a batch of this many rows; other batches take it as given.
  enum { typical_rows = 16 };
  long k = packed->k, n = packed->n;
  dnnl_dims_t a_dims = {typical_rows, k}, b_dims = {k, n}, c_dims = {typical_rows, n};
  dnnl_dims_t a_strides = {k, 1}, c_strides = {n, 1};
  descriptor a, b, c;
  TRY(descriptor_strided(&a, a_dims, packed->type, a_strides));
  TRY(descriptor_any(&b, b_dims, packed->type));
  TRY(descriptor_strided(&c, c_dims, dnnl_f32, c_strides));
  TRY(matmul_create(NULL, &a, &b, &c, 0, &packed->layout));
  descriptor_free(&a);
  descriptor_free(&b);
  descriptor_free(&c);
  return dnnl_success;
}

static mt_packed *packed_create(long k, long n, int precision, int plain) {
  thread_state *state = thread_here();
  mt_packed *packed = state ? calloc(1, sizeof *packed) : NULL;
  if (!packed) return NULL;
  packed->k = k;
  packed->n = n;
  packed->type = precision == mt_precision_bf16 ? dnnl_bf16 : dnnl_f32;
  dnnl_dims_t dims = {k, n}, strides = {n, 1};
  int before = threads_begin(state);
  dnnl_status_t status = plain
                             ? descriptor_strided(&packed->layout, dims, packed->type, strides)
                             : choose_layout(packed);
  if (status == dnnl_success) {
    packed->layout_number = layout_number(&packed->layout);
    size_t size = dnnl_memory_desc_get_size(DESCRIPTOR(packed->layout));
    packed->bytes = aligned_alloc(64, (size + 63) / 64 * 64);
    status = packed->bytes && packed->layout_number
                 ? dnnl_memory_create(&packed->memory, DESCRIPTOR(packed->layout), engine,
                                      packed->bytes)
                 : dnnl_out_of_memory;
  }
  threads_end(state, before);
  if (status != dnnl_success) {
    free(packed->bytes);
    free(packed);
    return NULL;
  }
  return packed;
}

mt_packed *mt_packed_create(long k, long n, int precision) {
  return packed_create(k, n, precision, 0);
}

mt_packed *mt_packed_create_plain(long k, long n, int precision) {
  return packed_create(k, n, precision, 1);
}

void mt_packed_destroy(mt_packed *packed) {
  if (!packed) return;
  dnnl_memory_destroy(packed->memory);
  descriptor_free(&packed->layout);
  free(packed->bytes);
  free(packed);
}

int mt_packed_load(mt_packed *packed, const float *matrix, long leading, int transposed) {
  thread_state *state = thread_here();
  if (!state) return dnnl_out_of_memory;
  dnnl_dims_t dims = {packed->k, packed->n}, strides = {leading, 1}, across = {1, leading};
  descriptor plain;
  TRY(descriptor_strided(&plain, dims, dnnl_f32, transposed ? across : strides));
  dnnl_memory_t from = NULL;
  dnnl_primitive_t reorder = NULL;
  dnnl_status_t status = dnnl_memory_create(&from, DESCRIPTOR(plain), engine, (void *)matrix);
  int before = threads_begin(state);
  if (status == dnnl_success) status = reorder_create(&reorder, &plain, &packed->layout);
  if (status == dnnl_success) {
    dnnl_exec_arg_t arguments[2] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, packed->memory}};
    status = dnnl_primitive_execute(reorder, state->stream, 2, arguments);
  }
  threads_end(state, before);
  if (reorder) dnnl_primitive_destroy(reorder);
  if (from) dnnl_memory_destroy(from);
  descriptor_free(&plain);
  return status;
}
