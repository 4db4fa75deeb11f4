// Messages between processes that mpirun has started, by a small library that is opened at run time.
//
// That library (library/majortom-mpi.c, made by mpicc) is the only code that is compiled against an MPI: so one
// program does for Open MPI, MPICH and machines that have neither.
#ifndef CMPI_H
#define CMPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What the library and the program must agree on; raised whenever this file changes.
#define CMPI_FACE 1

// One message: `size` bytes to or from the process `peer`.
//
// Messages between two processes arrive in the order in which they are sent.
typedef struct {
  int32_t peer;
  bool is_send;
  void *bytes;
  size_t size;
} cmpi_transfer;

// Called every few milliseconds while messages are waited for; false ends the waiting.
typedef bool (*cmpi_watch)(void *context);

// The functions of the library, which has one other: `const cmpi_functions *cmpi_library(void)`.
typedef struct {
  int32_t face;
  // Joins the other processes; returns NULL, or what is wrong. All calls come from the thread that calls this.
  const char *(*join)(int32_t *rank, int32_t *count);
  // Returns when all messages are sent and received: NULL, or what is wrong; "" where `watch` ended it.
  const char *(*exchange)(cmpi_transfer *transfers, size_t count, cmpi_watch watch, void *context);
  // Leaves the others; all do so.
  void (*leave)(void);
  // Ends all processes at once.
  void (*abort)(int32_t status);
  // The name and version of the MPI.
  const char *(*version)(void);
} cmpi_functions;

// Which processors this process may use, as hexadecimal digits; those of equal digits share them.
void cmpi_processors(char *digits, size_t room);

// Opens the library at a path: its functions, or NULL and what is wrong.
const cmpi_functions *cmpi_open(const char *path, char *wrong, size_t room);

#endif
