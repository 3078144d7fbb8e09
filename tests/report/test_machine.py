import numpy
import torch

from fooling import __version__
from fooling.report.machine import machine, package_versions


def test_the_machine_is_described():
    described = machine()
    assert described["cores"] >= 1
    assert described["memory_mb"] > 100
    assert all(described[name] for name in ("system", "processor", "python"))


def test_versions_are_those_installed_and_leave_out_what_only_developers_need():
    versions = package_versions()
    assert versions["numpy"] == numpy.__version__
    assert versions["torch"] == torch.__version__
    assert versions["fooling"] == __version__
    assert "hypothesis" not in versions
