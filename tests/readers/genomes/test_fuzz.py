"""Damaged files end in an answer or in one clear line: what the fuzzer found, and files that Hypothesis damages."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripts.fuzz_variants import Reader, damaged, make, seeds

from azaward.errors import InputError
from azaward.knowledge import load
from azaward.readers.genomes import apart as variants_apart
from azaward.readers.genomes.apart import LostError, apart
from azaward.readers.genomes.variants import read
from tests.proof import rounds
from tests.readers.genomes.variant_files import R139C, TPMT3C, at, header, write

KEPT = Path(__file__).parent / "fuzz"
CASES = sorted(path for path in KEPT.iterdir() if path.suffix not in (".tbi", ".csi"))


def test_the_fuzzer_kept_something() -> None:
    assert len(CASES) >= 5


def test_every_kept_file_ends_in_an_answer_or_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZAWARD_TEST_SILENCE_S", "2")  # one of the files never ends; nobody waits for it here
    reader = Reader()
    said = {path.name: reader.ask(path, assembly) for path in CASES for assembly in ("", "GRCh38")}
    assert reader.close() == ""
    assert {name: what for name, what in said.items() if what.split()[0] not in ("answered", "refused")} == {}


def test_the_fuzzer_sees_a_crash(tmp_path: Path) -> None:
    good, reader = write(tmp_path / "x.vcf", header() + at(R139C, "0/1")), Reader()
    assert reader.ask(good, "") == "answered 1"
    reader.process.kill()
    reader.process.wait()
    assert reader.ask(good, "") == "crashed -9"
    assert reader.ask(tmp_path / "none.vcf", "") == "refused"
    assert reader.close() == ""


@pytest.mark.parametrize("seed", range(3))
def test_damaged_files(tmp_path: Path, seed: int) -> None:
    import random

    rng, whole, reader = random.Random(seed), seeds(), Reader()
    for _ in range(rounds(30, 3000)):
        path = make(rng, whole, tmp_path)
        said = reader.ask(path, "")
        assert said.split()[0] in ("answered", "refused"), shutil.copy(path, tmp_path / "found")
    assert reader.close() == ""


@settings(max_examples=rounds(80, 5000), deadline=None)
@given(st.data())
def test_text_between_the_tabs(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Any cell of a VCF replaced by any text."""
    lines = (header() + at(TPMT3C, "0|1", fields="GT") + at(R139C, "0/1")).splitlines()
    number = data.draw(st.integers(0, len(lines) - 1))
    cells = lines[number].split("\t")
    place = data.draw(st.integers(0, len(cells) - 1))
    cells[place] = data.draw(st.text(st.characters(codec="utf-8"), max_size=12))
    lines[number] = "\t".join(cells)
    path = tmp_path_factory.mktemp("text") / "x.vcf"
    path.write_bytes(("\n".join(lines) + "\n").encode())
    try:
        said = [str(len(part.samples)) for part in read([path], load())]
    except InputError as error:
        said = [str(error)]
    assert len(said) == 1
    assert said[0].isprintable()


def test_a_missing_contig_beside_a_broken_genotype_is_no_crash(tmp_path: Path) -> None:
    """cyvcf2 0.35 would die on this file, were the contig not added to its header first."""
    bare = "".join(f"{each}\n" for each in header().splitlines() if "contig" not in each)
    path = write(tmp_path / "x.vcf", bare + at(R139C, "0/x"))
    with pytest.raises(InputError, match="'0/x' for the sample in column 10 isn't a genotype"):
        list(read([path], load()))


def test_damage_is_the_same_for_the_same_seed() -> None:
    import random

    raw = seeds()["a.vcf"]
    assert damaged(random.Random(5), raw) == damaged(random.Random(5), raw) != raw


def test_work_that_dies_or_hangs_is_lost_and_an_error_arrives_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variants_apart, "SILENCE_S", 0.2)
    with pytest.raises(LostError):
        apart(lambda say: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(LostError):
        apart(lambda say: threading.Event().wait(), must_live=True)
    with pytest.raises(InputError, match="what was wrong"):
        apart(_refuse)
    lines: list[str] = []
    assert apart(lambda say: say("half way") or 7, lines.append) == 7
    assert lines == ["half way"]


def _refuse(say: object) -> None:
    raise InputError("what was wrong")
