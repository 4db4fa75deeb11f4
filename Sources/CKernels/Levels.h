// What all kernels share: the CPU levels, loops over rows and columns, exp and its kin.
#pragma once
#include "CKernels.h"

#include <math.h>
#include <string.h>

// The compiler's loader hook picks the clone for the CPU at hand. Other architectures, and C
// libraries without that hook, get the plain function; so does the thread sanitizer, whose own calls
// in the hook would come before it is there.
#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && !__has_feature(thread_sanitizer)
#define LEVELS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LEVELS
#endif

// Outputs may be inputs, element by element. Without this promise the compiler checks at run time
// for overlap, finds it, and takes the scalar loop: the LSTM cell function then took 465 us instead of 36.
#define EACH_COLUMN                                     \
  _Pragma("clang loop vectorize(assume_safety)")        \
  for (long c = 0; c < columns; c++)

#define EACH_ROW for (long r = 0; r < rows; r++)
#define ROW(view) ((view).at + r * (view).stride)
#define INLINE static inline __attribute__((always_inline))

/// The square root as an instruction: sqrtf may set errno, and so would keep its loop scalar.
#if defined(__has_builtin) && __has_builtin(__builtin_elementwise_sqrt)
#define square_root __builtin_elementwise_sqrt
#else
#define square_root sqrtf
#endif

// ---- exp and its kin, written so that loops over them become vector code.

/// 2^n for an integral n in [-126, 127].
INLINE float power_of_two(float n) {
  // n + 1.5 * 2^23 has n in its lowest bits; a conversion of NaN to an integer would be undefined.
  float shifted = n + 12582912.0f;
  uint32_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  bits = (bits - 0x4B400000u + 127u) << 23;
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
