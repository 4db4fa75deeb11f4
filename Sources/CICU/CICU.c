#include "CICU.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/ucnv.h>
#include <unicode/ucnv_err.h>
#include <unicode/ucsdet.h>
#include <unicode/uloc.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

const char *cicu_error_name(int32_t error) { return u_errorName((UErrorCode)error); }

void cicu_version(char *text, int32_t capacity) {
  UVersionInfo version;
  char whole[U_MAX_VERSION_STRING_LENGTH];
  u_getVersion(version);
  u_versionToString(version, whole);
  snprintf(text, (size_t)capacity, "%s", whole);
}

bool cicu_icu_name(const char *locale, char *name, int32_t capacity) {
  char tag[ULOC_FULLNAME_CAPACITY];
  size_t length = strlen(locale);
  if (length == 0 || length >= sizeof tag) return false;
  for (size_t i = 0; i <= length; i++) tag[i] = locale[i] == '_' ? '-' : locale[i];

  int32_t parsed = 0;
  UErrorCode status = U_ZERO_ERROR;
  uloc_forLanguageTag(tag, name, capacity, &parsed, &status);
  if (U_FAILURE(status) || status == U_STRING_NOT_TERMINATED_WARNING) return false;
  return parsed == (int32_t)length;
}

bool cicu_locale_is_known(const char *locale) {
  if (strcmp(locale, "root") == 0 || strcmp(locale, "und") == 0) return true;
  char name[ULOC_FULLNAME_CAPACITY];
  UErrorCode status = U_ZERO_ERROR;
  if (!cicu_icu_name(locale, name, sizeof name)) return false;
  if (uloc_getISO3Language(name)[0] == 0) return false;
  char region[ULOC_COUNTRY_CAPACITY];
  uloc_getCountry(name, region, sizeof region, &status);
  if (U_FAILURE(status)) return false;
  // UN M.49 areas such as 419 have no three-letter code.
  bool is_area = region[0] >= '0' && region[0] <= '9';
  return region[0] == 0 || is_area || uloc_getISO3Country(name)[0] != 0;
}

// MARK: Code points

int32_t cicu_width(int32_t code_point) {
  switch (u_charType(code_point)) {
    case U_NON_SPACING_MARK:
    case U_ENCLOSING_MARK:
      return 0;
    case U_FORMAT_CHAR:
      // Terminals show the soft hyphen.
      return code_point == 0xAD;
  }
  // Vowels and final consonants of Hangul join the first consonant's cells.
  int32_t hangul = u_getIntPropertyValue(code_point, UCHAR_HANGUL_SYLLABLE_TYPE);
  if (hangul == U_HST_VOWEL_JAMO || hangul == U_HST_TRAILING_JAMO) return 0;
  int32_t width = u_getIntPropertyValue(code_point, UCHAR_EAST_ASIAN_WIDTH);
  return width == U_EA_WIDE || width == U_EA_FULLWIDTH ? 2 : 1;
}

uint8_t cicu_grapheme_class(int32_t code_point) {
  switch (u_getIntPropertyValue(code_point, UCHAR_GRAPHEME_CLUSTER_BREAK)) {
    // Pictographs count as Other: only ZWJ, which is not plain, joins one to another.
    case U_GCB_OTHER:
    case U_GCB_LV:
    case U_GCB_LVT:
      return CICU_PLAIN_RIGHT | CICU_PLAIN_LEFT | CICU_BASE;
    case U_GCB_CONTROL:
    // CR joins LF alone, which callers look at first.
    case U_GCB_CR:
    case U_GCB_LF:
      return CICU_PLAIN_RIGHT | CICU_PLAIN_LEFT;
    case U_GCB_V:
    case U_GCB_T:
      return CICU_PLAIN_RIGHT | CICU_BASE;
    case U_GCB_L:
      return CICU_PLAIN_LEFT | CICU_BASE;
    case U_GCB_EXTEND:
    case U_GCB_SPACING_MARK:
      // A virama (combining class 9) may join the consonant that follows.
      return u_getCombiningClass(code_point) == 9 ? 0 : CICU_MARK;
    default:
      return 0;
  }
}

// MARK: Break iterators

struct CICUBreaker {
  UBreakIterator *iterator;
};

CICUBreaker *cicu_breaker_open(int32_t kind, const char *locale, int32_t *error) {
  UBreakIteratorType type =
    kind == CICU_GRAPHEME ? UBRK_CHARACTER : kind == CICU_WORD ? UBRK_WORD : UBRK_SENTENCE;
  UErrorCode status = U_ZERO_ERROR;
  UBreakIterator *iterator = ubrk_open(type, locale, NULL, 0, &status);
  *error = status;
  if (U_FAILURE(status)) return NULL;
  CICUBreaker *breaker = malloc(sizeof *breaker);
  if (breaker == NULL) {
    ubrk_close(iterator);
    *error = U_MEMORY_ALLOCATION_ERROR;
    return NULL;
  }
  breaker->iterator = iterator;
  return breaker;
}

