"""The words and pieces of patterns that wishes are put together of. In a piece a space stands for any white space."""

from __future__ import annotations

import re

from noisician.prompt.numbers import NUMBER_PATTERN

KINDS = {
    "intro": "intro", "introduction": "intro", "verse": "verse", "pre chorus": "pre_chorus", "prechorus": "pre_chorus",
    "chorus": "chorus", "choruses": "chorus", "refrain": "chorus", "hook": "chorus", "bridge": "bridge",
    "build": "build", "build up": "build", "buildup": "build", "drop": "drop", "beat drop": "drop", "bass drop": "drop",
    "break": "break", "breakdown": "break", "solo": "solo", "outro": "outro", "coda": "outro",
    "ending": "piece", "end": "piece", "finale": "piece", "final": "piece", "beginning": "piece", "begin": "piece",
    "start": "piece", "opening": "piece", "verses": "verse", "breakdowns": "break", "drops": "drop",
    "bridges": "bridge", "intros": "intro", "middle": "middle", "middle section": "middle", "middle eight": "bridge",
    "middle part": "middle",
}  # fmt: skip
ENDINGS = ("end", "ending", "finale", "final")
NTH = {
    "first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "last": -1, "final": -1, "every": 0, "each": 0,
}  # fmt: skip
STEPS = {
    "half step": 1, "semitone": 1, "half tone": 1, "whole step": 2, "whole tone": 2, "tone": 2, "step": 2,
    "minor third": 3, "major third": 4, "fourth": 5,
}  # fmt: skip
SEVERAL = {
    "a pair of": 2, "a couple of": 2, "pair of": 2, "couple of": 2, "two": 2, "2": 2, "both": 2,
    "three": 3, "3": 3, "four": 4, "4": 4,
    "five": 5, "5": 5, "six": 6, "6": 6, "seven": 7, "7": 7, "eight": 8, "8": 8, "nine": 9, "ten": 10,
    "twelve": 12, "a dozen": 12,
}  # fmt: skip
#: What people call the streams of a drum kit, singular.
KIT_PIECES = {
    "kick": "kick", "bass drum": "kick", "snare": "snare", "clap": "snare", "rim": "snare", "hat": "hat",
    "hihat": "hat", "hi-hat": "hat", "hi hat": "hat", "cymbal": "cymbal", "crash": "cymbal", "ride": "cymbal",
    "tom": "tom", "perc": "perc", "percussion": "perc", "shaker": "perc", "cowbell": "perc", "tambourine": "perc",
}  # fmt: skip
ADDED = re.compile(r"\b(?:with|featuring|plus|including|and)\b", re.IGNORECASE)
UNWANTED = re.compile(r"\b(?:no|not|without|never|don't)\s+(?:an?\s+)?$", re.IGNORECASE)
AT_THE_END = (
    r"(?:(?:in|over|for|during) the last (?:\w+ )?bars"
    r"|(?:at|towards?|near|until|to|in|into) the (?:very )?(?:end|final bars|last bars|outro|ending))"
)
LATE = rf"(?: {AT_THE_END})?"
SLOWER = r"(?:slow(?:s|ing)? down|(?:gets?|getting) (?:slower and )?slower)"
ENSEMBLES = {
    "duet": 2,
    "duo": 2,
    "trio": 3,
    "quartet": 4,
    "quintet": 5,
    "sextet": 6,
    "septet": 7,
    "octet": 8,
    "nonet": 9,
}
WHOLE_STEP = 2.0
BAR_BEATS = 4.0
FADE_BARS = 4.0
FADE_IN_S = 3.0


def any_of(words: dict[str, int] | dict[str, str]) -> str:
    return "|".join(re.escape(word).replace(r"\ ", r"[-\s]") for word in sorted(words, key=len, reverse=True))


