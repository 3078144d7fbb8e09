"""Names in scripts that the usual font lacks, with and without a font that has them on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import matplotlib
import pytest

from fooling.cli.draw import draw
from fooling.evolution.record import RunRecord, save_run
from fooling.figures import family_tree, fonts
from fooling.figures.image_grid import LEAST_SIZE, sheet, write_class_names
from fooling.figures.style import as_pdf, as_png
from fooling.survey.cards import card

#: Comes with matplotlib, and has the sign, which the usual font lacks.
OTHER = Path(matplotlib.get_data_path(), "fonts", "ttf", "STIXGeneral.ttf")
SIGN = "の"
CHINESE = "猫"

Install = Callable[..., None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Let these fonts be those of the machine."""

    def these(*paths: Path) -> None:
        monkeypatch.setattr(fonts, "findSystemFonts", lambda: [str(path) for path in paths])
        fonts._installed.cache_clear()

    yield these
    fonts._installed.cache_clear()


def tree_of(run: RunRecord):
    return family_tree.draw(runs=[run])


def named(make_run, sign: str) -> RunRecord:
    return make_run(1, names=(sign, *map(str, range(9))))


def test_only_signs_that_the_usual_font_lacks_need_another():
    assert not fonts.lacking("Zürich, ćevapi, Ελλάδα, Москва, שלום, 99.99 % ≥ 5\n\t")
    assert fonts.lacking(f"a {CHINESE}{SIGN}") == {CHINESE, SIGN}


def test_the_font_with_the_most_of_the_signs_stands_in(install, tmp_path):
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    install(fonts.USUAL, OTHER, tmp_path / "broken.ttf")
    assert fonts.fonts_with({SIGN, CHINESE}) == [OTHER]
    install(fonts.USUAL)
    assert fonts.fonts_with({SIGN, CHINESE}) == []


@pytest.mark.filterwarnings("error")
def test_a_figure_is_drawn_with_the_signs_where_a_font_has_them(make_run, install, caplog):
    install(fonts.USUAL)
    with_box = tree_of(named(make_run, SIGN))
    box = as_png(with_box)
    assert fonts.boxes_in(with_box) == SIGN
    install(fonts.USUAL, OTHER)
    figure = tree_of(named(make_run, SIGN))
    assert as_png(figure) == as_png(tree_of(named(make_run, SIGN))) != box
    assert fonts.boxes_in(figure) == ""
    assert b"STIXGeneral" in as_pdf(figure)
    assert not caplog.records


def test_figures_with_usual_names_are_the_same_whatever_is_installed(make_run, install):
    files = []
    for installed in ((), (fonts.USUAL, OTHER)):
        install(*installed)
        figure = tree_of(named(make_run, "é"))
        files.append((as_png(figure), as_pdf(figure)))
    assert files[0] == files[1]


def test_signs_that_no_font_has_are_named_once(make_run, install, tmp_path, capsys):
    install(fonts.USUAL)
    save_run(tmp_path / "run.safetensors", named(make_run, CHINESE))
    draw("family_tree", runs=[tmp_path / "run.safetensors"], png=tmp_path / "tree.png", pdf=tmp_path / "tree.pdf")
    said = capsys.readouterr().err
    assert said.count("no installed font has 猫") == 1
    assert said.count("\n") == 1


def test_a_name_in_wide_signs_takes_the_room_of_twice_as_many_letters():
    sizes = []
    for name in ("ああああああああ", "abcdefghijklmnop"):
        _, axes = sheet(7.0, 1.0)
        write_class_names(axes, [name, "b"], left=0, pitch=0.9)
        sizes.append(axes.texts[0].get_fontsize())
    assert sizes[0] == sizes[1] >= LEAST_SIZE


def test_a_catch_card_has_the_signs_of_its_answer_where_a_font_has_them(install):
    install(fonts.USUAL)
    box = card(SIGN)
    install(fonts.USUAL, OTHER)
    assert card(SIGN) != box
    assert card("3") == card("3")
