#include "CICU.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/ucal.h>
#include <unicode/uchar.h>
#include <unicode/ucurr.h>
#include <unicode/udat.h>
#include <unicode/udatpg.h>
#include <unicode/uenum.h>
#include <unicode/uloc.h>
#include <unicode/unum.h>
#include <unicode/ures.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

// MARK: What ICU has data for

static const char *tree(int32_t part) {
  switch (part) {
    case CICU_SPELLING: return U_ICUDATA_NAME "-rbnf";
    case CICU_LANGUAGES: return U_ICUDATA_NAME "-lang";
    case CICU_COUNTRIES: return U_ICUDATA_NAME "-region";
    case CICU_CURRENCIES: return U_ICUDATA_NAME "-curr";
    default: return NULL;
  }
}

bool cicu_has_data(const char *locale, int32_t part) {
  char name[ULOC_FULLNAME_CAPACITY];
  if (!cicu_icu_name(locale, name, sizeof name)) return false;
  UErrorCode status = U_ZERO_ERROR;
  UResourceBundle *bundle = ures_open(tree(part), name, &status);
  // Said where neither the locale nor what it inherits from is there but the root.
  bool is_found = U_SUCCESS(status) && status != U_USING_DEFAULT_WARNING;
  if (is_found) {
    const char *found = ures_getLocaleByType(bundle, ULOC_VALID_LOCALE, &status);
    is_found = U_SUCCESS(status) && found[0] != 0 && strcmp(found, "root") != 0;
  }
  ures_close(bundle);
  return is_found;
}

// Adds a name and its NUL where there is room; returns the room that it takes.
static int32_t append(const char *name, char *names, int32_t used, int32_t capacity) {
  int32_t size = (int32_t)strlen(name) + 1;
  if (used + size <= capacity) memcpy(names + used, name, (size_t)size);
  return size;
}

static int32_t append_all(
  UEnumeration *names_of, char *names, int32_t capacity, UErrorCode *status) {
  int32_t used = 0;
  const char *name;
  while (U_SUCCESS(*status) && (name = uenum_next(names_of, NULL, status)) != NULL)
    used += append(name, names, used, capacity);
  uenum_close(names_of);
  return used;
}

int32_t cicu_data_locales(int32_t part, char *names, int32_t capacity, int32_t *error) {
  UErrorCode status = U_ZERO_ERROR;
  UEnumeration *locales = ures_openAvailableLocales(tree(part), &status);
  int32_t used = append_all(locales, names, capacity, &status);
  *error = status;
  return used;
}

// MARK: Numbers

// The handles are ICU's own pointers under another name.

CICUSpeller *cicu_speller_open(const char *locale, int32_t *error) {
  char name[ULOC_FULLNAME_CAPACITY];
  UErrorCode status = U_ZERO_ERROR;
  if (!cicu_icu_name(locale, name, sizeof name)) status = U_ILLEGAL_ARGUMENT_ERROR;
  UNumberFormat *format = unum_open(UNUM_SPELLOUT, NULL, 0, name, NULL, &status);
  *error = status;
  return U_SUCCESS(status) ? (CICUSpeller *)format : NULL;
}

void cicu_speller_close(CICUSpeller *speller) { unum_close((UNumberFormat *)speller); }

int32_t cicu_speller_format(
  CICUSpeller *speller, int64_t number, uint16_t *text, int32_t capacity, int32_t *error) {
  UErrorCode status = U_ZERO_ERROR;
  int32_t needed =
    unum_formatInt64((UNumberFormat *)speller, number, (UChar *)text, capacity, NULL, &status);
  *error = status;
  return needed;
}

bool cicu_has_digits(const uint16_t *text, int32_t length) {
  for (int32_t i = 0; i < length;) {
    UChar32 c;
    U16_NEXT(text, i, length, c);
    if (u_isdigit(c)) return true;
  }
  return false;
}

// MARK: Dates

// The locale in ICU's form with the Gregorian calendar, whatever the locale's own is.
static void gregorian(const char *locale, char name[ULOC_FULLNAME_CAPACITY], UErrorCode *status) {
  if (!cicu_icu_name(locale, name, ULOC_FULLNAME_CAPACITY)) *status = U_ILLEGAL_ARGUMENT_ERROR;
  if (U_SUCCESS(*status))
    uloc_setKeywordValue("calendar", "gregorian", name, ULOC_FULLNAME_CAPACITY, status);
}

int32_t cicu_style_pattern(
  const char *locale, int32_t style, uint16_t *pattern, int32_t capacity, int32_t *error) {
  static const UDateFormatStyle styles[] = {UDAT_FULL, UDAT_LONG, UDAT_MEDIUM, UDAT_SHORT};
  char name[ULOC_FULLNAME_CAPACITY];
  UErrorCode status = U_ZERO_ERROR;
  gregorian(locale, name, &status);
  UDateFormat *format = udat_open(UDAT_NONE, styles[style], name, NULL, 0, NULL, 0, &status);
  int32_t needed = 0;
  if (U_SUCCESS(status)) {
    needed = udat_toPattern(format, false, (UChar *)pattern, capacity, &status);
    udat_close(format);
  }
  *error = status;
  return needed;
}

