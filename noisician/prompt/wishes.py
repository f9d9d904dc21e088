"""Wishes with a place or a time: who comes in when, how long a section is, how the piece ends.

Each is a pattern over the cleaned text. Whoever is named in it has to be known to the lexicon; a wish about something
else is none, and its words are read one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from noisician.prompt import wish_readers as read
from noisician.prompt.controls import Moment
from noisician.prompt.numbers import NUMBER_PATTERN, TOLD_KINDS, Figure, told_kinds
from noisician.prompt.wish_words import (
    ALONE,
    AT_THE_END,
    BACK,
    BARS,
    COMES,
    ENDS,
    FADE_IN_S,
    GOES_ON,
    HALF,
    HIT,
    IN_THE_LAST,
    KIT_PIECES,
    LATE,
    LEAVES,
    LEVEL,
    LOUD,
    OPENS,
    OTHERS,
    PART,
    QUIET,
    SECTION,
    SEVERAL,
    SLOWER,
    STEP,
    STEPS,
    TIME,
    UNWANTED,
    VERY,
    WHEN,
    WHO,
    any_of,
    pattern,
)


def wishes(cleaned: str) -> Iterator[Figure]:
    """Every wish in the cleaned text; an earlier pattern keeps its characters from the later ones."""
    taken = [False] * len(cleaned)
    for wanted, reader in _patterns():
        for match in wanted.finditer(cleaned):
            if any(taken[match.start() : match.end()]):
                continue
            figure = None if UNWANTED.search(cleaned[: match.start()]) else reader(match)
            if figure is not None:
                taken[match.start() : match.end()] = [True] * (match.end() - match.start())
                yield figure


_AT_FIRST, _AT_LAST = Moment(section="piece"), Moment(section="piece", nth=-1)
_PIECES = any_of({piece: stream for piece, stream in KIT_PIECES.items() if piece not in ("percussion", "perc")})
#: Behind "starts quiet", which is a wish of its own.
_QUIETLY_OPENED = "|".join(
    rf"(?<={opens}\s{level}{ly}\s)"
    for opens in ("start", "starts", "starting", "begin", "begins", "beginning", "open", "opens", "opening")
    for level in ("quiet", "soft", "calm", "gentle", "slow")
    for ly in ("", "ly")
)
_UNIT = r"(?:min(?:ute)?s?|sec(?:ond)?s?)"
_COUNT = r"(?:\d{1,3}|one|two|three|four|five|ten|fifteen|twenty|thirty|forty|sixty)"
_QUIET_NOUN, _LOUD_NOUN = (
    r"(?:calm|quiet|peace|stillness|silence|softness|piano)",
    (r"(?:chaos|noise|energy|mayhem|power|action|madness|fury|intensity|storm|drums)"),
)


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], read.Reader], ...]:
    """The patterns, each with what reads it; made when the first prompt needs them."""
    return tuple(
        (pattern(*pieces) if isinstance(pieces, tuple) else pattern(pieces), reader) for pieces, reader in _WISHES
    )


_WISHES: tuple[tuple[str | tuple[str, ...], read.Reader], ...] = (
    (TOLD_KINDS, lambda m: Figure(m.start(), m.end(), told_kinds(m))),
    ((r"\b(?:no|without)(?: any)? (?P<out>[a-z]+(?: [a-z]+)?),? (?:except|but|"
        rf"other than|apart from|besides)(?: for)?(?: maybe| perhaps)? {WHO}(?=\s*(?:$|"
        r"[,.;:!?]))"), read.but_for),
    ((r"\b(?:the )?(?:last|final|closing) (?:notes?|chords?|piano note|piano chord)(?: "
        r"(?:should|must|can|to|just|that|is|are|which|be))*(?: left)?(?: to)? (?:rings?|"
        r"held|holds?|"
              r"sustain(?:s|ed)?|hang(?:s|ing)?|lasts?|linger(?:s|ing)?|decays?|ringing|"
                  r"sustaining)(?: (?:out|on|in the air|forever|until silence))?"
              rf"(?: for (?:like |about |around )?{TIME})?"), read.one_feature("held_chord")),
    ((r"\bhold (?:the )?(?:last|final|closing) (?:note|chord)(?: for (?:like |"
        rf"about |around )?{TIME})?"), read.one_feature("held_chord")),
    ((r"\b(?:gradually|slowly|progressively|step by step) (?:adds?|adding|layers?|"
        r"layering|introduc(?:e|es|ing)|brings? in)(?: more| new| other| the)* (?:instruments?|"
        r"layers?|players?|voices?|elements?|sounds?)\b"
              r"|\b(?:more and more|ever more) (?:instruments?|layers?|players?|voices?|"
                  r"elements?)(?: (?:join|come in|enter|are added|added))?\b|\blayers? (?:build(?:s|"
                  r"ing)?(?: up)?|stack(?:s|ing)?(?: up)?|pil(?:e|es|ing) up|by layer)\b"
              r"|\bbuild(?:s|ing)?(?: up)? (?:layer by layer|in layers|one by one|instrument "
                  r"by instrument|piece by piece)\b"),
     read.layered),
    ((rf"\b(?P<a>{QUIET}|{LOUD})(?:,|-|/|>|→| to| then)* (?P<b>{QUIET}|{LOUD})(?:,|"
        r"-|/|>|→| to| then)* (?:and )?(?:back to )?"
              rf"(?P<c>{QUIET}|{LOUD})(?: again)?(?=\s*(?:$|[,.;:!?]))"), read.waves),
    ((rf"\b{ENDS} in (?:a )?(?:major|minor)\b|\bpicardy (?:third|cadence)\b"), read.other_key),
    ((rf"\b{ENDS} in (?P<key>[a-g](?:[ -]?(?:sharp|flat)|#|b)? (?:major|minor))\b"), read.other_key),
    ((rf"\b(?:{ENDS}|ending|finish|closes?) (?:on|with|in) (?:an? |the )?(?:unresolved|"
        r"suspended|dissonant|diminished|dominant|open|unfinished|"
              r"hanging)(?: \w+)? (?:chord|note|cadence|harmony)\b|\b(?:unresolved|suspended|"
                  r"hanging) (?:ending|end|chord at the end|final chord)\b"
              r"|\bends? (?:unresolved|on the dominant|on a question mark|on a cliffhanger)\b"), read.unresolved),
    ((r"\b(?:add(?:s|ing)?|introduc(?:e|es|ing)|bring(?:s|ing)? in) (?:one|an?|"
        r"another|a new)(?: more)? (?:instruments?|layers?|players?|voices?|elements?|"
        r"sounds?)"
              rf"(?: at a time)?(?: every {BARS}| every (?:few|\d+) (?:bars|seconds|beats)| one by one)?"
              r"|\b(?:instruments?|layers?) (?:added|come in|enter|join) (?:in )?one (?:by "
                  r"one|at a time|after (?:another|the other))\b"), read.layered),
    ((r"\bslow(?:s|ing)?(?: down)?,? (?:and|to an?|then|until it)(?: \w+)? (?:stops?|"
        r"halt|standstill)\b|\b(?:grinds|comes) to a (?:halt|standstill|slow stop)\b"
              r"|\bwind(?:s|ing) down (?:at the end|to a stop)\b"),
     read.one_feature("ritard")),
    ((rf"\b{WHO}(?:\s*[:=]|\s+-)? (?:none|no|off|zero|nope|nada)(?=\s*(?:$|[,.;!?]))"), read.left_out),
    ((r"\b(?:take|strip|pull|leave|keep|turn|switch|throw|cut) (?:the |all (?:the "
        rf")?|any )?{WHO} (?:away|out|off|out of it)(?=\s*(?:$|[,.;!?]))"), read.left_out),
    ((rf"\b(?P<who>[a-z]+) (?:consort|ensemble|choir|section) of (?P<count>{'|'.join(SEVERAL)})\b"), read.consort),
    ((rf"\bat {TIME},? (?:everything|everyone|all|the band) (?:drops? out|stops?|cuts? out|falls? away|rests?) "
              rf"(?:except|but)(?: for)? {WHO}(?=\s*(?:$|[,.;:!?]|and\b|then\b))"), read.cue_of("alone")),
    ((rf"\b(?:at|from|after) {TIME},? (?:the |a |some )?{WHO} {COMES}(?: in)?\b"), read.cue_of("enter")),
    ((rf"\b(?:everything|everyone|all|the band|all else)(?: else)? (?:drops? out|stops?|cuts? out|falls? away|rests?) "
              rf"(?:except|but)(?: for)? {WHO} (?:at|in|for|on|after|during) {WHEN}"), read.cue_of("alone")),
    ((rf"\b{WHO} {COMES}(?: in)? {HALF}"), read.cue_of("enter")),
    ((rf"\b(?:and )?then (?:the )?(?:full |whole |entire )?{WHO} (?:at|after|from) {TIME}"), read.cue_of("enter")),
    ((r"\b(?:ends?|ending|finish(?:es)?|closes?) (?:with|on|in) (?:an? )?(?:big |huge |massive |loud |grand )?"
              r"(?:bang|climax|explosion|crescendo|flourish)\b|\b(?:big|huge|massive|grand|loud) "
              r"(?:finish|finale|ending|end)\b"),
     read.loud_end),
    ((rf"\b{WHO} (?:alone|by itself|on its own|unaccompanied) (?:in|for|during|on) {SECTION}"), read.cue_of("alone")),
    ((rf"(?<!\w){SECTION} (?:in |goes |is )?double[-\s]time\b"), read.feature_at("double_time")),
    ((rf"\b(?:an? )?double[-\s]time (?:(?:in|for|during|on) )?{SECTION}"), read.feature_at("double_time")),
    ((rf"(?<!\w){SECTION} (?:is|gets?|goes|should be) (?:a bit |a little |much )?slower\b"),
     read.feature_at("slowing")),
    ((rf"(?<!\w){SECTION} (?:is|gets?|goes|should be) (?:a bit |a little |much )?faster\b"),
     read.feature_at("quickening")),
    ((r"\b(?:over )?(?:an? )?(?:tonic |bass )?pedal[-\s](?:point|bass|note|tone)s?\b(?: in the bass)?",
              rf"(?: (?:in|for|during) {SECTION})?"), read.pedal),
    ((rf"\b(?P<kind>(?:beat|bass) drop) (?:at|after) {TIME}"), read.section_hint),
    ((rf"\b(?:and |then |they |it )+(?:comes?|kicks?|drops?) back(?: in)? (?:at|for|in|on|after|with) {WHEN}"),
     read.back),
    ((rf"\b(?:bring(?:s|ing)?|fade|fading) {WHO} in (?:at|for|on|after|from) {WHEN}"), read.cue_of("enter")),
    ((rf"\b(?:cut(?:s|ting)?|mut(?:e|es|ing)|remov(?:e|es|ing)|los(?:e|es|ing)|pull(?:s|ing)?|kill(?:s|ing)?)(?: out)? "
              rf"{WHO} (?:for|in|during|at|after|from) {WHEN}"), read.cue_of("rest")),
    ((rf"\b{WHO} solos? (?:after|before|in|at|during|over|on) {WHEN}"), read.solo_at),
    ((rf"\b(?:start(?:s|ing)?|begin(?:s|ning)?|open(?:s|ing)?)(?: off)? with (?:{ALONE} )?{WHO} "
              rf"for (?:the first )?{BARS}"), read.opening_bars),
    ((r"\b(?:ends?|ending|stops?|finish(?:es)?|cuts?) (?:abruptly|suddenly|dead|cold|without warning)"
              r"(?: (?:after|on|with|in) (?:the )?(?:last|final)? ?(?:chorus|verse|drop|bar|beat|note|chord|hit))?"),
     read.one_feature("cut")),
    ((rf"\b(?:tempo|speed|it|bpm) (?:rises|goes|increases|ramps|climbs|builds)(?: up)? from {NUMBER_PATTERN} "
              r"(?:bpm )?to \d{2,3}(?: bpm)?"), read.faster_from),
    ((r"\bfad(?:e|es|ing)[-\s]?in (?:from (?:silence|nothing|nowhere|zero|black) "
        rf")?(?:over|for|during|within) {TIME}"), read.fade_in),
    ((rf"\bhalf[-\s]?time (?=second|first|third|last|final|2nd|3rd){SECTION}"), read.feature_at("half_time")),
    ((r"\b(?:an? )?(?P<size>bar|beat|moment|second) of silence (?:right |just )?before (?:the |each |every )?"
              r"(?:last |final |first |second )?(?P<kind>drop|chorus|verse|bridge)\b"), read.silence_before),
    ((rf"\b(?:no|without) {WHO} (?:until|till|before) (?:after )?{WHEN}"), read.cue_of("enter")),
    ((rf"\b(?:no|without) {WHO} (?:in|for|during) (?:the )?first {TIME}",
              rf"(?:,? (?:and )?then (?:the )?\w+ {COMES}(?: in)?\b)?"), read.cue_of("enter")),
    ((rf"\b(?P<n1>{_COUNT}) (?P<unit1>{_UNIT}) of (?:(?P<quiet1>{_QUIET_NOUN})|{_LOUD_NOUN}),? (?:and )?then ",
              rf"(?P<n2>{_COUNT}) (?P<unit2>{_UNIT}) of (?:(?P<quiet2>{_QUIET_NOUN})|{_LOUD_NOUN})\b"),
     read.two_halves),
    ((rf"\bbuild(?:s|ing)?(?: up)?(?P<tension> tension| suspense)? for {TIME}",
              rf"(?:,? (?:and )?then (?:an? )?(?P<hit>{HIT}))?(?:,? (?:and )?then (?P<nothing>nothing|silence))"
              rf"?"), read.built_up),
    ((rf"\b(?:no|without) (?P<out>[a-z]+(?: [a-z]+)?) except(?: for)? {WHO} in {SECTION}"), read.all_except),
    ((r"\b(?:no|without)(?: any)? (?P<piece>", _PIECES,
              r")(?:e?s)?\b(?! (?:until|till|before|in|for|during|from|drum|drums|roll))(?: at all)?"),
     read.without_piece),
    ((r"\ba ?cap+ella (?P<kind>intro|introduction|opening|start|beginning|bridge|"
        r"break|breakdown|outro|verse|chorus|ending|end|finale)\b"), read.voices_alone),
    ((r"\b(?:and )?then (?:the )?beat (?:drops|kicks in|comes in|starts|enters)\b"), read.beat_drops),
    ((rf"\b{PART}(?: of {NUMBER_PATTERN} bars?)?,? (?:with )?(?:just|only|solo) {WHO}{GOES_ON}"), read.intro_alone),
    ((rf"\b(?:and )?(?:then )?{OTHERS} (?:kicks?|comes?|joins?|enters?|drops?)(?: in| back| back in)?\b(?! (?:at|"
              rf"after|from|on|in) )"), read.idle),
    ((rf"\b(?:the )?last (?:{TIME})(?: is| are|:|,)? {ALONE} {WHO}{GOES_ON}"),
     read.cue_of("alone", at=_AT_LAST)),
    ((rf"\b(?:{ALONE} )?{WHO} (?:for|in) (?:the )?last {TIME}"), read.cue_of("alone", at=_AT_LAST)),
    ((rf"\b(?:then )?{ALONE} {WHO} (?:to|till|until|at|for|in) the (?:end|ending|finale|outro)\b"),
     read.cue_of("alone", at=_AT_LAST)),
    ((rf"\b(?:until )?{ALONE} {WHO} (?:remains?|is left|are left|stays?)\b"), read.cue_of("alone", at=_AT_LAST)),
    ((rf"\b{WHO} (?:only )?(?:for|in|during) the first {TIME}(?: only)?\b"), read.cue_of("leave")),
    ((rf"\b{WHO} only (?:in|for|during|on|at) {SECTION}"), read.cue_of("only")),
    ((rf"\b(?:bring(?:s|ing)?(?: in)?|add(?:s|ing)?|introduc(?:e|es|ing)|layer(?:s|ing)?(?: in)?) {WHO} (?:for|"
              rf"in|at|from|on|after|into) {WHEN}"), read.cue_of("enter")),
    ((rf"\blet {WHO} (?:take the (?:melody|lead|tune)|lead|shine|play|come in|sing|enter) (?:for|in|at|from|on|"
              rf"after) {WHEN}"), read.cue_of("enter")),
    ((rf"\b{WHO} that (?:only )?{COMES}(?: in)?(?: (?:during|in) [\w ]{{3,20}}?)? (?:at|after|from) {TIME}"),
     read.cue_of("enter")),
    ((rf"\bby the end(?:,)? (?:there (?:should be|is|are)|we have|it has|comes?|with) {WHO}(?=\s*(?:$|[,.;:!?]))"),
     read.cue_of("enter", at=_AT_LAST)),
    ((r"\b(?:after that|then|from there|from then on)(?:,)? (?:everything|it|all|the energy) ",
              r"(?:doubles(?: in intensity)?|explodes|intensifies|erupts|goes wild|gets (?:louder|bigger|wilder|"
              r"more intense))\b"), read.louder_from_then),
    ((rf"\b{WHO} (?:swells?|soars?|surges?|explodes?|erupts?|gets? loud(?:er)?) (?:at|in|on|for|after) {WHEN}"),
     read.swell),
    ((rf"\b(?:everything|everyone|music|it all|it|the band|all) (?:stops?|pauses?|goes silent|drops? out|cuts? "
              rf"out) (?:at|after|around) {TIME}",
              rf"(?: for (?:\w+ )?(?:seconds?|beats?|bars?|a moment|a beat|a second))?{BACK}"), read.stops),
    ((r"\b(?:an? )?(?:pause|silence|(?:moment|second|beat|"
        r"bar) of silence|(?<!drum\s)(?<!drums\s)(?<!guitar\s)(?<!piano\s)(?<!bass\s)break) "
        rf"(?:at|around) {TIME}{BACK}"),
     read.stops),
    ((rf"\b(?:the )?(?:begin|beginning|start|intro|opening)(?: is)? {VERY}{QUIET},? (?:and|but|then)(?: the)? ",
              rf"(?:final|finale|end|ending|outro)(?: is)? {VERY}{LOUD}\b"), read.one_feature("rising")),
    ((rf"\bat {TIME},? (?:so )?(?:it |we |the music |everything )?(?:should )?(?:go(?:es)?|gets?|becomes?|turns?)"
              rf" {LEVEL}(?: there)?\b"), read.level_somewhere),
    ((rf"\b(?:go(?:es)?|gets?|becomes?|turns?|drops? to|is|be) {LEVEL} (?:at|after|from|in|for|on|during) "
              rf"{WHEN}"), read.level_somewhere),
    ((rf"\bwhen {SECTION} (?:hits|comes(?: in)?|starts|drops|arrives),? (?:it|everything|the band) (?:gets|goes|"
              rf"becomes|is) {LEVEL}\b"), read.level_somewhere),
    ((rf"(?<!\w){SECTION} (?:is|are|gets?|goes|go|should be|stays?|very|really) {LEVEL}\b(?: and (?:serious|"
              rf"slow|quiet|loud|wild))?"), read.level_somewhere),
    ((rf"(?<!\w){LEVEL} (?P<kind>verses|choruses|verse|chorus|breakdowns|bridge|outro)\b"), read.level_somewhere),
    ((rf"(?<!\w){VERY}(?:(?P<quiet>quiet|soft|calm|gentle|hushed|subtle)|(?P<loud>loud|huge|massive|powerful)) "
              r"(?P<kind>start|beginning|opening|intro|ending|end|finale)\b"), read.level_somewhere),
    ((r"\benergy (?:goes|going|drops?|falls?|fades?|decreases?|winds) ?(?:down|away|off)?(?: over time| slowly| "
              r"gradually)?\b"), read.one_feature("falling")),
    ((r"\benergy (?:rises?|builds?|grows?|increases?|climbs?|goes up)(?: up)?(?: over time| slowly| gradually| "
              r"throughout)?\b"), read.one_feature("rising")),
    ((r"\b(?:an? )?(?:slow|rubato|free)(?: free| and free)? (?P<kind>opening|introduction)\b"),
     read.feature_at("slowing")),
    ((rf"\b(?:{ENDS}|closes?|closing|final|last)(?: (?:with|on|in))?(?: (?:an?|one))?(?: (?:long|last|final|"
              rf"single|big))* (?:held|sustained|ringing|long) ",
              r"(?:chord|note)s?\b|\blet (?:the |it )?(?:last |final )?(?:chord|note|it)? ?(?:ring(?: out)?|fade "
              r"out naturally)\b|\brings? out\b|\blast chord (?:held|rings?(?: out)?)\b"),
     read.one_feature("held_chord")),
    ((rf"\b{ENDS} (?:with|on|in) (?:an? |the )?(?:clear |proper |definite |strong |big )?(?:final |last )?"
              r"(?:chord|tonic)\b"),
     read.one_feature("held_chord")),
    ((r"\b(?:(?:two|three|four|\d) )?(?:big )?(?:hits?|stabs?|accents?|bangs?)(?: at the end)?,? (?:and )?then "
              r"(?:silence|nothing|stops?|ends?|out|done)\b"), read.one_feature("cut")),
    ((r"\blike (?:somebody|someone) pull(?:ed|s) the plug\b"), read.one_feature("cut")),
    ((rf"\b(?:the )?rest (?:is|are|of the band is|of the band:?) {WHO}(?=\s*(?:$|[,.;:!?]))"), read.rest_of_band),
    ((r"(?<!and\s)(?<!\w)(?P<who>[a-z]+(?: sax)?) (?P<size>duet|duo|trio|quartet|"
        r"quintet|sextet|septet|octet|nonet)\b"), read.alike),
    ((rf"\b(?:no|without) {WHO} (?:in|for|during) {SECTION}"), read.cue_of("rest")),
    ((rf"\b{WHO} {LEAVES} (?:in|for|during|at|after) {WHEN}"), read.cue_of("rest")),
    ((rf"\b{WHO} {COMES}(?: in)? (?:at around|at about|at|from|in|on|with|after|around|about|for|by|during) "
              rf"{WHEN}"), read.cue_of("enter")),
    ((rf"\b{WHO} (?:only )?(?:from|after) {WHEN}(?: on(?:wards?)?\b)?"), read.cue_of("enter")),
    ((rf"\b{OPENS}(?: off)?(?: with)? {ALONE} (?:on )?{WHO}{GOES_ON}"), read.cue_of("alone", at=_AT_FIRST)),
    ((rf"(?:{_QUIETLY_OPENED})(?:with|on) ",
              rf"(?:an? )?(?:(?:lone|solo|single|solitary) )?{WHO}{GOES_ON}"), read.cue_of("alone", at=_AT_FIRST)),
    ((rf"\b{OPENS} (?:with|on) {WHO}(?: (?:alone|only|solo))?{GOES_ON}"), read.cue_of("alone", at=_AT_FIRST)),
    ((rf"\b{WHO} (?:(?:in|on|for|during) )?{SECTION} only\b"), read.cue_of("only")),
    ((rf"\b{WHO} (?:(?:only|solo|alone) )?intro\b"), read.cue_of("alone", at=Moment(section="intro"))),
    ((rf"\b{WHO} (?:(?:only|solo|alone) )?(?:start|opening|beginning)\b"), read.cue_of("alone", at=_AT_FIRST)),
    ((rf"\b{WHO} (?:(?:only|solo|alone) )?(?:ending|outro|finale|coda|postlude)\b"), read.cue_of("alone", at=_AT_LAST)),
    ((rf"\b{WHO} (?:(?:only|solo|alone) )?(?:interlude|breakdown|break)\b(?! (?:beat|"
        r"beats|drum|drums))"), read.cue_of("alone", at=Moment(section="break"))),
    ((r"\b(?:the )?(?:ending|end|finish|finale)(?: (?:should|must|is|to|be|can|"
        r"has to|ought to))* (?:very |quite |completely |really )?(?:abrupt|sudden|"
        r"cold|hard|short|dead|unexpected|a hard cut|a sudden stop)\b"), read.one_feature("cut")),
    ((r"\b(?:no|without(?: a)?|not a) (?:fade|fade[- ]out|fading)(?: at the end)?\b"), read.idle),
    ((r"\b(?:(?:is|goes|go|switch(?:es)?|chang(?:e|es)|turns?|moves?)(?: (?:in|"
        rf"to|into))? )(?P<metre>\d{{1,2}}/\d{{1,2}})(?: time)? (?:in|for|during|"
        rf"at|on) {WHEN}"), read.other_metre),
    ((rf"\b{ENDS} (?:with|on) (?:{ALONE} )?{WHO}(?: (?:alone|only|solo))?(?=\s*(?:$|[,.;:!?]))"),
     read.cue_of("alone", at=_AT_LAST)),
    ((rf"\b{ALONE} {WHO}(?: plays?| playing)? (?:in|for|during) {SECTION}"), read.cue_of("alone")),
    ((r"\b(?:an? )?(?P<size>duet|duo|trio|quartet|quintet|sextet|septet|octet|"
        r"nonet) of (?P<who>[a-z]+(?: [a-z]+)?s)\b(?! and)"), read.alike),
    ((rf"(?<![\d/])\b(?P<count>{'|'.join(SEVERAL)}) (?P<who>[a-z]+(?: [a-z]+)?s)\b"), read.several),
    ((rf"(?<![\d/])\b(?P<count>{'|'.join(SEVERAL)}) (?P<who>[a-z]+s)\b"), read.several),
    ((rf"\bsolo (?:for|by|on) (?:the |an? )?{WHO}(?: in the middle)?(?=\s*(?:$|[,.;:!?]))"), read.solo_of),
    ((rf"\b(?P<first>intro)(?: of {NUMBER_PATTERN}[-\s]bars?)?,? (?:and )?(?:then )?(?:goes |going )?(?:straight|"
              rf"right|directly) ",
              r"(?:in)?to (?:the |a )?(?P<kind>chorus|drop|verse)\b"), read.straight_into),
    ((r"\b(?:starts? )?(?:straight|right|directly|immediately) with (?:the |a )?(?P<kind>chorus|drop|verse)\b"),
     read.straight_into),
    ((rf"\b{PART}s? (?:of|that lasts|lasting|for) {BARS}"), read.section_hint),
    ((rf"(?<!\w){BARS} {PART}\b"), read.section_hint),
    ((rf"\b{PART},? {BARS}(?! (?:blues|later|in)\b)"), read.section_hint),
    ((rf"\b(?:ends?|ending|stops?|finish(?:es)?)(?: exactly| right)? (?:at|after) {TIME}(?: exactly| sharp)?"),
     read.ends_at),
    ((rf"\b(?P<kind>(?:beat |bass )?drop|build[-\s]up|build|intro|verse|outro|chorus|breakdown|break|bridge|solo)"
              r"(?: comes in| comes| enters| arrives| lands| kicks in| starts| hits| begins|"
                  rf" should (?:start|hit|come|land)| is)? (?:at|after|around|@) {TIME}"), read.section_hint),
    ((rf"\b(?:{ENDS} (?:with|in|on) (?:an? )?)?(?:(?:slow|long|gentle|gradual) )?",
              r"fad(?:e|es|ing)(?:[-\s]?out)?(?! in\b|\w|[-\s]in\b)(?: (?:at|towards?) the end)?",
              rf"(?: (?:over|for|during|in) (?:the )?(?:last )?{BARS})?"), read.fade_out),
    ((r"\bfad(?:e|es|ing)[-\s]?in\b(?: (?:at|from) the (?:start|beginning))?"), read.one_feature("fade_in", FADE_IN_S)),
    ((r"\b(?:(?:at least )?(?:an?|one|two|several) )?(?:key changes?|changes? of key|modulat(?:es?|ing|ions?)|"
              r"transpos(?:es?|ing)",
              rf"|(?:goes|moves|shifts)(?= (?:up|down) (?:by )?(?:an? )?(?:{any_of(STEPS)})))",
              rf"{STEP}{IN_THE_LAST}"), read.key_change),
    ((rf"\b(?P<way>up|down) (?:by )?(?:an? )?(?P<step>{any_of(STEPS)}) (?:for|in|at|on|into) (?:the )?(?:(?:last|"
              rf"final) )?(?P<kind>chorus|drop|verse|bridge|outro)\b"), read.key_change),
    ((r"\b(?:last|final) (?P<kind>chorus|drop) (?:goes |is )?(?P<way>up)",
              rf"(?: (?:by )?(?:an? )?(?P<step>{any_of(STEPS)}))?\b"), read.key_change),
    ((rf"\bhalf[-\s]?time {PART}\b"), read.one_feature("half_time")),
    ((rf"\b{PART} (?:in|at|goes) half[-\s]?time\b"), read.one_feature("half_time")),
    ((rf"\bhalf[-\s]?time (?:in|for|during) the {PART}\b"), read.one_feature("half_time")),
    ((r"\b(?:an? )?(?:full )?bar of silence before the (?P<kind>drop|chorus)\b"), read.one_feature("silence", 4.0)),
    ((r"\b(?:an? )?(?:(?:beat|moment|second|short moment) of silence|silence|pause|silent beat)",
              r" (?:right |just )?before the (?P<kind>drop|chorus)\b"), read.one_feature("silence", 1.0)),
    ((r"\bfrom (?:an? )?(?:whisper|murmur|nothing|silence|trickle|spark|breeze) "
        r"to (?:an? )?(?:scream|roar|shout|storm|flood|wall of sound|inferno|explosion|"
        r"full blast|everything)\b"), read.one_feature("rising")),
    ((rf"\b(?:goes )?(?:from )?{QUIET} to {LOUD}\b|\b(?:gets|getting|grows|growing) (?:louder and )?louder\b",
              rf"|\b{OPENS} {QUIET}(?=\s+with|,|\s+and|\s+then|\s*$)(?:,? (?:and )?(?:then )?{ENDS} {LOUD}\b)?"),
     read.one_feature("rising")),
    ((r"\b(?:dynamics?,? )?(?:from )?p{1,3} to f{1,3}\b"), read.one_feature("rising")),
    ((r"\b(?:dynamics?,? )?(?:from )?f{1,3} to p{1,3}\b"), read.one_feature("falling")),
    ((r"\bdead stop(?: (?:after|on|with|in|at) (?:the )?(?:last |final )?(?:chorus|"
        r"verse|drop|bar|beat|note|chord|hit|end))?"), read.one_feature("cut")),
    ((rf"\bevery {BARS},? (?:another|a new|one more|an extra) \w+ (?:joins?|enters?|"
        r"comes in|is added|gets added)\b"), read.layered),
    ((rf"\b(?:goes )?(?:from )?{LOUD} to {QUIET}\b|\b(?:gets|getting) (?:quieter and )?quieter\b",
              r"|\bwinds down\b"), read.one_feature("falling")),
    ((rf"\b(?:less|fewer|quieter|softer) {WHO}(?=\s*(?:$|[,.;:!?]))"), read.less),
    ((r"\b(?:ritardando|ritard|rallentando|rit\.)", rf"(?!\w){LATE}"), read.one_feature("ritard")),
    ((rf"\b(?:it )?{SLOWER} {AT_THE_END}"), read.one_feature("ritard")),
    ((rf"\b(?:it )?{SLOWER}\b"), read.one_feature("slowing")),
    ((rf"\b(?:{ENDS} (?:with|on|in) (?:an? )?(?:long |big |final )?)?fermatas?\b{LATE}"), read.one_feature("fermata")),
    ((rf"\b(?:(?:it )?(?:speed(?:s|ing)? up|(?:gets?|getting) (?:faster and )?faster)|accelerando|accelerates?)"
              rf"\b{LATE}"),
     read.one_feature("quickening")),
    ((r"\b(?:tempo|metre|meter) changes?\b(?: (?:at|towards?|near|until|to) the end)?"), read.unmet),
    ((rf"(?<!solo\s)(?<!no\s)(?<!without\s)\b{WHO} in (?=the |every |each |last |final |second ){SECTION}"),
     read.cue_of("enter")),
)  # fmt: skip
