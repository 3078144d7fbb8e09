"""``python -m benchmarks``: measure the figures, show them, and keep them in ``benchmarks/latest.json``."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

#: Read when the libraries are imported: all computing happens on one thread.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NPROC": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "JAX_PLATFORMS": "cpu",
}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="How fast the product is, in ratios.")
    parser.add_argument("--quick", action="store_true", help="a few rounds only: shows that all works, not how fast")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("latest.json"), help="the JSON file")
    arguments = parser.parse_args()

    os.environ.update(ONE_THREAD)
    import torch

    from benchmarks.suite import FULL, QUICK, measured
    from benchmarks.table import as_table
    from fooling.artifacts import write_json

    torch.set_num_threads(1)
    results = measured(QUICK if arguments.quick else FULL)
    write_json(arguments.output, results)
    print(as_table(results))


if __name__ == "__main__":
    main()
