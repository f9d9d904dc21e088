"""Every flag of the command is an edit, in an order that is known."""

from __future__ import annotations

from dataclasses import fields, make_dataclass
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from noisician.cli.edit_flags import EditFlags, operations
from noisician.cli.options import command
from noisician.edits import (
    AddPlayer,
    Copy,
    Edit,
    Extend,
    Loop,
    PlacedChord,
    Regenerate,
    Remaster,
    RemovePlayer,
    ReplaceInstrument,
    Rest,
    SetChords,
    SetFades,
    SetKey,
    SetMeter,
    SetSections,
    SetStrip,
    SetTempo,
    SetTiming,
    SetVoice,
    SetWords,
    Transpose,
    UseFrom,
    Vary,
    edits_from,
)
from noisician.errors import RequestError


def flags_of(*words: str) -> EditFlags:
    app, heard = typer.Typer(), []
    some = make_dataclass("Some", [("flags", EditFlags)], frozen=True)
    command(app, "some", some)(lambda options: heard.append(options.flags))
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return heard[0]


def edits_of(*words: str) -> tuple[Edit, ...]:
    return edits_from(operations(flags_of(*words)))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--regenerate|bass", (Regenerate(players=("bass",)),)),
        (
            "--regenerate|bass, lead|--bars|5-8|--seed|9|--keep|rhythm|--text|busier",
            (
                Regenerate(
                    players=("bass", "lead"), bars=((5, 8),), seed=9, keep="rhythm", text="busier"
                ),
            ),
        ),
        ("--regenerate|all|--bars|1-2,7|--bars|9", (Regenerate(bars=((1, 2), (7, 7), (9, 9))),)),
        ("--regenerate|bass|--seconds|10-1:20", (Regenerate(players=("bass",), seconds=((10, 80),)),)),
        ("--vary|lead,chords|--strength|0.3", (Vary(players=("lead", "chords"), strength=0.3),)),
        ("--vary|everybody|--seed|4", (Vary(seed=4),)),
        ("--extend|8", (Extend(by_bars=8),)),
        ("--extend|10s|--before|--seed|2", (Extend(where="before", by_seconds=10, seed=2),)),
        ("--extend|0:10", (Extend(by_seconds=10),)),
        ("--sections|1 2 2 3", (SetSections(action="reorder", order=(1, 2, 2, 3)),)),
        ("--delete-section|3", (SetSections(action="delete", section=3),)),
        ("--duplicate-section|2", (SetSections(action="duplicate", section=2),)),
        (
            "--insert-section|chorus:8@3|--seed|1",
            (SetSections(action="insert", section=3, kind="chorus", bars=8, seed=1),),
        ),
        ("--resize-section|2=6", (SetSections(action="resize", section=2, bars=6),)),
        ("--rename-section|2=bridge", (SetSections(action="rename", section=2, kind="bridge"),)),
        (
            "--delete-section|1|--insert-section|break:2@1|--delete-section|4",
            (
                SetSections(action="delete", section=4),
                SetSections(action="delete", section=1),
                SetSections(action="insert", section=1, kind="break", bars=2),
            ),
        ),
        ("--add|flute", (AddPlayer(instrument="flute"),)),
        (
            "--add|flute:counter|--bars|5-8|--text|sparse",
            (AddPlayer(instrument="flute", role="counter", bars=((5, 8),), text="sparse"),),
        ),
        ("--remove|arp,pad", (RemovePlayer(player="arp"), RemovePlayer(player="pad"))),
        ("--replace|lead=violin", (ReplaceInstrument(player="lead", instrument="violin"),)),
        ("--rest|drums|--bars|1-4", (Rest(players=("drums",), bars=((1, 4),)),)),
        ("--copy|bass:1-4>9", (Copy(players=("bass",), bars=(1, 4), to_bar=9),)),
        ("--copy|3>4", (Copy(bars=(3, 3), to_bar=4),)),
        ("--transpose|lead=+12", (Transpose(players=("lead",), semitones=12),)),
        ("--transpose|-2d|--bars|2", (Transpose(bars=((2, 2),), degrees=-2),)),
        (
            "--quantise|drums=1|--swing|0.5|--humanise|drums=0.2|--velocity|+10",
            (
                SetTiming(players=("drums",), quantise=1, humanise=0.2),
                SetTiming(swing=0.5, velocity=10),
            ),
        ),
        (
            "--chords|5:Am7 6:F 7.3:G|--follow|bass,lead",
            (
                SetChords(
                    chords=(
                        PlacedChord(bar=5, chord="Am7"),
                        PlacedChord(bar=6, chord="F"),
                        PlacedChord(bar=7, beat=3, chord="G"),
                    ),
                    follow=("bass", "lead"),
                ),
            ),
        ),
        ("--key|D minor", (SetKey(key="D", mode="minor"),)),
        ("--key|f#", (SetKey(key="F#"),)),
        ("--tempo|96", (SetTempo(tempo_bpm=96),)),
        ("--meter|3/4", (SetMeter(time_signature="3/4"),)),
        ("--words|la la", (SetWords(lyrics="la la"),)),
        ("--voice|ava", (SetVoice(voice="ava"),)),
        (
            "--gain|drums=-3, lead=2|--pan|lead=-0.4|--mute|texture|--unmute|bass|--reverb|lead=0.3|--delay|bass=0",
            (
                SetStrip(player="drums", gain_db=-3),
                SetStrip(player="lead", gain_db=2, pan=-0.4, reverb=0.3),
                SetStrip(player="bass", delay=0, muted=False),
                SetStrip(player="texture", muted=True),
            ),
        ),
        ("--fade-out|4", (SetFades(fade_out_s=4),)),
        ("--fade-in|0.5|--fade-out|0:04", (SetFades(fade_in_s=0.5, fade_out_s=4),)),
        ("--remaster", (Remaster(),)),
        (
            "--use|lead,bass|--from|other.wav|--bars|5-8",
            (UseFrom(players=("lead", "bass"), source="other.wav", bars=((5, 8),)),),
        ),
        ("--loop|5-8", (Loop(bars=(5, 8)),)),
        ("--loop|all", (Loop(),)),
    ],
)  # fmt: skip
def test_each_flag_is_an_edit(line: str, expected: tuple[Edit, ...]) -> None:
    assert edits_of(*line.split("|")) == expected


