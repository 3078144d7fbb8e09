"""The catalogue, and what holds for every figure."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import fooling.figures
from fooling.figures.catalogue import FIGURES, module_of, modules_of
from fooling.figures.declaration import FigureSettings
from fooling.figures.style import as_pdf, as_png
from fooling.table import checked_table, require_unique_rows

FOLDER = Path(fooling.figures.__file__).parent
MODULES = sorted({module_of(name) for name in FIGURES})

OF_IMAGES_AND_OF_LINES = ("gallery", "calibration")


def function_of(name):
    return getattr(importlib.import_module(module_of(name)), name)


@pytest.mark.parametrize("name", FIGURES)
def test_a_function_takes_what_its_entry_in_the_catalogue_declares(name):
    figure = FIGURES[name]
    assert set(inspect.signature(function_of(name)).parameters) == {*figure.inputs, *figure.options}
    assert set(figure.options) <= set(FigureSettings.model_fields)


@pytest.mark.parametrize("name", FIGURES)
def test_a_module_is_named_only_if_it_is_not_that_of_the_figure(name):
    assert FIGURES[name].module != name
    assert (FOLDER / f"{FIGURES[name].module or name}.py").is_file()


@pytest.mark.parametrize("module", MODULES)
def test_a_module_of_figures_imports_no_other(module):
    tree = ast.parse((FOLDER / f"{module.rpartition('.')[2]}.py").read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not imported & set(MODULES)


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_drawn_by_a_test_of_its_module(name):
    tests = Path(__file__).with_name(f"test_{module_of(name).rpartition('.')[2]}.py")
    tree = ast.parse(tests.read_text())
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert name in called, f"no test in {tests.name} calls {name}(...)"


def test_every_module_has_its_file_of_tests():
    modules = {path.stem for path in FOLDER.glob("*.py")} - {"__init__", "catalogue_of_probes"}
    assert modules <= {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}


@pytest.mark.parametrize("name", [name for name in FIGURES if FIGURES[name].shows])
def test_the_made_up_tables_satisfy_their_schemas(name, inputs):
    for table in FIGURES[name].shows:
        frame = checked_table(inputs[name][table.name], table, source=name)
        require_unique_rows(frame, table, source=name)


def test_the_modules_of_a_figure_are_its_own_and_those_of_its_tables():
    assert modules_of("gallery") == ["fooling.figures.gallery:gallery", "fooling.findings.examination"]
    assert modules_of("retraining_transfer") == [
        "fooling.figures.transfer:retraining_transfer",
        "fooling.findings.transfer",
    ]
    assert FIGURES["retraining_transfer"].tables == {"transfer": "findings/transfer/{chain}.pairs.csv"}
    assert FIGURES["transfer"].tables == {"transfer": "findings/transfer/{experiment}.pairs.csv"}


def test_the_catalogue_is_read_without_plotting_or_torch():
    heavy = {"matplotlib", "torch", "scipy.special", "scipy.stats", "statsmodels", "krippendorff"}
    code = f"import sys, fooling.figures.catalogue; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_figures_are_drawn_without_torch():
    code = f"import sys, fooling.cli.pictures, {', '.join(MODULES)}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_lies_beyond_the_edge(name, inputs):
    figure = function_of(name)(**inputs[name])
    figure.draw_without_rendering()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert min(box.x0, box.y0) > -0.06
    assert box.x1 < width + 0.06
    assert box.y1 < height + 0.06


def pixels(figure):
    """The drawn figure, without the time that it takes to write a file."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


@pytest.mark.parametrize("name", FIGURES)
def test_equal_inputs_give_equal_pixels(name, inputs):
    first, second = (function_of(name)(**inputs[name]) for _ in range(2))
    for figure in (first, second):
        figure.set_dpi(60)
    assert np.array_equal(pixels(first), pixels(second))


@pytest.mark.parametrize("name", OF_IMAGES_AND_OF_LINES)
def test_equal_inputs_give_equal_files_without_a_date(name, inputs):
    """Files of both formats; that no figure is drawn differently the second time is tested for each of them above."""
    first, second = (function_of(name)(**inputs[name]) for _ in range(2))
    pdf = as_pdf(first)
    assert pdf == as_pdf(second)
    assert b"Date" not in pdf
    assert as_png(first) == as_png(second)
