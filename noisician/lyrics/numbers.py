"""Figures as English words: cardinals, ordinals, years, decimals, fractions, times and money."""

from __future__ import annotations

import re

ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SCALES = ("", "thousand", "million", "billion", "trillion", "quadrillion")
IRREGULAR_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
CURRENCIES = {
    "$": ("dollar", "dollars"),
    "€": ("euro", "euros"),
    "£": ("pound", "pounds"),
    "¥": ("yen", "yen"),
}
SUFFIXES = {"k": "thousand", "m": "million", "b": "billion"}
#: Longer rows of digits are read one by one, as a telephone number is.
LONGEST_CARDINAL_DIGITS = 18
#: Bare four-digit numbers in this range are read as years: "nineteen ninety nine".
YEARS = range(1100, 2100)

Words = tuple[str, ...]


def digits(text: str) -> Words:
    """One word for each digit, a nought as "oh": 007 → oh oh seven."""
    return tuple("oh" if digit == "0" else ONES[int(digit)] for digit in text if digit.isdigit())


def cardinal(value: int) -> Words:
    """English words of 0 … 10**18 − 1, without "and"."""
    if value < 20:
        return (ONES[value],)
    if value < 100:
        return (TENS[value // 10], *(cardinal(value % 10) if value % 10 else ()))
    if value < 1000:
        return (ONES[value // 100], "hundred", *(cardinal(value % 100) if value % 100 else ()))
    words: Words = ()
    for power, scale in reversed(list(enumerate(SCALES))):
        part = value // 1000**power % 1000
        if part:
            words += (*cardinal(part), *((scale,) if scale else ()))
    return words


def ordinal(value: int) -> Words:
    """English ordinal of 0 … 10**18 − 1: 21 → twenty first."""
    *front, last = cardinal(value)
    if last in IRREGULAR_ORDINALS:
        return (*front, IRREGULAR_ORDINALS[last])
    return (*front, last[:-1] + "ieth" if last.endswith("y") else last + "th")


def year(value: int) -> Words:
    """1999 → nineteen ninety nine; 1905 → nineteen oh five; 2000 … 2009 as cardinals."""
    century, rest = divmod(value, 100)
    if 2000 <= value < 2010 or value % 1000 == 0:
        return cardinal(value)
    if rest == 0:
        return (*cardinal(century), "hundred")
    return (*cardinal(century), *(("oh", ONES[rest]) if rest < 10 else cardinal(rest)))


def plural(words: Words) -> Words:
    """The last word in the plural: "ninety" → "nineties", "six" → "sixes"."""
    *front, last = words
    if last.endswith("y"):
        return (*front, last[:-1] + "ies")
    return (*front, last + ("es" if last.endswith("x") else "s"))


def number(text: str) -> Words:
    """A figure with optional thousands commas and decimals; rows with a leading nought digit by digit."""
    whole, _, decimals = text.partition(".")
    bare = whole.replace(",", "")
    if (len(bare) > 1 and bare[0] == "0") or len(bare) > LONGEST_CARDINAL_DIGITS:
        words = digits(bare)
    elif "," not in whole and not decimals and len(bare) == 4 and int(bare) in YEARS:
        words = year(int(bare))
    else:
        words = cardinal(int(bare))
    if decimals:
        words += ("point", *("zero" if digit == "0" else ONES[int(digit)] for digit in decimals))
    return words


def money(currency: str, text: str, suffix: str) -> Words:
    """$1 → one dollar; $5.50 → five dollars fifty; £3m → three million pounds."""
    one, many = CURRENCIES[currency]
    whole, _, cents = text.replace(",", "").partition(".")
    if suffix:
        return (*number(text), SUFFIXES[suffix.lower()], many)
    amount = digits(whole) if len(whole) > LONGEST_CARDINAL_DIGITS else cardinal(int(whole))
    words = (*amount, one if amount == ("one",) else many)
    if len(cents) == 2 and int(cents):
        words += cardinal(int(cents))
    elif cents and int(cents):
        words = (*number(f"{int(whole)}.{cents}"), many)
    return words


def clock(hours: str, minutes: str) -> Words:
    """3:30 → three thirty; 3:05 → three oh five; 3:00 → three o'clock."""
    if int(minutes) == 0:
        return (*cardinal(int(hours)), "o'clock")
    return (*cardinal(int(hours)), *(("oh",) if int(minutes) < 10 else ()), *cardinal(int(minutes)))


def fraction(upper: str, lower: str) -> Words | None:
    """1/2 → one half; 3/4 → three quarters; None when it is no common fraction (24/7, 7/11)."""
    over, under = int(upper), int(lower)
    if not 0 < over < under or under > (20 if over == 1 else 10):
        return None
    name = {2: ("half",), 4: ("quarter",)}.get(under) or ordinal(under)
    if over > 1:
        name = ("halves",) if under == 2 else (*name[:-1], name[-1] + "s")
    return (*cardinal(over), *name)


_FIGURES = (
    (re.compile(r"([$€£¥])(\d[\d,]*(?:\.\d+)?)([kmb](?![a-z]))?", re.I), lambda m: money(m[1], m[2], m[3] or "")),
    (re.compile(r"(\d{1,2}):([0-5]\d)(?::[0-5]\d)?"), lambda m: clock(m[1], m[2])),
    (re.compile(r"'?(\d{2}|1\d{3}|20\d0)'?s(?![a-z])", re.I), lambda m: plural(_decade(m[1]))),
    (re.compile(r"(\d[\d,]{0,17})(?:st|nd|rd|th)(?![a-z])", re.I), lambda m: ordinal(int(m[1].replace(",", "")))),
    (re.compile(r"(\d{3})-(\d{4})(?!\d)"), lambda m: digits(m[1] + m[2])),
    (re.compile(r"(\d{1,2})/(\d{1,2})(?!\d)"), lambda m: fraction(m[1], m[2]) or (*number(m[1]), *number(m[2]))),
    (re.compile(r"[#№](\d[\d,]*)"), lambda m: ("number", *number(m[1].rstrip(",")))),
    (re.compile(r"(\d[\d,]*(?:\.\d+)?)\s?%"), lambda m: (*number(m[1]), "percent")),
    (re.compile(r"(\d[\d,]*(?:\.\d+)?)\s?°"), lambda m: (*number(m[1]), "degrees")),
    (re.compile(r"'(\d\d)(?!\d)"), lambda m: cardinal(int(m[1])) if m[1][0] != "0" else digits(m[1])),
    (re.compile(r"(\d+(?:,\d{3})*(?:\.\d+)?)"), lambda m: number(m[1])),
)


def _decade(text: str) -> Words:
    return number(text) if len(text) == 4 else cardinal(int(text))


def figure(text: str, start: int) -> tuple[int, Words] | None:
    """The figure that begins at ``start``: where it ends and its words; None when none begins there."""
    for pattern, read in _FIGURES:
        match = pattern.match(text, start)
        if match:
            return match.end(), read(match)
    return None
