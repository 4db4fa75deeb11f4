// The CRC-32C instruction of the CPU.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Whether this CPU has the instruction.
bool mt_has_crc32c(void);

/// Takes bytes into the state of a checksum, which is its value with all bits flipped; only where
/// mt_has_crc32c says so.
uint32_t mt_crc32c(uint32_t state, const void *_Nullable bytes, size_t count);
