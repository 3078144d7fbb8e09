"""Names in scripts that the default font lacks, with and without an installed font that has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import matplotlib
import pytest
from matplotlib.figure import Figure

from figures.made_up_champions import made_run
from fooling import fonts
from fooling.attacks.evolution.record import RunRecord, save_run
from fooling.cli.pictures import draw
from fooling.figures.family_tree import family_tree
from fooling.figures.image_grid import LEAST_SIZE, sheet, write_class_names
from fooling.figures.style import as_pdf, as_png
from fooling.survey.composition import catch_card

#: Comes with matplotlib and has the character, which the default font lacks.
OTHER = Path(matplotlib.get_data_path(), "fonts", "ttf", "STIXGeneral.ttf")
CHARACTER = "の"
CHINESE = "猫"

Install = Callable[..., None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Pretend that these fonts are installed."""

    def these(*paths: Path) -> None:
        monkeypatch.setattr(fonts, "findSystemFonts", lambda: [str(path) for path in paths])
        fonts._installed.cache_clear()

    yield these
    fonts._installed.cache_clear()


def tree_of(run: RunRecord):
    return family_tree(runs=[run])


def named(character: str) -> RunRecord:
    return made_run(1, names=(character, *map(str, range(9))))


def test_only_characters_that_the_default_font_lacks_need_another():
    assert not fonts.lacking("Zürich, ćevapi, Ελλάδα, Москва, שלום, 99.99 % ≥ 5\n\t")
    assert fonts.lacking(f"a {CHINESE}{CHARACTER}") == {CHINESE, CHARACTER}


def test_the_font_with_most_of_the_characters_is_chosen(install, tmp_path):
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    install(fonts.DEFAULT, OTHER, tmp_path / "broken.ttf")
    assert fonts.fonts_with({CHARACTER, CHINESE}) == [OTHER]
    install(fonts.DEFAULT)
    assert fonts.fonts_with({CHARACTER, CHINESE}) == []


@pytest.mark.filterwarnings("error")
def test_a_figure_is_drawn_with_an_installed_font_that_has_the_characters(install, caplog):
    install(fonts.DEFAULT)
    with_box = tree_of(named(CHARACTER))
    box = as_png(with_box)
    assert fonts.missing_in(with_box) == CHARACTER
    install(fonts.DEFAULT, OTHER)
    figure = tree_of(named(CHARACTER))
    assert as_png(figure) == as_png(tree_of(named(CHARACTER))) != box
    assert fonts.missing_in(figure) == ""
    assert b"STIXGeneral" in as_pdf(figure)
    assert not caplog.records


def test_figures_with_common_names_do_not_depend_on_installed_fonts(install):
    files = []
    for installed in ((), (fonts.DEFAULT, OTHER)):
        install(*installed)
        figure = tree_of(named("é"))
        files.append((as_png(figure), as_pdf(figure)))
    assert files[0] == files[1]


def test_characters_that_no_font_has_are_reported_once(install, tmp_path, capsys):
    install(fonts.DEFAULT)
    save_run(tmp_path / "run.safetensors", named(CHINESE))
    draw("family_tree", runs=[tmp_path / "run.safetensors"], png=tmp_path / "tree.png", pdf=tmp_path / "tree.pdf")
    logged = capsys.readouterr().err
    assert logged.count("no installed font has 猫") == 1
    assert logged.count("\n") == 1


def test_a_wide_character_is_as_wide_as_two_letters():
    sizes = []
    for name in ("ああああああああ", "abcdefghijklmnop"):
        _, axes = sheet(7.0, 1.0)
        write_class_names(axes, [name, "b"], left=0, pitch=0.9)
        sizes.append(axes.texts[0].get_fontsize())
    assert sizes[0] == sizes[1] >= LEAST_SIZE


def test_a_catch_card_uses_an_installed_font_for_its_answer(install):
    install(fonts.DEFAULT)
    box = catch_card(CHARACTER)
    install(fonts.DEFAULT, OTHER)
    assert catch_card(CHARACTER) != box
    assert catch_card("3") == catch_card("3")


def numbers_of(figure) -> list[str]:
    return [label.get_text() for label in figure.axes[0].xaxis.get_ticklabels() if label.get_visible()]


def test_numbers_that_lie_on_each_other_are_hidden_and_names_stay() -> None:
    crowded, roomy = Figure(figsize=(1.2, 1)), Figure(figsize=(8, 1))
    for figure in (crowded, roomy):
        figure.subplots().set_xticks([0, 0.2, 0.4, 1], ["-1,000", "-100", "0.01 %", "50 %"])
        as_png(figure)
    assert numbers_of(crowded) == ["-1,000", "50 %"]
    assert numbers_of(roomy) == ["-1,000", "-100", "0.01 %", "50 %"]
    named = Figure(figsize=(2, 1))
    named.subplots().set_xticks([0, 0.1], ["a long name", "another name"])
    as_png(named)
    assert numbers_of(named) == ["a long name", "another name"]
