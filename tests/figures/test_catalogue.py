import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import fooling.figures
from fooling.figures.catalogue import FIGURES, modules_of
from fooling.figures.settings import FigureSettings
from fooling.figures.style import as_pdf, as_png

FOLDER = Path(fooling.figures.__file__).parent


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_drawn_from_what_the_catalogue_says(name):
    draw = importlib.import_module(f"fooling.figures.{name}").draw
    figure = FIGURES[name]
    assert set(inspect.signature(draw).parameters) == {*figure.inputs, *figure.options}
    assert set(figure.options) <= set(FigureSettings.model_fields)


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_depends_on_no_other_figure(name):
    tree = ast.parse((FOLDER / f"{name}.py").read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not imported & {f"fooling.figures.{other}" for other in FIGURES}


def test_the_modules_of_a_figure_are_its_own_and_those_of_its_tables():
    assert modules_of("gallery") == ["fooling.figures.gallery", "fooling.findings.examination"]
    assert modules_of("retraining_transfer") == ["fooling.figures.retraining_transfer", "fooling.findings.transfer"]
    assert FIGURES["retraining_transfer"].tables == {"transfer": "findings/transfer/{chain}.pairs.csv"}
    assert FIGURES["transfer"].tables == {"transfer": "findings/transfer/{experiment}.pairs.csv"}


def test_the_catalogue_is_read_without_plotting_or_torch():
    heavy = {"matplotlib", "torch", "scipy.special", "scipy.stats", "statsmodels", "krippendorff"}
    code = f"import sys, fooling.figures.catalogue; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_figures_are_drawn_without_torch():
    modules = ", ".join(f"fooling.figures.{name}" for name in FIGURES)
    code = f"import sys, fooling.cli.draw, {modules}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_figure_gives_the_same_bytes_without_a_date_and_nothing_beyond_its_edge(name, inputs):
    draw = importlib.import_module(f"fooling.figures.{name}").draw
    first, second = draw(**inputs[name]), draw(**inputs[name])
    pdf = as_pdf(first)
    assert pdf == as_pdf(second)
    assert b"Date" not in pdf
    assert as_png(first) == as_png(second)
    box, (width, height) = first.get_tightbbox(), first.get_size_inches()
    assert min(box.x0, box.y0) > -0.06
    assert box.x1 < width + 0.06
    assert box.y1 < height + 0.06
