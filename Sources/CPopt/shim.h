#pragma once
#include <popt.h>
#include <stdio.h>

// popt calls both the struct and the pointer to it poptOption, which Swift cannot tell apart.
typedef struct poptOption popt_row;

// Swift does not let C's stdout be read from where another thread might set it.
/// Returns whether anything on standard output could not be written.
static inline int popt_print_help(poptContext context) {
  int failed = fflush(stdout) != 0;
  poptPrintHelp(context, stdout, 0);
  return fflush(stdout) != 0 || failed || ferror(stdout);
}
