// The library that Sources/CMPI opens at run time: `make mpi` compiles it with mpicc.
#include "../include/CMPI.h"

#include <mpi.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// MPI counts in int; longer messages are cut.
static const size_t most = (size_t)1 << 30;
static MPI_Comm world = MPI_COMM_NULL;
static char text[MPI_MAX_ERROR_STRING + MPI_MAX_LIBRARY_VERSION_STRING];

static const char *failure(int code) {
  int length = 0;
  if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) strcpy(text, "an error without a name");
  return text;
}

static const char *join(int32_t *rank, int32_t *count) {
  int given = 0;
  int code = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &given);
  if (code != MPI_SUCCESS) return "MPI could not be started";
  if (given < MPI_THREAD_FUNNELED) return "this MPI allows no threads beside it";
  code = MPI_Comm_dup(MPI_COMM_WORLD, &world);
  if (code != MPI_SUCCESS) return failure(code);
  MPI_Comm_set_errhandler(world, MPI_ERRORS_RETURN);
  int number = 0, all = 0;
  MPI_Comm_rank(world, &number);
  MPI_Comm_size(world, &all);
  *rank = number;
  *count = all;
  return NULL;
}

// Waits without keeping a core busy: others may compute on it.
static const char *wait(MPI_Request *requests, int count, cmpi_watch watch, void *context) {
  struct timespec start, now;
  clock_gettime(CLOCK_MONOTONIC, &start);
  double watched = 0;
  for (;;) {
    int done = 0;
    int code = MPI_Testall(count, requests, &done, MPI_STATUSES_IGNORE);
    if (code != MPI_SUCCESS) return failure(code);
    if (done) return NULL;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double waited = (double)(now.tv_sec - start.tv_sec) + 1e-9 * (double)(now.tv_nsec - start.tv_nsec);
    if (waited < 200e-6) {
      sched_yield();
      continue;
    }
    // Short naps for as long as messages may be on their way: most MPIs carry them on in this call alone.
    double nap = waited < 5 ? 20e-6 : 1e-3;
    struct timespec rest = {0, (long)(nap * 1e9)};
    nanosleep(&rest, NULL);
    if (waited - watched > 0.02) {
      watched = waited;
      if (!watch(context)) return "";
    }
  }
}

static const char *exchange(cmpi_transfer *transfers, size_t count, cmpi_watch watch, void *context) {
  size_t parts = 0;
  for (size_t i = 0; i < count; i++) parts += (transfers[i].size + most - 1) / most;
  if (parts == 0) return NULL;
  MPI_Request *requests = malloc(parts * sizeof *requests);
  if (requests == NULL) return "there is no memory for the list of messages";
  int begun = 0;
  int code = MPI_SUCCESS;
  // What is received is waited for first, so that nothing that arrives must be kept aside.
  for (int sends = 0; sends < 2; sends++) {
    for (size_t i = 0; i < count && code == MPI_SUCCESS; i++) {
      if (transfers[i].is_send != (sends == 1)) continue;
      for (size_t at = 0; at < transfers[i].size && code == MPI_SUCCESS; at += most) {
        size_t left = transfers[i].size - at;
        int size = (int)(left < most ? left : most);
        char *bytes = (char *)transfers[i].bytes + at;
        code = sends ? MPI_Isend(bytes, size, MPI_BYTE, transfers[i].peer, 1, world, &requests[begun])
                     : MPI_Irecv(bytes, size, MPI_BYTE, transfers[i].peer, 1, world, &requests[begun]);
        begun += code == MPI_SUCCESS;
      }
    }
  }
  const char *wrong = code == MPI_SUCCESS ? wait(requests, begun, watch, context) : failure(code);
  free(requests);
  return wrong;
}

#ifdef CMPI_TIMES
// For Benchmarks/cluster.py: the seconds in exchanges of large messages, and in those of small ones, which also
// wait for whoever computes longer.
#include <stdio.h>
static double seconds[2];
static long exchanges[2];

static const char *timed(cmpi_transfer *transfers, size_t count, cmpi_watch watch, void *context) {
  size_t size = 0;
  for (size_t i = 0; i < count; i++) size += transfers[i].size;
  int is_large = size >= 65536;
  double start = MPI_Wtime();
  const char *wrong = exchange(transfers, count, watch, context);
  seconds[is_large] += MPI_Wtime() - start;
  exchanges[is_large]++;
  return wrong;
}

static void leave(void) {
  fprintf(
      stderr, "CMPI_TIMES %ld %.6f %ld %.6f\n", exchanges[1], seconds[1], exchanges[0], seconds[0]);
  MPI_Finalize();
}
#define EXCHANGE timed
#else
static void leave(void) { MPI_Finalize(); }
#define EXCHANGE exchange
#endif

static void end(int32_t status) { MPI_Abort(MPI_COMM_WORLD, status); }

static const char *version(void) {
  int length = 0;
  if (MPI_Get_library_version(text, &length) != MPI_SUCCESS) return "an MPI without a name";
  // Some tell all that they were built with, line by line.
  text[strcspn(text, ",\n\t")] = 0;
  return text;
}

const cmpi_functions *cmpi_library(void) {
  static const cmpi_functions functions = {CMPI_FACE, join, EXCHANGE, leave, end, version};
  return &functions;
}