int32_t cicu_skeleton_pattern(
  const char *locale, const char *skeleton, uint16_t *pattern, int32_t capacity, int32_t *error) {
  char name[ULOC_FULLNAME_CAPACITY];
  UErrorCode status = U_ZERO_ERROR;
  gregorian(locale, name, &status);
  UChar wanted[32];
  int32_t length = (int32_t)strlen(skeleton);
  if (length > 32) status = U_ILLEGAL_ARGUMENT_ERROR;
  UDateTimePatternGenerator *generator = udatpg_open(name, &status);
  int32_t needed = 0;
  if (U_SUCCESS(status)) {
    u_charsToUChars(skeleton, wanted, length);
    needed = udatpg_getBestPattern(
      generator, wanted, length, (UChar *)pattern, capacity, &status);
    udatpg_close(generator);
  }
  *error = status;
  return needed;
}

CICUDateFormat *cicu_date_format_open(
  const char *locale, const uint16_t *pattern, int32_t length, int32_t *error) {
  // Long before any year of four digits, so that the Julian calendar never applies.
  static const UDate first_gregorian_day = -8.64e15;
  static const UChar utc[] = {'U', 'T', 'C'};
  char name[ULOC_FULLNAME_CAPACITY];
  UErrorCode status = U_ZERO_ERROR;
  gregorian(locale, name, &status);
  UDateFormat *format = udat_open(
    UDAT_PATTERN, UDAT_PATTERN, name, utc, 3, (const UChar *)pattern, length, &status);
  if (U_FAILURE(status)) {
    *error = status;
    return NULL;
  }
  UCalendar *calendar = ucal_clone(udat_getCalendar(format), &status);
  if (U_SUCCESS(status)) {
    ucal_setGregorianChange(calendar, first_gregorian_day, &status);
    if (U_SUCCESS(status)) udat_setCalendar(format, calendar);
    ucal_close(calendar);
  }
  *error = status;
  if (U_SUCCESS(status)) return (CICUDateFormat *)format;
  udat_close(format);
  return NULL;
}

void cicu_date_format_close(CICUDateFormat *format) { udat_close((UDateFormat *)format); }

int32_t cicu_date_format_format(
  CICUDateFormat *format, double milliseconds_since_1970, uint16_t *text, int32_t capacity,
  int32_t *error) {
  UErrorCode status = U_ZERO_ERROR;
  int32_t needed = udat_format(
    (UDateFormat *)format, milliseconds_since_1970, (UChar *)text, capacity, NULL, &status);
  *error = status;
  return needed;
}

// MARK: Names

int32_t cicu_codes(int32_t part, char *codes, int32_t capacity, int32_t *error) {
  UErrorCode status = U_ZERO_ERROR;
  int32_t used = 0;
  if (part == CICU_CURRENCIES) {
    used = append_all(ucurr_openISOCurrencies(UCURR_ALL, &status), codes, capacity, &status);
  } else {
    const char *const *all =
      part == CICU_COUNTRIES ? uloc_getISOCountries() : uloc_getISOLanguages();
    for (; *all != NULL; all++) used += append(*all, codes, used, capacity);
  }
  *error = status;
  return used;
}

int32_t cicu_name_of_code(
  int32_t part, const char *code, const char *locale, uint16_t *name, int32_t capacity,
  int32_t *error) {
  char icu_locale[ULOC_FULLNAME_CAPACITY];
  UErrorCode status = U_ZERO_ERROR;
  int32_t needed = 0;
  UChar *target = (UChar *)name;
  if (!cicu_icu_name(locale, icu_locale, sizeof icu_locale)) {
    status = U_ILLEGAL_ARGUMENT_ERROR;
  } else if (part == CICU_LANGUAGES) {
    needed = uloc_getDisplayLanguage(code, icu_locale, target, capacity, &status);
  } else if (part == CICU_COUNTRIES) {
    char region[16] = "und_";
    strncat(region, code, sizeof region - 5);
    needed = uloc_getDisplayCountry(region, icu_locale, target, capacity, &status);
  } else {
    UChar currency[4] = {0};
    for (int32_t i = 0; i < 3 && code[i] != 0; i++) currency[i] = (UChar)code[i];
    UBool is_choice = false;
    const UChar *found =
      ucurr_getName(currency, icu_locale, UCURR_LONG_NAME, &is_choice, &needed, &status);
    if (U_SUCCESS(status) && status != U_USING_DEFAULT_WARNING) {
      if (needed > capacity) {
        status = U_BUFFER_OVERFLOW_ERROR;
      } else {
        u_memcpy(target, found, needed);
      }
    }
  }
  *error = status;
  // Said where the code itself stands in for a name.
  return status == U_USING_DEFAULT_WARNING ? 0 : needed;
}
