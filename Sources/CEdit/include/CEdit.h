// Line editing by libedit, which is opened when it is first asked for: a tool that never asks someone to
// type starts without it, and runs where it is not installed.
#ifndef CEDIT_H
#define CEDIT_H

#include <stdbool.h>

// Whether libedit is there. Not to be called on two threads at once, and so all that follows.
bool medit_open(void);
// A line without its end, to be freed; NULL at the end of input. Needs medit_open.
char *_Nullable medit_line(const char *_Nonnull prompt);
// A line more of the history.
void medit_remember(const char *_Nonnull line);
// The history from a file, and to it; 0, or the error's number.
int medit_read_history(const char *_Nonnull path);
int medit_write_history(const char *_Nonnull path);

#endif
