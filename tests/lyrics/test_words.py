"""Words: dictionary, syllables, letter-to-sound, spoken forms, heteronyms."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noisician.errors import RequestError
from noisician.lyrics import is_function_word, is_vowel, language, lookup, pronounce, syllabify
from noisician.lyrics.dictionary import pack, read_entries
from noisician.lyrics.letters import from_arrays, letter_to_sound, settle_stress
from noisician.lyrics.normalise import pieces
from noisician.lyrics.phones import SYMBOLS
from noisician.lyrics.spelling import divide
from noisician.lyrics.syllables import ONSETS
from noisician.training.letter_to_sound import TrainingSettings, edit_distance, measure, split, train

DIVIDED_WORDS = """
beau-ti-ful hel-lo hap-py love-ly to-night some-thing hal-le-lu-jah lit-tle ques-tion tax-i don't busi-ness
Wednes-day fi-re ra-di-o ca-fé Mis-sis-sip-pi but-ter-fly stopped wan-ted rhy-thm
"""
#: Held out of the training by ``split``.
UNKNOWN_WORDS = """
benighted bolstered candlesticks careers centimeter changeable circularly converging dishwashing dovetail escorting
eyesight feathering fenceless gridlocked helpfully horseback indicating lifeboat malicious notwithstanding overruling
posthumously reminisced requesting routinely sleepily strolled superseding trampled tumultuous unfolding
"""


def said(word: str) -> str:
    return " ".join(pronounce(word)[0])


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("hello", "HH AH0 L OW1"),
        ("Beautiful", "B Y UW1 T AH0 F AH0 L"),
        ("don't", "D OW1 N T"),
        ("café", "K AH0 F EY1"),
        ("lovin'", "L AH1 V IH0 N"),
        ("straightenin'", "S T R EY1 T AH0 N IH0 N"),
        ("moon's", "M UW1 N Z"),
        ("kiss's", "K IH1 S IH0 Z"),
        ("swiped", "S W AY1 P T"),
        ("ghosted", "G OW1 S T IH0 D"),
        ("lovestruck", "L AH1 V S T R AH2 K"),
        ("y'all'd've", "Y AO2 L D AH0 V"),
        ("ooh", "UW1"),
        ("hmm", "HH AH1 M"),
        ("xkcd", "EH1 K S K EY1 S IY1 D IY1"),
        ("b-", "B AH0"),
    ],
)
def test_pronounce(word: str, phones: str):
    assert said(word) == phones


def test_all_variants_come_back():
    assert pronounce("fire") == (("F", "AY1", "ER0"), ("F", "AY1", "R"))
    assert {len(syllabify(phones)) for phones in pronounce("every")} == {2, 3}


def test_dictionary_finds_first_last_and_nothing():
    assert lookup("a") and lookup("zzzz") == () and lookup("") == () and lookup("new york") == ()
    assert lookup("'bout") == (("B", "AW1", "T"),)


def test_pack_is_repeatable_and_sorted():
    entries = read_entries("b B IY1\na AH0\na(2) EY1 # letter\n\n")
    assert entries == {"b": (("B", "IY1"),), "a": (("AH0",), ("EY1",))}
    assert pack(entries) == pack(dict(reversed(entries.items())))


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("extra", "EH1 K . S T R AH0"),
        ("angry", "AE1 NG . G R IY0"),
        ("winter", "W IH1 N . T ER0"),
        ("singing", "S IH1 NG . IH0 NG"),
        ("beautiful", "B Y UW1 . T AH0 . F AH0 L"),
        ("atlas", "AE1 T . L AH0 S"),
        ("instrument", "IH1 N . S T R AH0 . M AH0 N T"),
        ("strengths", "S T R EH1 NG K TH S"),
        ("chaos", "K EY1 . AA0 S"),
    ],
)
def test_syllabify(word: str, syllables: str):
    assert " . ".join(" ".join(syllable.phones) for syllable in syllabify(pronounce(word)[0])) == syllables


@given(st.lists(st.sampled_from(SYMBOLS), max_size=12).map(tuple))
def test_syllables_keep_every_phone_and_begin_legally(phones: tuple[str, ...]):
    syllables = syllabify(phones)
    assert len(syllables) == sum(map(is_vowel, phones))
    if syllables:
        assert tuple(phone for syllable in syllables for phone in syllable.phones) == phones
        assert all(syllable.onset in ONSETS for syllable in syllables[1:])


@settings(deadline=None, max_examples=60)
@given(st.text("abcdefghijklmnopqrstuvwxyz'", min_size=1, max_size=20).filter(lambda word: word.strip("'")))
def test_every_word_has_a_syllable(word: str):
    for phones in pronounce(word):
        assert set(phones) <= set(SYMBOLS)
        assert syllabify(phones)
    assert pronounce(word)


def test_letter_to_sound_of_invented_words():
    assert " ".join(letter_to_sound("brillig")) == "B R IH1 L IH0 G"
    assert settle_stress(("B", "AA1", "B", "AA1", "AH0")) == ("B", "AA1", "B", "AA2", "AH0")
    assert settle_stress(("AH0", "N")) == ("AH1", "N")


def test_shipped_model_reads_words_it_was_not_trained_on():
    entries = {word: lookup(word) for word in UNKNOWN_WORDS.split()}
    accuracy = measure(letter_to_sound, entries)
    assert accuracy.phone_errors < 0.15 and accuracy.syllable_counts_right > 0.9


def test_training_learns_a_regular_spelling():
    sounds = {"b": "B", "d": "D", "m": "M", "t": "T", "a": "AA1", "i": "IH1", "o": "OW1"}
    consonants, vowels = "bdmt", "aio"
    words = {a + v + b: None for a in consonants for v in vowels for b in consonants}
    entries = {word: (tuple(sounds[letter] for letter in word),) for word in words}
    known, held_out = split(entries)
    model = from_arrays(train(known, TrainingSettings(order=3, prune_below=0.0)))
    assert measure(model.phones, held_out).words_right == 1.0
    assert edit_distance("abc", "axcd") == 2


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("1999", "nineteen ninety nine"),
        ("1905", "nineteen oh five"),
        ("2005", "two thousand five"),
        ("42", "forty two"),
        ("1,000,000", "one million"),
        ("3.14", "three point one four"),
        ("007", "oh oh seven"),
        ("867-5309", "eight six seven five three oh nine"),
        ("22nd", "twenty second"),
        ("100th", "one hundredth"),
        ("1990s", "nineteen nineties"),
        ("'90s", "nineties"),
        ("3:05", "three oh five"),
        ("12:00", "twelve o'clock"),
        ("3am", "three a. m."),
        ("$1", "one dollar"),
        ("$5.50", "five dollars fifty"),
        ("£3m", "three million pounds"),
        ("100%", "one hundred percent"),
        ("24/7", "twenty four seven"),
        ("3/4", "three quarters"),
        ("½", "one half"),
        ("#1", "number one"),
        ("Mr.", "mister"),
        ("U.S.A.", "u. s. a."),
        ("NYC", "n. y. c."),
        ("rock&roll", "rock and roll"),
        ("w/", "with"),
        ("gr8", "great"),
        ("sooooo", "so"),
        ("yeahhh", "yeah"),
        ("feeeel", "feel"),
        ("'hello'", "hello"),
        ("'cause", "'cause"),
        ("mother-in-law", "mother in law"),
        ("oh-oh-oh", "oh oh oh"),
        ("lo-o-ove", "love"),
        ("a-a-a", "a"),
        ("co-op", "co op"),
        ("hal-le-lu-jah", "hallelujah"),
        ("la-la-la", "la la la"),
        ("b-b-baby", "b- b- baby"),
        ("--", ""),
    ],
)
def test_spoken_form(written: str, spoken: str):
    assert " ".join(word for piece in pieces(written) for word in piece.spoken) == spoken


def test_pieces_lie_where_they_say():
    for written in ("rock&roll", '"hello,"', "mother-in-law", "(…)3:30pm", "$5.50!"):
        for piece in pieces(written):
            assert written[piece.start :].startswith(piece.text)


@pytest.mark.parametrize(
    ("line", "word", "phones"),
    [
        ("i read the news", "read", "R IY1 D"),
        ("you have read my mind", "read", "R EH1 D"),
        ("live and learn", "live", "L IH1 V"),
        ("playing live tonight", "live", "L AY1 V"),
        ("our lives", "lives", "L AY1 V Z"),
        ("he lives here", "lives", "L IH1 V Z"),
        ("tear me apart", "tear", "T EH1 R"),
        ("wipe every tear", "tear", "T IH1 R"),
        ("roads that wind", "wind", "W IH1 N D"),
        ("wind me up", "wind", "W AY1 N D"),
        ("lead the way", "lead", "L IY1 D"),
        ("a heart of lead", "lead", "L EH1 D"),
        ("take a bow", "bow", "B AW1"),
        ("bow and arrow", "bow", "B OW1"),
        ("close your eyes", "close", "K L OW1 Z"),
        ("hold me close", "close", "K L OW1 S"),
        ("it's no use", "use", "Y UW1 S"),
        ("use me", "use", "Y UW1 Z"),
        ("we used to know", "used", "Y UW1 S T"),
        ("spin that record", "record", "R EH1 K ER0 D"),
        ("let's record", "record", "R AH0 K AO1 R D"),
        ("the apple", "the", "DH IY0"),
        ("the moon", "the", "DH AH0"),
    ],
)
def test_heteronyms(line: str, word: str, phones: str):
    words = line.split()
    read = language("en").pronounce_line(words)
    assert " ".join(read[words.index(word)][0]) == phones


def test_languages():
    assert language(None).code == language("en-GB").code == "en"
    with pytest.raises(RequestError, match=r"'de'.*en \(English\)"):
        language("de")


def test_function_words():
    assert is_function_word("The") and is_function_word("don’t") and not is_function_word("love")


@pytest.mark.parametrize(
    "divided",
    DIVIDED_WORDS.split(),
)
def test_orthographic_syllables(divided: str):
    word = divided.replace("-", "")
    assert "-".join(divide(word, syllabify(pronounce(word)[0]))) == divided


@settings(deadline=None, max_examples=50)
@given(st.text("abceghilmnorstuyé'", min_size=1, max_size=12), st.sampled_from(["hello", "every", "a", "strength"]))
def test_divided_text_is_the_text(text: str, sounding: str):
    syllables = syllabify(pronounce(sounding)[0])
    divided = divide(text, syllables)
    assert "".join(divided) == text and len(divided) == len(syllables)
