#include "CChecksum.h"

#include <string.h>

#if defined(__x86_64__)

#include <nmmintrin.h>

bool mt_has_crc32c(void) { return __builtin_cpu_supports("sse4.2"); }

#define WITH_INSTRUCTION __attribute__((target("sse4.2")))
#define TAKE_WORD(state, word) (uint32_t)_mm_crc32_u64(state, word)
#define TAKE_BYTE(state, byte) _mm_crc32_u8(state, byte)

#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)

#include <arm_acle.h>

bool mt_has_crc32c(void) { return true; }

#define WITH_INSTRUCTION
#define TAKE_WORD(state, word) __crc32cd(state, word)
#define TAKE_BYTE(state, byte) __crc32cb(state, byte)

#else

bool mt_has_crc32c(void) { return false; }

#define WITH_INSTRUCTION
#define TAKE_WORD(state, word) (state)
#define TAKE_BYTE(state, byte) (state)

#endif

WITH_INSTRUCTION
uint32_t mt_crc32c(uint32_t state, const void *bytes, size_t count) {
  const unsigned char *at = bytes;
  for (; count >= 8; at += 8, count -= 8) {
    uint64_t word;
    memcpy(&word, at, 8);
    state = TAKE_WORD(state, word);
  }
  for (; count > 0; at++, count--) state = TAKE_BYTE(state, *at);
  return state;
}
