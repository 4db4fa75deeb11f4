#include "CEdit.h"

#include <dlfcn.h>
#include <locale.h>
#include <stddef.h>
#include <stdlib.h>

// The part of libedit that keeps the face of GNU readline (editline/readline.h).
static char *(*read_line)(const char *);
static int (*add_history)(const char *);
static int (*read_history)(const char *);
static int (*write_history)(const char *);

bool medit_open(void) {
  static bool tried;
  if (tried) return read_line != NULL;
  tried = true;
  void *library = dlopen("libedit.so.2", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return false;
  add_history = (int (*)(const char *))dlsym(library, "add_history");
  read_history = (int (*)(const char *))dlsym(library, "read_history");
  write_history = (int (*)(const char *))dlsym(library, "write_history");
  if (add_history == NULL || read_history == NULL || write_history == NULL) return false;
  // Else it takes each byte of a letter for a character of its own.
  if (setlocale(LC_CTYPE, "") == NULL || MB_CUR_MAX == 1) setlocale(LC_CTYPE, "C.UTF-8");
  read_line = (char *(*)(const char *))dlsym(library, "readline");
  return read_line != NULL;
}

char *medit_line(const char *prompt) { return read_line(prompt); }
void medit_remember(const char *line) { add_history(line); }
int medit_read_history(const char *path) { return read_history(path); }
int medit_write_history(const char *path) { return write_history(path); }
