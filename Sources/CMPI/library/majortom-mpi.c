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
    // The longer it takes, the longer the naps: 20 us at first, 1 ms after a second.
    double nap = waited < 0.02 ? 20e-6 : waited < 1 ? 100e-6 : 1e-3;
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

static void leave(void) { MPI_Finalize(); }

static void end(int32_t status) { MPI_Abort(MPI_COMM_WORLD, status); }

static const char *version(void) {
  int length = 0;
  if (MPI_Get_library_version(text, &length) != MPI_SUCCESS) return "an MPI without a name";
  // Some tell all that they were built with, line by line.
  text[strcspn(text, ",\n\t")] = 0;
  return text;
}

const cmpi_functions *cmpi_library(void) {
  static const cmpi_functions functions = {CMPI_FACE, join, exchange, leave, end, version};
  return &functions;
}
