"""Figures in the prompt: tempo, length, bars and key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from noisician.prompt.controls import SectionHint
from noisician.prompt.lexicon import Effect, lexicon

NUMBER_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "fifteen": 15, "sixteen": 16, "twenty": 20, "twenty-four": 24, "thirty": 30,
    "thirty-two": 32, "forty": 40, "forty-five": 45, "fifty": 50, "sixty": 60, "sixty-four": 64, "ninety": 90,
}  # fmt: skip
FIGURE_WORDS = frozenset(
    (*NUMBER_WORDS, "hundred", "half", "minute", "minutes", "min", "mins", "second", "seconds", "sec", "secs", "hour",
     "hours", "bar", "bars", "measure", "measures", "beats", "bpm", "tempo", "key", "major", "minor", "sharp", "flat",
     "per")
)  # fmt: skip
"""Words of figures, which the lexicon does not list."""

MODE_WORDS = {
    "major": "major", "maj": "major", "ionian": "major", "minor": "minor", "min": "minor", "aeolian": "minor",
    "dorian": "dorian", "phrygian": "phrygian", "lydian": "lydian", "mixolydian": "mixolydian",
}  # fmt: skip
#: Below "under 80 BPM" is this share of it.
UNDER = 0.92
TONIC_NAMES = {0: "C", 1: "C#", 2: "D", 3: "Eb", 4: "E", 5: "F", 6: "F#", 7: "G", 8: "Ab", 9: "A", 10: "Bb", 11: "B"}
_LETTERS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}

_WORDS = "|".join(sorted((w.replace("-", "[- ]") for w in NUMBER_WORDS), key=len, reverse=True))
NUMBER_PATTERN = rf"(?<![\w./:])(?<!\d,)(?P<n>\d{{1,6}}(?:\.\d+)?|{_WORDS})"
_MODES = "|".join(MODE_WORDS)
_SHARP = r"(?P<accidental>\s?#|\s?♯|\s?♭|b(?!\w)|[- ]?sharp\b|[- ]?flat\b)"
_CLAUSE_END = r"(?=\s*(?:$|[,.;:!?)\]\n]|(?:and|at|with|but|for|on)\b))"
_CLIP = r"(?=\s+(?:long|loop|clip|track|piece|version|jingle|song|cue|sting|bed)\b)"


@dataclass(frozen=True)
class Figure:
    """What stands at ``start`` … ``end`` of the cleaned text. No effects: understood, but means no setting.

    Words at ``skips``, each from and to, are none of it: adjectives that mean something of their own.
    """

    start: int
    end: int
    effects: tuple[Effect, ...]
    skips: tuple[tuple[int, int], ...] = ()


def number(text: str) -> float:
    word = text.lower().replace(" ", "-")
    return float(NUMBER_WORDS[word]) if word in NUMBER_WORDS else float(word)


def tonic(letter: str, accidental: str | None) -> str:
    """The name in ``request.TONICS`` of a letter with its accidental, however spelt: "g", "flat" → "F#"."""
    mark = (accidental or "").strip(" -").lower()
    shift = 1 if mark in ("#", "♯", "sharp") else -1 if mark in ("b", "♭", "flat") else 0
    return TONIC_NAMES[(_LETTERS[letter.lower()] + shift) % 12]


def _seconds(value: float) -> tuple[Effect, ...]:
    return (Effect("duration_s", value),)


def _tempo(m: re.Match[str]) -> tuple[Effect, ...]:
    low = number(m["n"])
    high = m.groupdict().get("high")
    return (Effect("tempo_bpm", (low + number(high)) / 2 if high else low),)


def _guessed_tempo(m: re.Match[str]) -> tuple[Effect, ...]:
    """A lone number that can hardly be anything but a tempo."""
    low, high = number(m["n"]), m.groupdict().get("high")
    return (Effect("tempo_bpm", (low + number(high)) / 2 if high else low, guessed=True),)


def _spoken_tempo(m: re.Match[str]) -> tuple[Effect, ...]:
    """ "a hundred and twenty", "one twenty", "one forty five"."""
    tens = NUMBER_WORDS.get((m["tens"] or "").lower().replace(" ", "-"), 0)
    ones = NUMBER_WORDS.get((m["ones"] or "").lower(), 0)
    return (Effect("tempo_bpm", float(100 + tens + ones)),)


def _minutes(m: re.Match[str]) -> tuple[Effect, ...]:
    """Minutes and perhaps seconds; of "four to five" the middle."""
    groups = m.groupdict()
    low, high = number(m["n"]), groups.get("high")
    more = 30.0 if groups.get("half") else number(groups["more"]) if groups.get("more") else 0.0
    return _seconds(60 * ((low + number(high)) / 2 if high else low) + more)


#: Who can sing alone, in a pattern.
_WHO = r"woman|women|girls?|lady|ladies|man|men|guys?|boys?|child|children|kids?"


def _singer(m: re.Match[str]) -> tuple[Effect, ...]:
    """Who sings; of two of different kinds neither is the one voice."""
    kinds = {_voice_of(name) for name in (m["who"], m.groupdict().get("second")) if name}
    sung = (Effect("vocals", True), Effect("family", "voices"))
    return (*sung, Effect("voice", kinds.pop())) if len(kinds) == 1 else sung


def _voice_of(who: str) -> str:
    kinds = {"child": "child", "children": "child", "kids": "child", "boy": "child", "boys": "child", "choir": "choir"}
    return kinds.get(who.lower()) or ("female" if who.lower().startswith(("wom", "girl", "lad", "fem")) else "male")


def _language(m: re.Match[str]) -> tuple[Effect, ...]:
    name = next(value for value in m.groupdict().values() if value)
    code = LANGUAGES[name.lower()]
    sung = (Effect("lyrics_language", code), Effect("vocals", True), Effect("family", "voices"))
    who = re.search(r"\b(?:fe)?male\b", m.group(), re.IGNORECASE)
    return (*sung, Effect("voice", who.group().lower())) if who else sung


def _chords(m: re.Match[str]) -> tuple[Effect, ...]:
    """A progression; notes in a row such as "A B C" are none of a key, and mean nothing more."""
    return (Effect("chords", " ".join(re.findall(_CHORD, m.group()))),)


def _roman(m: re.Match[str]) -> tuple[Effect, ...]:
    return (Effect("chords", " ".join(re.findall(_ROMAN, m.group()))),)


def _letters(m: re.Match[str]) -> tuple[Effect, ...]:
    """The form by letters: "AABA"; what comes once between others is a bridge."""
    letters = m["letters"].upper()
    kinds = {letters[0]: "verse"}
    for letter in letters:
        kinds.setdefault(letter, ("chorus", "bridge", "solo")[min(len(kinds) - 1, 2)])
    if letters in ("AABA", "AABAB", "AABBA"):
        kinds["B"] = "bridge"
    form = (Effect("form", " ".join(kinds[letter] for letter in letters)),)
    bars = m.groupdict().get("n")
    return (*form, Effect("bars", number(bars))) if bars else form


def _kinds(m: re.Match[str]) -> tuple[Effect, ...]:
    words = re.findall(_PARTS, m.group(), re.IGNORECASE)
    kinds = [re.sub(r"[-\s]+", "_", word.lower()) for word in words]
    return (Effect("form", " ".join({"breakdown": "break", "hook": "chorus"}.get(kind, kind) for kind in kinds)),)


def told_kinds(m: re.Match[str]) -> tuple[Effect, ...]:
    """ "4 bar intro, 16 bar verse, 8 bar chorus": the form, and how long the first of each kind is."""
    told = re.findall(rf"(\d{{1,3}})[- ]bars?\s+({_PARTS})", m.group(), re.IGNORECASE)
    hints: dict[str, Effect] = {}
    for bars, part in told:
        kind = re.sub(r"[-\s]+", "_", part.lower())
        hints.setdefault(kind, Effect("sections", SectionHint(kind=kind, bars=int(bars))))
    return (*_kinds(m), *hints.values())


def _odd_metre(m: re.Match[str]) -> tuple[Effect, ...]:
    """ "5 beats per bar", in what the lexicon has for such a metre."""
    entry = lexicon().phrase(f"{number(m['n']):g}/{4 if number(m['n']) == 5 else 8}")
    return entry.effects if entry is not None else ()


def _key(m: re.Match[str]) -> tuple[Effect, ...]:
    groups = m.groupdict()
    effects = [Effect("key", tonic(m["letter"], groups.get("accidental")))]
    if groups.get("mode"):
        effects.append(Effect("mode", MODE_WORDS[groups["mode"].lower()]))
    elif groups.get("m"):
        effects.append(Effect("mode", "minor"))
    return tuple(effects)


LANGUAGES = {
    "english": "en", "german": "de", "french": "fr", "spanish": "es", "portuguese": "pt", "brazilian portuguese": "pt",
    "italian": "it", "japanese": "ja", "chinese": "zh", "mandarin": "zh", "cantonese": "zh", "korean": "ko",
    "russian": "ru", "arabic": "ar", "hindi": "hi", "turkish": "tr", "polish": "pl", "dutch": "nl", "swedish": "sv",
    "greek": "el",
    "latin": "la", "latin language": "la", "hebrew": "he", "ukrainian": "uk", "vietnamese": "vi", "thai": "th",
    "swahili": "sw",
    "welsh": "cy", "irish gaelic": "ga", "finnish": "fi", "norwegian": "no", "danish": "da", "catalan": "ca",
}  # fmt: skip
_LANGUAGE = "|".join(sorted(LANGUAGES, key=len, reverse=True))
_CHORD = r"[A-G](?:#|b|♯|♭)?(?:maj7|maj9|m7b5|min7|maj|min|dim7|dim|aug|sus2|sus4|add9|m9|m7|m6|m|7|9|6)?(?![\w#♯♭])"
_DEGREES = ("I", "II", "III", "IV", "V", "VI", "VII")
_ROMAN = r"(?<![\w#])[b#]?(?:VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i)(?:maj7|7|°|o)?(?![\w#'])"
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|ten|fifteen"
_PARTS = r"\b(?:intro|verse|pre[- ]chorus|chorus|hook|bridge|breakdown|break|build|drop|solo|outro)\b"
#: Before a time that is a place, not a length.
_NO_PLACE = r"(?<!\bat )(?<!\bafter )(?<!\buntil )(?<!\btill )(?<!\bbefore )(?<!\bfrom )(?<!\bpast )(?<!\bsince )"
TOLD_KINDS = rf"\b\d{{1,3}}[- ]bars?\s+{_PARTS}(?:[\s,>→-]+(?:and\s+|then\s+)*\d{{1,3}}[- ]bars?\s+{_PARTS}){{2,}}"
"""Parts with their bars, one after the other: "4 bar intro, 16 bar verse, 8 bar chorus"."""
_AROUND = r"(?:around|about|roughly|approximately|approx\.?|circa|ca\.?|near|exactly|maybe|~)"
_TO = r"\s*(?:-|–|to|and|bis)\s*"
_BPM = r"(?:bpm|beats (?:per|a) min(?:ute)?)"

_Reader = Callable[[re.Match[str]], tuple[Effect, ...]]


def _pattern(expression: str, *, case: bool = False) -> re.Pattern[str]:
    return re.compile(expression, 0 if case else re.IGNORECASE)


PATTERNS: tuple[tuple[re.Pattern[str], _Reader], ...] = (
    (_pattern(r"\b(?:sung|sang|singer|singing|vocals?|vocalist)(?: (?:by|can be|should be|could be|must be|is|of))+"
              rf" (?:an? )?(?:\w+ )?(?P<who>{_WHO}|choir)\b"),
     _singer),
    (_pattern(r"\b(?:duet|duo|duets|sung|vocals?|voices)(?: (?:between|of|for|with|by))* "
        rf"(?:an? |the )?(?P<who>{_WHO}|male|female) (?:and|with) "
              rf"(?:an? |the )?(?P<second>{_WHO}|male|female)(?: (?:voices?|vocals?|singers?))?\b"), _singer),
    (_pattern(r"\b(?P<who>male|female|boy|girl)(?:\s*/\s*|[- ]and[- ]|[- ])(?P<second>male|"
        r"female|boy|girl) (?:duet|vocals?|voices?|singers?|duo)\b"), _singer),
    (_pattern(rf"(?<!sad )(?<!bad )\b(?P<who>{_WHO})(?: and (?:an? |the )?(?P<second>{_WHO}))?"
              r" (?:sings?|singing|sang|raps?|rapping)\b"),
     _singer),
    (_pattern(r"\b(?:vocals?|voice|lyrics|singing|singer)\s*[:=]\s*(?:none|no|off|false|0)\b"),
     lambda m: (Effect("vocals", False), Effect("exclude", "voices"))),
    (_pattern(rf"(?<![\w#♯♭]){_CHORD}(?:(?:\s*[-–,>|/→]+\s*|\s+){_CHORD}){{2,}}", case=True), _chords),
    (_pattern(r"\bcompound duple\b(?: (?:time|metre|meter))?"), lambda m: (Effect("time_signature", "6/8"),)),
    (_pattern(r"\bsimple triple\b(?: (?:time|metre|meter))?"), lambda m: (Effect("time_signature", "3/4"),)),
    (_pattern(r"\bsimple quadruple\b(?: (?:time|metre|meter))?"), lambda m: (Effect("time_signature", "4/4"),)),
    (_pattern(r"\b(?P<n>[34]|three|four) (?:beats|quarters|crotchets) (?:per|to the|in "
        r"a|in every|in each|a) (?:bar|measure)\b"), lambda m: (Effect("time_signature", f"{number(m['n']):g}/4"),)),
    (_pattern(r"\b(?P<n>6|six) (?:beats|quavers|eighths) (?:per|to the|in a|in every|in "
        r"each|a) (?:bar|measure)\b"), lambda m: (Effect("time_signature", "6/8"),)),
    (_pattern(r"\b(?P<n>5|7|five|seven) (?:beats|quarters|crotchets) (?:per|to the|in "
        r"a|in every|in each|a) (?:bar|measure)\b"), _odd_metre),
    (_pattern(rf"{_ROMAN}(?:\s*[-–,>|→]+\s*|\s+){_ROMAN}(?:(?:\s*[-–,>|→]+\s*|\s+){_ROMAN})+", case=True), _roman),
    (_pattern(r"\b(?:(?P<n>\d{1,3})[- ]bar\s+)?(?P<letters>(?=[ABCD]*B)A[ABCD]{2,7})\b(?:\s+(?:jazz standard\s+)"
              r"?form\b)?",
              case=True), _letters),
    (_pattern(rf"(?<!no )(?<!without )(?<!no)(?<!without){_PARTS}(?:[\s,>→-]+(?:then\s+)?{_PARTS}){{2,}}"), _kinds),
    (_pattern(rf"\b(?:sung|lyrics?|words|singing|sings?|vocals?|song|sing along|days of the week)"
              rf"\s+in\s+(?P<a>{_LANGUAGE})\b"
              rf"|\b(?P<b>{_LANGUAGE})[- ](?:(?:fe)?male )?(?:lyrics|vocals?|vocalist|voice|"
                  r"words|language|singing|singer|text|rap(?:per)?)\b"
              r"|\bin (?P<c>english|french|spanish|german|italian|portuguese|japanese|"
                  r"korean|chinese|latin|russian|hindi|arabic|mandarin)\b(?! (?:style|america))"), _language),
    (_pattern(rf"{_NO_PLACE}(?<!\d)(?P<m>\d{{1,2}}):(?P<s>[0-5]\d)(?![\d:]|\s*[ap]m)(?:\s*(?:min(?:ute)?s?|long))?"),
     lambda m: _seconds(60.0 * int(m["m"]) + int(m["s"]))),
    (_pattern(r"(?<!\w)(?P<m>\d{1,2})\s?m(?:in)?\s?(?P<s>\d{1,2})\s?s(?:ec)?\b"),
     lambda m: _seconds(60.0 * int(m["m"]) + int(m["s"]))),
    (_pattern(r"\b(?:under|below|less than|shorter than|no longer than|at most|max(?:imum)?)\s+(?:(?:a|"
        r"one|1) minute|60 ?s(?:ec(?:ond)?s?)?)\b"),
     lambda m: _seconds(60 * UNDER)),
    (_pattern(r"\bhalf (?:an |a )?hour\b"), lambda m: _seconds(1800.0)),
    (_pattern(r"\b(?:an|one) hour\b"), lambda m: _seconds(3600.0)),
    (_pattern(r"\bhalf[- ](?:a[- ])?minute\b"), lambda m: _seconds(30.0)),
    (_pattern(r"\b(?:a|one) minute and a half\b"), lambda m: _seconds(90.0)),
    (_pattern(rf"{NUMBER_PATTERN}\s+min(?:ute)?s?\s+(?P<half>and a half)\b"), _minutes),
    (_pattern(rf"{NUMBER_PATTERN}\s+min(?:ute)?s?\s+(?P<more>thirty|fifteen|twenty|forty|forty[- ]five|ten|[1-5]\d)"
              r"(?=\s*(?:$|[,.;]))"), _minutes),
    (_pattern(rf"{NUMBER_PATTERN}\s+min(?:ute)?s?(?:\s+and)?\s+(?P<more>\d{{1,2}}|{_WORDS})\s*sec(?:ond)"
              rf"?s?(?:\s+long)?\b"), _minutes),
    (_pattern(rf"{NUMBER_PATTERN}\s*(?:-|–|to|or)\s*(?P<high>\d{{1,2}}|{_WORDS})[- ]min(?:ute)?s?\b"), _minutes),
    (_pattern(rf"{NUMBER_PATTERN}[- ]and[- ]a[- ]half[- ]min(?:ute)?s?\b"),
     lambda m: _seconds(60 * number(m["n"]) + 30)),
    (_pattern(rf"{NUMBER_PATTERN}[- ]?min(?:ute)?s?(?:[- ]long)?\b(?!\s*(?:key|chord|scale))"),
     lambda m: _seconds(60 * number(m["n"]))),
    (_pattern(r"\ba minute(?: long)?\b"), lambda m: _seconds(60.0)),
    (_pattern(rf"{NUMBER_PATTERN}[- ]?(?:hours?|hrs?)(?:[- ]long)?\b"), lambda m: _seconds(3600 * number(m["n"]))),
    (_pattern(rf"{NUMBER_PATTERN}[- ]?sec(?:ond)?s?(?:[- ]long)?\b"), lambda m: _seconds(number(m["n"]))),
    (_pattern(rf"\bfor (?P<n>\d{{1,3}})\s?s\b|(?<![\w'])(?P<n2>\d{{1,3}})\s?s{_CLIP}"),
     lambda m: _seconds(float(m["n"] or m["n2"]))),
    (_pattern(r"(?<!the )(?<!roaring )(?<![\w'.,])(?!(?:00|50|60|70|80|90|303|808|909)s)(?P<n>\d{1,3})s\b"
              r"(?!\s+(?:swing|jazz|big band|music|style|crooner|radio|noir|ragtime|blues|dance|movie|cabaret))"),
     lambda m: _seconds(float(m["n"]))),
    (_pattern(r"(?<!every )(?<!each )(?<!after )(?<!first )(?<!last )"
              rf"{NUMBER_PATTERN}[- ]?(?:bars?|measures?)"
              r"(?:[- ]long)?\b(?!\s+(?:blues|intro|outro|drop|build|break|solo|bridge|verse|chorus))"),
     lambda m: (Effect("bars", number(m["n"])),)),
    (_pattern(r"\b(?:under|below|less than|slower than|no more than|"
        rf"at most|max(?:imum)?)\s+(?P<n>\d{{2,3}})\s*{_BPM}\b"),
     lambda m: (Effect("tempo_bpm", float(round(number(m["n"]) * UNDER))),)),
    (_pattern(rf"\b(?:over|above|more than|faster than|at least|min(?:imum)?)\s+(?P<n>\d{{2,3}})\s*{_BPM}\b"),
     lambda m: (Effect("tempo_bpm", float(round(number(m["n"]) / UNDER))),)),
    (_pattern(rf"\b(?:a|one)[- ](?:hundred(?:[- ]and)?[- ]?)?(?P<tens>{_TENS})?"
              rf"(?:[- ](?P<ones>one|two|three|four|five|six|seven|eight|nine))?[- ]*{_BPM}\b"), _spoken_tempo),
    (_pattern(rf"(?:\bbetween\s+)?{NUMBER_PATTERN}(?:{_TO}(?P<high>\d{{2,3}}|{_WORDS}))?[- ]*{_BPM}\b"), _tempo),
    (_pattern(rf"\b(?:tempo|bpm|speed|pulse)\s*(?:of|is|at|[:=])?\s*{_AROUND}?\s*(?P<n>\d{{2,3}}(?:\.\d+)?)\b"
              rf"(?:{_TO}(?P<high>\d{{2,3}})\b)?"), _tempo),
    (_pattern(rf"(?P<n>\d{{2,3}})-?(?:ish)\b(?:\s*{_BPM}\b)?"), _tempo),
    (_pattern(rf"\b(?:not|no) (?:faster|slower|more|less) than \d{{2,3}}(?:\s*{_BPM})?(?=\s*(?:$|[,.;]))"),
     lambda m: ()),
    (_pattern(r"(?<!\d)(?P<n>\d{1,3})\s?(?:%|percent\b)(?: of)?"), lambda m: (Effect("share", number(m["n"])),)),
    (_pattern(rf"(?<![\d/])\d{{2,3}}\s?/\s?(?P<n>\d{{2,3}})\s*{_BPM}\b"), _tempo),
    (_pattern(r"@\s?(?P<n>\d{2,3}(?:\.\d+)?)\b"), _tempo),
    (_pattern(r"\btempo (?:middle|medium)\b"), lambda m: (Effect("tempo", 0.5),)),
    (_pattern(r"^\s*(?P<n>[6-9]\d|1\d\d|2[0-3]\d)(?=\s+[a-z]{4})"
              r"(?!\s+(?:bars?|measures?|seconds?|secs?|min|piece|year|people|players?|miles|degrees|proof))"),
     _guessed_tempo),
    (_pattern(rf"\b(?:at\s+)?{_AROUND}\s+(?P<n>[4-9]\d|1\d\d|2[0-3]\d)(?:{_TO}(?P<high>\d{{2,3}}))?"
              r"(?=\s*(?:$|[,;!)]|\.(?!\d)|(?:in|with|and|but)\b))"), _guessed_tempo),
    (_pattern(r"(?<=[a-z] )(?<!bar )(?<!ages )(?<!age )(?<!turning )(?<!number )(?<!level )(?<!vol )"
              r"(?P<n>[6-9]\d|1\d\d|2[0-1]\d)(?=\s*(?:$|[,;]))"), _guessed_tempo),
    (_pattern(r"(?<=,)\s*(?P<n>[6-9]\d|1\d\d|2[0-1]\d)(?=\s*(?:$|[,;.!?]))"), _guessed_tempo),
    (_pattern(r"\b(?:quarter|crotchet|half|minim|eighth|quaver)(?:[- "
        r"]notes?)?\s*=\s*(?P<n>\d{2,3}(?:\.\d+)?)\b"), _tempo),
    (_pattern(r"[♩♪]\s*=\s*(?P<n>\d{2,3}(?:\.\d+)?)\b"), _tempo),
    (_pattern(r"\bat (?P<n>[4-9]\d|1\d\d|2[0-3]\d)\b(?=\s*(?:$|[,;!)]|\.(?!\d)|(?:in|with|and)\b))"), _tempo),
    (_pattern(r"(?<![\w'])(?P<letter>[A-G])(?P<accidental>♭|♯|#)(?=\s+[a-z])", case=True), _key),
    (_pattern(r"\bin (?P<letter>[A-Ga-g])(?P<accidental>♭|♯|#)(?!\w)", case=True), _key),
    (_pattern(r"(?:\b(?:in|in the key of|key of)\s+|\bkey\s*[:=]?\s*)"
              rf"(?P<letter>[a-g]){_SHARP}?[\s-]*(?P<mode>{_MODES})\b"
              r"(?!\s*(?:key|scale|chords?|feel|mood|tonality|mode)\b)"), _key),
    (_pattern(rf"(?<![\w'])(?P<letter>[b-g]){_SHARP}?[\s-]*(?P<mode>{_MODES})\b"), _key),
    (_pattern(rf"(?<![\w'])(?P<letter>a){_SHARP}[\s-]*(?P<mode>{_MODES})\b"), _key),
    (_pattern(rf"(?<![\w'])(?P<letter>[Aa])[\s-]+(?P<mode>{_MODES})\b{_CLAUSE_END}"), _key),
    (_pattern(r"(?<![\w'])(?<!\d )(?P<letter>[A-G])(?P<accidental>#|♯|b|♭)?(?P<m>m(?:in)?)(?![\w'])", case=True), _key),
    (_pattern(rf"\bkey(?: of|\s*[:=])?\s*(?P<letter>[a-g])(?!\w){_SHARP}?(?!\w)"), _key),
    (_pattern(rf"\bkey(?: of|\s*[:=])?\s*(?P<letter>[a-g]){_SHARP}(?!\w)"), _key),
    (_pattern(rf"\bin (?P<letter>[a-g]){_SHARP}(?!\w)"), _key),
    (_pattern(r"(?:(?<=,)|(?<=;)|(?<=^))\s*(?P<letter>[A-G])(?P<accidental>#|♯|b|♭| sharp|"
        r" flat)?(?=\s*(?:$|[,;.]))", case=True), _key),
    (_pattern(rf"\bin (?P<letter>[A-G])(?!\w|'){_CLAUSE_END}", case=True), _key),
)  # fmt: skip


def figures(cleaned: str) -> Iterator[Figure]:
    """Every figure in the cleaned text; an earlier pattern keeps its characters from the later ones."""
    taken = [False] * len(cleaned)
    for pattern, read in PATTERNS:
        for match in pattern.finditer(cleaned):
            if any(taken[match.start() : match.end()]):
                continue
            taken[match.start() : match.end()] = [True] * (match.end() - match.start())
            yield Figure(match.start(), match.end(), read(match))
    for match in _LONE.finditer(cleaned):
        if not any(taken[match.start() : match.end()]) and _names_a_style(cleaned[: match.start()]):
            yield Figure(match.start(), match.end(), (Effect("tempo_bpm", float(match["n"]), guessed=True),))


#: "techno 132 for a run": a number behind a style can hardly be anything but a tempo.
_LONE = re.compile(
    r"(?<=[a-z] )(?P<n>[6-9]\d|1\d\d|2[0-4]\d)(?=[\s,.;!?]|$)"
    r"(?!\s*(?:bars?|measures?|sec|min|s\b|hz|khz|kbps|people|years?|days?|times|"
    r"degrees|percent|%|piece|part|miles|km))",
    re.IGNORECASE,
)


def _names_a_style(before: str) -> bool:
    """Whether the last words, at most three, name a genre, or a beat."""
    words = re.findall(r"[\w'&-]+", before.lower())[-3:]
    for first in range(len(words)):
        entry = lexicon().phrase(" ".join(words[first:]))
        if entry is not None and any(e.field in ("genres", "suggests") for e in entry.effects):
            return True
    return False
