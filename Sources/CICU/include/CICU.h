// The ICU calls in use, behind opaque handles and plain C types.
//
// ICU's own headers are not included here: Foundation carries a second ICU module that clashes
// with them, and ICU renames its functions per version. Functions that can fail give an ICU error
// code (`UErrorCode`) through `error`: 0 or less is success. Names of error codes: cicu_error_name.

#ifndef CICU_H
#define CICU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// ICU's name of an error code, such as "U_ILLEGAL_CHAR_FOUND".
const char *cicu_error_name(int32_t error);

/// The version of the ICU that is loaded, such as "72.1".
void cicu_version(char *text, int32_t capacity);

/// Whether ICU knows the locale's language, and its region where it names one. BCP 47 or ICU form.
bool cicu_locale_is_known(const char *locale);

/// ICU's own form of a locale, such as zh_Hant for zh-Hant; false where it has none.
bool cicu_icu_name(const char *locale, char *name, int32_t capacity);

// MARK: Code points

/// Bits of `cicu_grapheme_class`: what a code point allows at the boundary on its right or left.
enum {
  /// A following code point that is plain on its left never joins this one.
  CICU_PLAIN_RIGHT = 1,
  /// This code point never joins a preceding one that is plain on its right.
  CICU_PLAIN_LEFT = 2,
  /// This code point joins any base before it, and has no say in what follows.
  CICU_MARK = 4,
  /// This code point takes marks.
  CICU_BASE = 8,
};

/// Which sides of a code point are plain by its Grapheme_Cluster_Break property (UAX #29).
uint8_t cicu_grapheme_class(int32_t code_point);

/// How many cells of a terminal a code point takes: 0, 1 or 2 (East_Asian_Width, UAX #11).
int32_t cicu_width(int32_t code_point);

// MARK: Break iterators

typedef struct CICUBreaker CICUBreaker;

/// Kinds of break iterators.
enum { CICU_GRAPHEME = 0, CICU_WORD = 1, CICU_SENTENCE = 2 };

CICUBreaker *cicu_breaker_open(int32_t kind, const char *locale, int32_t *error);
void cicu_breaker_close(CICUBreaker *breaker);

/// Points the iterator at UTF-16 text, which must stay in place while the iterator is used.
void cicu_breaker_set_text(
  CICUBreaker *breaker, const uint16_t *text, int32_t length, int32_t *error);

/// Writes the next boundaries (the text's start left out) and whether each closes a word-like
/// segment. Returns how many; 0 at the end of the text.
int32_t cicu_breaker_next(
  CICUBreaker *breaker, int32_t *boundaries, uint8_t *word_like, int32_t capacity);

// MARK: Normalisation

/// Kinds of normalisation. CICU_FOLD is NFC(toCasefold(NFD(X))).
enum { CICU_NFC = 1, CICU_NFKC = 2, CICU_FOLD = 3 };

/// Bits of `cicu_normalization_class`.
enum {
  /// Text may be cut before this code point without changing its normalisation.
  CICU_BOUNDARY_BEFORE = 1,
  /// Alone, this code point normalises to itself.
  CICU_UNCHANGED = 2,
};

uint8_t cicu_normalization_class(int32_t kind, int32_t code_point);

/// Normalises UTF-16 text. Returns the length needed; `error` is U_BUFFER_OVERFLOW_ERROR (15) where
/// that is more than `capacity`.
int32_t cicu_normalize(
  int32_t kind, const uint16_t *text, int32_t length, uint16_t *result, int32_t capacity,
  int32_t *error);

/// Whether a code point has a canonical decomposition, as most letters with an accent have.
bool cicu_decomposes(int32_t code_point);

// MARK: Scripts

/// The number of the script that a code point belongs to, below cicu_script_count.
int32_t cicu_script(int32_t code_point);
int32_t cicu_script_count(void);

/// The name of a script, such as Latin; Common and Inherited are those of no script.
const char *cicu_script_name(int32_t script);

// MARK: Converters

typedef struct CICUConverter CICUConverter;

/// Opens a decoder that stops at the first ill-formed or unassigned sequence.
CICUConverter *cicu_converter_open(const char *name, int32_t *error);
void cicu_converter_close(CICUConverter *converter);

/// ICU's canonical name of the converter.
const char *cicu_converter_name(CICUConverter *converter);

/// The least room that cicu_converter_decode needs for its output.
enum { CICU_DECODE_ROOM = 4096 };

/// Decodes bytes to UTF-8 until the input is used up or `capacity` (at least CICU_DECODE_ROOM) has
/// no room left. Returns the number of bytes written; `*consumed` is the number of bytes read.
int32_t cicu_converter_decode(
  CICUConverter *converter, const uint8_t *bytes, int32_t count, bool is_last, uint8_t *utf8,
  int32_t capacity, int32_t *consumed, int32_t *error);

