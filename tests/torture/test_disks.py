"""A full or a read-only disk: one clear message, nothing half-written, and the right bytes once that is fixed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from checkout import DRAFT, MAKE_RUN, Checkout, differing, hidden_in
from torture.disks import FILLER, Disk, mounted_disk
from torture.processes import a_run_standing_still

pytestmark = pytest.mark.slow

CHECKPOINTS = "results/.checkpoints"
RUN = "results/smoke/evolution/lenet-a/options-none/seed1.safetensors"
NETWORK = "results/smoke/classifiers/lenet-a.safetensors"
FIGURE = "results/smoke/figures/further_runs-cppn.png"
PARQUET = "results/smoke/findings/champions/direct.parquet"
CSV = "results/smoke/findings/variance.csv"
REPORT = "results/smoke/report/index.html"
NO_BOOKS = "Nothing can be written in .snakemake: the disk is full or read-only."

#: How a disk is broken (so that at most so many bytes can be written), how it is fixed, and what the system calls it.
Break, Fix = Callable[[Disk, int], None], Callable[[Disk], None]
FULL = (Disk.fill_up, Disk.make_room, "No space left on device")
READ_ONLY = (lambda disk, leave: disk.remount("ro"), lambda disk: disk.remount("rw"), "Read-only file system")

thorough = pytest.mark.torture
ON_FULL_DISK = [
    pytest.param(RUN, str(Path(RUN).parent), *FULL, id="evolution"),
    pytest.param(RUN, CHECKPOINTS, *FULL, id="checkpoint"),
    pytest.param(PARQUET, str(Path(PARQUET).parent), *FULL, id="parquet"),
    pytest.param(CSV, str(Path(CSV).parent), *FULL, id="csv"),
    pytest.param(FIGURE, str(Path(FIGURE).parent), *FULL, id="figure"),
    pytest.param(NETWORK, str(Path(NETWORK).parent), *FULL, id="training", marks=thorough),
]
ON_READ_ONLY_DISK = [
    pytest.param(PARQUET, str(Path(PARQUET).parent), *READ_ONLY, id="parquet, read-only"),
    pytest.param(RUN, str(Path(RUN).parent), *READ_ONLY, id="evolution, read-only", marks=thorough),
    pytest.param(RUN, CHECKPOINTS, *READ_ONLY, id="checkpoint, read-only", marks=thorough),
    pytest.param(NETWORK, str(Path(NETWORK).parent), *READ_ONLY, id="training, read-only", marks=thorough),
]


def _assert_told(said: str, folder: str, found: str) -> None:
    problem = rf"fooling [a-z-]+: {re.escape(folder)}\S* cannot .*\n"
    assert re.search(
        rf"{problem}\s+found: .*{found}.*\n\s+to fix it: free disk space, or get write permission there", said
    ), said
    assert "Traceback" not in said


@pytest.mark.parametrize(("output", "folder", "break_it", "fix_it", "found"), ON_FULL_DISK + ON_READ_ONLY_DISK)
def test_a_command_says_what_is_wrong_with_the_disk_and_ends_well_once_it_is_fixed(
    changed: Checkout, smoke: Checkout, output: str, folder: str, break_it: Break, fix_it: Fix, found: str
) -> None:
    command = changed.command_of(output)
    with mounted_disk(changed.folder / folder, size="64m") as disk:
        before = disk.names()
        break_it(disk, (changed.folder / output).stat().st_size // 2)
        done = changed.attempt(*command)
        assert done.returncode == 2
        _assert_told(done.stdout, folder, found)
        fix_it(disk)
        if folder == CHECKPOINTS:
            assert not [path for path in disk.folder.rglob("*") if path.is_file() and path.name != "lock"]
        else:
            assert disk.names() == before
        assert differing(smoke.digests(), changed.digests()) == set()
        changed.run(*command)
        assert differing(smoke.digests(), changed.digests()) == set()
        assert folder != CHECKPOINTS or not disk.names()


@pytest.mark.torture
def test_a_study_on_a_full_disk_is_finished_once_there_is_room(
    fresh_checkout: Checkout, smoke: Checkout, tmp_path: Path
) -> None:
    checkout = fresh_checkout.copy(tmp_path / "repository")
    with mounted_disk(checkout.folder / "results", size="4m") as disk:
        done = checkout.attempt(*MAKE_RUN)
        assert done.returncode != 0
        _assert_told(done.stdout, "results/", "No space left on device")
        made = {name: digest for name, digest in checkout.digests().items() if DRAFT not in name}
        assert made
        assert {name for name, digest in made.items() if smoke.digests().get(name) != digest} == set()
        disk.remount("size=64m")
        checkout.run(*MAKE_RUN)
        assert differing(smoke.digests(), checkout.digests()) == set()
        assert hidden_in(disk.folder) == [".checkpoints"]


@pytest.mark.parametrize(("break_it", "fix_it"), [FULL[:2], READ_ONLY[:2]], ids=["full", "read-only"])
def test_a_run_without_a_place_for_its_books_is_not_begun(
    tiny: Checkout, tmp_path: Path, break_it: Break, fix_it: Fix
) -> None:
    checkout = tiny.copy(tmp_path / "repository")
    with mounted_disk(checkout.folder / ".snakemake", size="64m") as disk:
        break_it(disk, 0)
        done = checkout.attempt(*MAKE_RUN)
        assert done.returncode != 0
        assert NO_BOOKS in done.stdout
        assert "Traceback" not in done.stdout
        fix_it(disk)
        assert checkout.is_up_to_date()


def test_a_run_whose_books_find_no_more_room_says_so_and_loses_nothing(changed_tiny: Checkout, tiny: Checkout) -> None:
    (changed_tiny.folder / REPORT).unlink()
    changed_tiny.record_of(REPORT).unlink()  # else the new one finds room where the old one lay
    with mounted_disk(changed_tiny.folder / ".snakemake", size="64m") as disk:
        with a_run_standing_still(changed_tiny, *MAKE_RUN) as run:
            disk.fill_up(0)
            run.go_on()
            assert run.status() != 0
        assert NO_BOOKS in (changed_tiny.folder / "said.txt").read_text()
        disk.make_room()
        changed_tiny.run(*MAKE_RUN)
        assert differing(tiny.digests(), changed_tiny.digests()) == set()
        assert (changed_tiny.folder / REPORT).stat().st_size > 0
        assert changed_tiny.is_up_to_date()


def test_the_small_disk_is_full_when_it_is_filled_up(tmp_path: Path) -> None:
    with mounted_disk(tmp_path / "disk", size="1m") as disk:
        disk.fill_up(0)
        with pytest.raises(OSError, match="No space left"):
            (disk.folder / "file").write_bytes(b"0" * 8192)
        assert disk.names() <= {"file"} and (disk.folder / FILLER).stat().st_size > 1e5