def test_edits_come_in_one_order_however_they_are_typed() -> None:
    typed = (
        "--remaster", "--gain", "bass=1", "--loop", "1-2", "--extend", "2", "--delete-section", "2", "--tempo", "90",
        "--meter", "3/4", "--voice", "ava", "--words", "la", "--rest", "pad", "--swing", "0.1", "--transpose", "1",
        "--copy", "1>2", "--add", "flute", "--vary", "all", "--regenerate", "bass", "--chords", "1:C", "--key", "D",
        "--replace", "lead=violin", "--remove", "arp", "--use", "bass", "--from", "b.wav", "--fade-out", "1",
    )  # fmt: skip
    assert [edit.op for edit in edits_of(*typed)] == [
        "use_from", "remove_player", "replace_instrument", "key", "chords", "regenerate", "vary", "add_player", "copy",
        "transpose", "timing", "rest", "words", "voice", "meter", "tempo", "sections", "extend", "loop", "mix",
        "fades", "remaster",
    ]  # fmt: skip


def test_what_a_midi_file_changes_comes_first() -> None:
    notes = {"op": "notes", "player": "lead", "delete": [3]}
    assert operations(flags_of("--remove", "arp"), [notes]) == [notes, {"op": "remove_player", "player": "arp"}]


def test_every_flag_of_every_group_is_tried_above() -> None:
    tried = test_each_flag_is_an_edit.pytestmark[0].args[1]  # type: ignore[attr-defined]
    flags = {word for line, _ in tried for word in line.split("|") if word.startswith("--")}
    names = {field.name for group in fields(EditFlags) for field in fields(type(group.default))} - {"notes"}
    renamed = {"span": "seconds", "source": "from"}
    assert flags == {f"--{renamed.get(name, name).replace('_', '-')}" for name in names}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--regenerate|bass|--bars|8-5", "'8-5' names no bars"),
        ("--regenerate|bass|--bars|0-5", "'0-5' names no bars"),
        ("--regenerate|bass|--bars|x", "'x' names no bars"),
        ("--regenerate|bass|--bars|1|--seconds|1-2", "two names for one place"),
        ("--regenerate|bass|--seconds|1", "--seconds '1' is no stretch of time"),
        ("--regenerate|,", "no player named"),
        ("--gain|drums=x", "--gain 'x' is no number"),
        ("--gain|-3", "--gain '-3' names nobody"),
        ("--gain|drums=", "write PLAYER=VALUE"),
        ("--velocity|lead=1.5", "--velocity '1.5' is no whole number"),
        ("--velocity|lead=inf", "is no whole number"),
        ("--transpose|lead=x", "--transpose 'x' is no number"),
        ("--copy|bass:1-4", "--copy 'bass:1-4': write"),
        ("--chords|Am7", "--chords 'Am7': write"),
        ("--insert-section|chorus", "--insert-section 'chorus': write"),
        ("--sections|1 x", "--sections 'x' is no number"),
        ("--sections|1 2|--delete-section|2", "--sections says the whole form"),
        ("--extend|soon", "'soon' is not a time"),
        ("--key|H", "key 'H'"),
        ("--mute|bass|--unmute|bass", "both name bass"),
        ("--tempo|90|--bars|1-2", "--bars says nothing without --regenerate or"),
        ("--tempo|90|--seed|1", "--seed says nothing without"),
        ("--tempo|90|--follow|bass", "--follow says nothing without --chords"),
        ("--tempo|90|--before", "--before says nothing without --extend"),
        ("--tempo|90|--strength|1", "--strength says nothing without --vary"),
        ("--tempo|90|--keep|rhythm", "--keep says nothing without --regenerate"),
        ("--tempo|90|--text|x", "--text says nothing without --regenerate or --add"),
        ("--use|bass", "--use says nothing without --from"),
        ("--tempo|90|--from|b.wav", "--from says nothing without --use"),
        ("--tempo|5", "edit tempo: tempo_bpm 5.0"),
        ("--regenerate|bass|--keep|time", "edit regenerate: keep 'time'"),
        ("--vary|bass|--strength|2", "edit vary: strength 2.0"),
    ],
)  # fmt: skip
def test_what_nobody_can_read_is_one_line(line: str, message: str) -> None:
    with pytest.raises(RequestError) as refused:
        edits_of(*line.split("|"))
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_words_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "song.txt").write_text("[verse]\nla\n", encoding="utf-8")
    assert edits_of("--words", str(tmp_path / "song.txt")) == (SetWords(lyrics="[verse]\nla\n"),)