/// After an error: the bytes that could not be decoded. Returns how many (at most 32).
int32_t cicu_converter_invalid_bytes(CICUConverter *converter, uint8_t *bytes);

/// The number of converters and the name of each; aliases of a converter by index, NULL at the end.
int32_t cicu_converter_count(void);
const char *cicu_converter_name_at(int32_t index);
const char *cicu_converter_alias(const char *name, int32_t index);

// MARK: Detection of encodings

/// Guesses the encoding of a text from a sample of it: copies the name of the best match to `name`
/// (`capacity` bytes with the closing NUL) and returns ICU's confidence, 0 to 100.
int32_t cicu_detect(
  const uint8_t *bytes, int32_t count, char *name, int32_t capacity, int32_t *error);

// MARK: Numbers, dates and names in words

/// Parts of ICU's data, each with locales of its own.
enum {
  CICU_DATES = 0,
  CICU_SPELLING = 1,
  CICU_LANGUAGES = 2,
  CICU_COUNTRIES = 3,
  CICU_CURRENCIES = 4,
};

/// Whether a part of the data holds the locale or one that it inherits from, other than the root.
/// Where it does not, ICU silently answers in the process's default locale or in codes.
bool cicu_has_data(const char *locale, int32_t part);

/// Writes the names of the locales that a part of the data holds, each with a closing NUL, and
/// returns the bytes needed; nothing is written where that is more than `capacity`.
int32_t cicu_data_locales(int32_t part, char *names, int32_t capacity, int32_t *error);

typedef struct CICUSpeller CICUSpeller;

/// Opens the rules by which a locale spells out numbers.
CICUSpeller *cicu_speller_open(const char *locale, int32_t *error);
void cicu_speller_close(CICUSpeller *speller);

/// The functions below write UTF-16 and return the length needed; `error` is
/// U_BUFFER_OVERFLOW_ERROR (15) where that is more than `capacity`.
int32_t cicu_speller_format(
  CICUSpeller *speller, int64_t number, uint16_t *text, int32_t capacity, int32_t *error);

/// Whether UTF-16 text holds a decimal digit of any script.
bool cicu_has_digits(const uint16_t *text, int32_t length);

/// Styles of dates.
enum { CICU_FULL = 0, CICU_LONG = 1, CICU_MEDIUM = 2, CICU_SHORT = 3 };

/// The pattern of a style in the Gregorian calendar.
int32_t cicu_style_pattern(
  const char *locale, int32_t style, uint16_t *pattern, int32_t capacity, int32_t *error);

/// The pattern of a locale that fits a skeleton such as yMMMd best, in the Gregorian calendar.
int32_t cicu_skeleton_pattern(
  const char *locale, const char *skeleton, uint16_t *pattern, int32_t capacity, int32_t *error);

typedef struct CICUDateFormat CICUDateFormat;

/// Opens a format of dates in the proleptic Gregorian calendar and in UTC.
CICUDateFormat *cicu_date_format_open(
  const char *locale, const uint16_t *pattern, int32_t length, int32_t *error);
void cicu_date_format_close(CICUDateFormat *format);

int32_t cicu_date_format_format(
  CICUDateFormat *format, double milliseconds_since_1970, uint16_t *text, int32_t capacity,
  int32_t *error);

/// Writes all codes of CICU_LANGUAGES (ISO 639), CICU_COUNTRIES (ISO 3166) or CICU_CURRENCIES (ISO
/// 4217), as `cicu_data_locales` writes its names.
int32_t cicu_codes(int32_t part, char *codes, int32_t capacity, int32_t *error);

/// The name of what a code stands for; empty where the locale has none.
int32_t cicu_name_of_code(
  int32_t part, const char *code, const char *locale, uint16_t *name, int32_t capacity,
  int32_t *error);

// MARK: Regular expressions

typedef struct CICUPattern CICUPattern;

/// The bytes that a match may take for what it goes back to.
enum { CICU_PATTERN_STACK = 8 << 20 };

/// Compiles a regular expression in UTF-8.
CICUPattern *cicu_pattern_open(const char *pattern, int64_t length, int32_t *error);
void cicu_pattern_close(CICUPattern *pattern);

/// Points the pattern at UTF-8 text, which must stay in place while the pattern is used.
void cicu_pattern_set_text(CICUPattern *pattern, const char *text, int64_t length, int32_t *error);

/// Finds the next match, as offsets in bytes; false at the end, and at an error. A unit of the limit
/// is 10,000 steps of the engine, of all matches of a text together; 0 is none.
bool cicu_pattern_next(
  CICUPattern *pattern, int32_t time_limit, int64_t *start, int64_t *end, int32_t *error);

/// Whether an error says that the pattern took too much time or memory.
bool cicu_pattern_is_too_much(int32_t error);

#endif