void cicu_breaker_close(CICUBreaker *breaker) {
  ubrk_close(breaker->iterator);
  free(breaker);
}

void cicu_breaker_set_text(
  CICUBreaker *breaker, const uint16_t *text, int32_t length, int32_t *error) {
  UErrorCode status = U_ZERO_ERROR;
  ubrk_setText(breaker->iterator, (const UChar *)text, length, &status);
  *error = status;
}

int32_t cicu_breaker_next(
  CICUBreaker *breaker, int32_t *boundaries, uint8_t *word_like, int32_t capacity) {
  int32_t count = 0;
  while (count < capacity) {
    int32_t boundary = ubrk_next(breaker->iterator);
    if (boundary == UBRK_DONE) break;
    boundaries[count] = boundary;
    word_like[count] = ubrk_getRuleStatus(breaker->iterator) >= UBRK_WORD_NONE_LIMIT;
    count++;
  }
  return count;
}

// MARK: Normalisation

// The instances are ICU's own, shared and immutable; NULL only where ICU's data is missing.
static const UNormalizer2 *normalizer(int32_t kind, UErrorCode *status) {
  return kind == CICU_NFKC ? unorm2_getNFKCInstance(status) : unorm2_getNFCInstance(status);
}

uint8_t cicu_normalization_class(int32_t kind, int32_t code_point) {
  UErrorCode status = U_ZERO_ERROR;
  const UNormalizer2 *instance = normalizer(kind, &status);
  if (U_FAILURE(status)) return 0;
  uint8_t result = 0;
  if (unorm2_hasBoundaryBefore(instance, code_point)) result |= CICU_BOUNDARY_BEFORE;
  UProperty check = kind == CICU_NFKC ? UCHAR_NFKC_QUICK_CHECK : UCHAR_NFC_QUICK_CHECK;
  bool is_folded =
    kind != CICU_FOLD || !u_hasBinaryProperty(code_point, UCHAR_CHANGES_WHEN_CASEFOLDED);
  if (u_getIntPropertyValue(code_point, check) == UNORM_YES && is_folded) result |= CICU_UNCHANGED;
  return result;
}

int32_t cicu_normalize(
  int32_t kind, const uint16_t *text, int32_t length, uint16_t *result, int32_t capacity,
  int32_t *error) {
  UErrorCode status = U_ZERO_ERROR;
  const UChar *source = (const UChar *)text;
  UChar *target = (UChar *)result;
  int32_t needed = 0;
  const UNormalizer2 *instance = normalizer(kind, &status);
  if (kind != CICU_FOLD) {
    needed = unorm2_normalize(instance, source, length, target, capacity, &status);
  } else {
    if (length > (INT32_MAX - 16) / 18) {
      *error = U_INPUT_TOO_LONG_ERROR;
      return 0;
    }
    // NFD and folding each lengthen UTF-16 text at most threefold (UAX #15; CaseFolding.txt).
    int32_t room = 9 * length + 16;
    UChar *decomposed = malloc(2 * (size_t)room * sizeof(UChar));
    if (decomposed == NULL) {
      *error = U_MEMORY_ALLOCATION_ERROR;
      return 0;
    }
    UChar *folded = decomposed + room;
    const UNormalizer2 *decomposer = unorm2_getNFDInstance(&status);
    int32_t count = unorm2_normalize(decomposer, source, length, decomposed, room, &status);
    count = u_strFoldCase(folded, room, decomposed, count, U_FOLD_CASE_DEFAULT, &status);
    if (U_SUCCESS(status))
      needed = unorm2_normalize(instance, folded, count, target, capacity, &status);
    free(decomposed);
  }
  *error = status;
  return needed;
}

bool cicu_decomposes(int32_t code_point) {
  UErrorCode status = U_ZERO_ERROR;
  const UNormalizer2 *instance = normalizer(CICU_NFC, &status);
  UChar decomposition[8];
  return U_SUCCESS(status)
    && unorm2_getRawDecomposition(instance, code_point, decomposition, 8, &status) >= 0;
}

// MARK: Scripts

int32_t cicu_script(int32_t code_point) {
  UErrorCode status = U_ZERO_ERROR;
  UScriptCode script = uscript_getScript(code_point, &status);
  return U_SUCCESS(status) ? (int32_t)script : 0;
}

int32_t cicu_script_count(void) { return u_getIntPropertyMaxValue(UCHAR_SCRIPT) + 1; }

const char *cicu_script_name(int32_t script) {
  const char *name = uscript_getName((UScriptCode)script);
  return name ? name : "";
}

// MARK: Converters

enum { PIVOT_UNITS = 1024 };

struct CICUConverter {
  UConverter *converter;
  UChar lead;  // a lead surrogate that waits for its trail surrogate, or 0
};