TIME = (
    r"(?:(?:the|around|about|exactly|roughly) ){0,2}(?:(?P<m>\d{1,2}):(?P<s>[0-5]\d)|bar (?P<bar>\d{1,3})|"
    r"(?P<one>(?:an? )?minute)\b"
    rf"|{NUMBER_PATTERN}[-\s]?(?:(?P<min>min(?:ute)?s?)|(?P<barred>bars?)|s(?:ec(?:ond)?s?)?)\b)(?:[-\s](?:mark|in)\b)?"
)
SECTION = rf"(?:the )?(?:(?P<nth>{any_of(NTH)}) )?(?P<kind>{any_of(KINDS)})\b"
HALF = r"(?P<half>halfway(?: through)?|the second half|the middle)\b"
WHEN = rf"(?:{TIME}|{HALF}|{SECTION})"
PART = r"(?P<kind>intro|verse|chorus|bridge|build|build[-\s]up|drop|break|breakdown|solo|outro)"
BARS = rf"{NUMBER_PATTERN}[-\s]?(?P<barred>bars?)\b"
WHO = r"(?P<who>[^\W\d_][\w'-]*(?: (?:and )?[\w'-]+){0,4}?)"
OPENS = r"(?:starts?|starting|begins?|beginning|opens?|opening)"
ENDS = r"(?:ends?|ending|finish(?:es)?|finishing|closes|closing)"
COMES = r"(?:comes?|coming|enters?|entering|joins?|joining|starts?|starting|begins?|kicks?|kicking|drops)"
LEAVES = r"(?:drops? out|dropping out|falls? away|cuts? out|leaves?|stops?|stopping|rests?)"
ALONE = r"(?:only|just|nothing but|solely)"
LOUD = r"(?:loud|big|huge|massive|intense|full|powerful|epic|strong|wild|heavy|explosive|energetic|fierce|chaotic|hard)"
QUIET = (
    r"(?:quiet|soft|calm|gentle|small|mellow|hushed|intimate|sparse|subtle|delicate|slow|serious|"
    r"stripped[-\s](?:down|back))(?:ly)?"
)
VERY = r"(?:(?:really|very|super|so|quite|more|all|completely|totally) )?"
LEVEL = rf"{VERY}(?:(?P<quiet>{QUIET})|(?P<loud>{LOUD}))"
GOES_ON = r"(?=\s*(?:$|[,.;:!?]|(?:and )?(?:then|before|until|builds?)\b))"
STEP = (
    rf"(?: (?P<way>up|down))?(?: (?:by )?(?:an? )?(?:(?P<step>{any_of(STEPS)})|(?P<semitones>\d{{1,2}}|"
    rf"{'|'.join(SEVERAL)}|one) (?:semitones?|half steps?)))?"
)
IN_THE_LAST = (
    r"(?: (?:for|in|into|at|on|before|during) (?:the )?(?:(?:last|final) )?(?P<kind>chorus|drop|verse|refrain|"
    r"bridge|outro)"
    rf"| (?:at|after) {TIME}| (?:near|towards?|at|before) the (?P<end>end))?"
)
BACK = r"(?:,? (?:and )?(?:then )?(?:everyone |everything |the band )?(?:back in|comes? back(?: in)?|resumes?))?"
HIT = r"(?:jump scare|hit|big hit|explosion|bang|scream|impact|crash|drop)"
OTHERS = (
    r"(?:(?:the )?(?:whole|full|entire|rest of the) (?:band|orchestra|ensemble|group)|everyone|everybody|"
    r"everything|all)(?: else)?"
)


def pattern(*pieces: str) -> re.Pattern[str]:
    return re.compile("".join(pieces).replace(" ", r"\s+"), re.IGNORECASE)


#: Who left, to whom "and come back" leads.
GONE = pattern(rf"\b{WHO} (?:{LEAVES}|cuts?|stops?)(?: (?:in|for|during|at|after) {WHEN})?")
#: Times as they are named, to which "after that" leads back.
EARLIER = pattern(r"\b(?:at|after) ", TIME)
