#pragma once
#include <popt.h>
#include <stdio.h>

// popt calls both the struct and the pointer to it poptOption, which Swift cannot tell apart.
typedef struct poptOption popt_row;

// Swift does not let C's stdout be read from where another thread might set it.
static inline void popt_print_help(poptContext context) {
  fflush(stdout);
  poptPrintHelp(context, stdout, 0);
  fflush(stdout);
}
