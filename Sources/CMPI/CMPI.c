#define _GNU_SOURCE
#include "CMPI.h"

#include <dlfcn.h>
#include <sched.h>
#include <stdio.h>

void cmpi_processors(char *digits, size_t room) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  sched_getaffinity(0, sizeof mask, &mask);
  size_t end = sizeof mask;
  while (end > 1 && ((unsigned char *)&mask)[end - 1] == 0) end--;
  size_t written = 0;
  for (size_t i = 0; i < end && written + 3 <= room; i++) {
    written += (size_t)snprintf(digits + written, room - written, "%02x", ((unsigned char *)&mask)[i]);
  }
}

const cmpi_functions *cmpi_open(const char *path, char *wrong, size_t room) {
  // Open MPI's plugins look for its functions among those of the whole program.
  void *library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
  if (library == NULL) {
    const char *reason = dlerror();
    snprintf(wrong, room, "%s", reason == NULL ? "it cannot be opened" : reason);
    return NULL;
  }
  const cmpi_functions *(*functions)(void) =
      (const cmpi_functions *(*)(void))dlsym(library, "cmpi_library");
  if (functions == NULL || functions()->face != CMPI_FACE) {
    snprintf(wrong, room, "%s is of another version of this program", path);
    return NULL;
  }
  return functions();
}
