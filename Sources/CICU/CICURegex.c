#include "CICU.h"

#include <stdlib.h>
#include <unicode/uregex.h>
#include <unicode/utext.h>

struct CICUPattern {
  URegularExpression *expression;
};

CICUPattern *cicu_pattern_open(const char *pattern, int64_t length, int32_t *error) {
  UErrorCode status = U_ZERO_ERROR;
  UText *text = utext_openUTF8(NULL, pattern, length, &status);
  URegularExpression *expression = uregex_openUText(text, 0, NULL, &status);
  utext_close(text);
  *error = status;
  if (U_FAILURE(status)) return NULL;
  CICUPattern *opened = malloc(sizeof *opened);
  if (opened == NULL) {
    uregex_close(expression);
    *error = U_MEMORY_ALLOCATION_ERROR;
    return NULL;
  }
  opened->expression = expression;
  return opened;
}

void cicu_pattern_close(CICUPattern *pattern) {
  uregex_close(pattern->expression);
  free(pattern);
}

void cicu_pattern_set_text(
  CICUPattern *pattern, const char *text, int64_t length, int32_t *error) {
  UErrorCode status = U_ZERO_ERROR;
  UText *opened = utext_openUTF8(NULL, text, length, &status);
  uregex_setUText(pattern->expression, opened, &status);
  utext_close(opened);
  uregex_setStackLimit(pattern->expression, CICU_PATTERN_STACK, &status);
  *error = status;
}

bool cicu_pattern_next(
  CICUPattern *pattern, int32_t time_limit, int64_t *start, int64_t *end, int32_t *error) {
  UErrorCode status = U_ZERO_ERROR;
  uregex_setTimeLimit(pattern->expression, time_limit, &status);
  bool found = uregex_findNext(pattern->expression, &status);
  if (found) {
    *start = uregex_start64(pattern->expression, 0, &status);
    *end = uregex_end64(pattern->expression, 0, &status);
  }
  *error = status;
  return found && U_SUCCESS(status);
}

bool cicu_pattern_is_too_much(int32_t error) {
  return error == U_REGEX_TIME_OUT || error == U_REGEX_STACK_OVERFLOW;
}