CICUConverter *cicu_converter_open(const char *name, int32_t *error) {
  UErrorCode status = U_ZERO_ERROR;
  UConverter *converter = ucnv_open(name, &status);
  if (U_SUCCESS(status))
    ucnv_setToUCallBack(converter, UCNV_TO_U_CALLBACK_STOP, NULL, NULL, NULL, &status);
  CICUConverter *result = U_SUCCESS(status) ? malloc(sizeof *result) : NULL;
  if (U_SUCCESS(status) && result == NULL) status = U_MEMORY_ALLOCATION_ERROR;
  *error = status;
  if (U_FAILURE(status)) {
    ucnv_close(converter);
    return NULL;
  }
  result->converter = converter;
  result->lead = 0;
  return result;
}

void cicu_converter_close(CICUConverter *converter) {
  ucnv_close(converter->converter);
  free(converter);
}

const char *cicu_converter_name(CICUConverter *converter) {
  UErrorCode status = U_ZERO_ERROR;
  const char *name = ucnv_getName(converter->converter, &status);
  return U_SUCCESS(status) ? name : "";
}

// Appends UTF-16 as UTF-8. A lone surrogate, which no converter should give, becomes U+FFFD.
static int32_t append_utf8(
  CICUConverter *converter, const UChar *units, int32_t count, uint8_t *utf8) {
  int32_t written = 0;
  for (int32_t i = 0; i < count; i++) {
    UChar32 c = units[i];
    if (converter->lead != 0) {
      if (U16_IS_TRAIL(c)) {
        c = U16_GET_SUPPLEMENTARY(converter->lead, c);
      } else {
        U8_APPEND_UNSAFE(utf8, written, 0xFFFD);
      }
      converter->lead = 0;
    }
    if (U16_IS_LEAD(c)) {
      converter->lead = (UChar)c;
      continue;
    }
    if (U_IS_SURROGATE(c)) c = 0xFFFD;
    U8_APPEND_UNSAFE(utf8, written, c);
  }
  return written;
}

int32_t cicu_converter_decode(
  CICUConverter *converter, const uint8_t *bytes, int32_t count, bool is_last, uint8_t *utf8,
  int32_t capacity, int32_t *consumed, int32_t *error) {
  UChar pivot[PIVOT_UNITS];
  const char *source = (const char *)bytes;
  const char *end = source + count;
  int32_t written = 0;
  UErrorCode status = U_ZERO_ERROR;
  // Three bytes for each unit, and three for a lead surrogate left over.
  while (capacity - written >= 3 * PIVOT_UNITS + 3) {
    UChar *target = pivot;
    status = U_ZERO_ERROR;
    ucnv_toUnicode(converter->converter, &target, pivot + PIVOT_UNITS, &source, end, NULL,
                   is_last, &status);
    written += append_utf8(converter, pivot, (int32_t)(target - pivot), utf8 + written);
    if (status != U_BUFFER_OVERFLOW_ERROR) break;
  }
  *consumed = (int32_t)(source - (const char *)bytes);
  *error = status;
  return written;
}

int32_t cicu_converter_invalid_bytes(CICUConverter *converter, uint8_t *bytes) {
  int8_t length = 32;
  UErrorCode status = U_ZERO_ERROR;
  ucnv_getInvalidChars(converter->converter, (char *)bytes, &length, &status);
  return U_SUCCESS(status) ? length : 0;
}

int32_t cicu_converter_count(void) { return ucnv_countAvailable(); }

const char *cicu_converter_name_at(int32_t index) { return ucnv_getAvailableName(index); }

const char *cicu_converter_alias(const char *name, int32_t index) {
  UErrorCode status = U_ZERO_ERROR;
  if (index >= ucnv_countAliases(name, &status) || U_FAILURE(status)) return NULL;
  const char *alias = ucnv_getAlias(name, (uint16_t)index, &status);
  return U_SUCCESS(status) ? alias : NULL;
}

// MARK: Detection of encodings

int32_t cicu_detect(
  const uint8_t *bytes, int32_t count, char *name, int32_t capacity, int32_t *error) {
  UErrorCode status = U_ZERO_ERROR;
  int32_t confidence = 0;
  if (capacity > 0) name[0] = 0;
  UCharsetDetector *detector = ucsdet_open(&status);
  ucsdet_setText(detector, (const char *)bytes, count, &status);
  const UCharsetMatch *match = ucsdet_detect(detector, &status);
  if (U_SUCCESS(status) && match != NULL) {
    confidence = ucsdet_getConfidence(match, &status);
    const char *found = ucsdet_getName(match, &status);
    if (U_SUCCESS(status) && strlen(found) < (size_t)capacity) strcpy(name, found);
  }
  if (U_SUCCESS(status) || detector != NULL) ucsdet_close(detector);
  *error = status;
  return confidence;
}
