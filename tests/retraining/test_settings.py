"""Which runs are made against the networks of a chain."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fooling.retraining.settings import (
    RUNS_PER_JOB,
    RetrainingSettings,
    SupplySettings,
    blocks,
    jobs_for,
    network_seed,
    runs_against,
    supply,
)
from fooling.settings import LARGEST_SEED

PAPER = RetrainingSettings()


def test_the_paper_takes_350_runs_then_55_and_measures_30():
    assert [runs_against(PAPER, network, filled_with="champions") for network in (1, 2, 14, 15)] == [350, 55, 55, 30]
    images = [(20 * sizes.training_runs, 20 * sizes.test_runs) for sizes in (supply(PAPER, 1), supply(PAPER, 2))]
    assert images == [(6000, 1000), (1000, 100)]


def test_controls_are_only_measured():
    for filled_with in ("random", "nothing"):
        assert [runs_against(PAPER, network, filled_with=filled_with) for network in (1, 2, 15)] == [30, 30, 30]


supplies = st.builds(SupplySettings, training_runs=st.integers(1, 60), test_runs=st.integers(1, 20))
chains = st.builds(
    RetrainingSettings,
    networks=st.integers(2, 5),
    first=supplies,
    later=supplies,
    measured_runs=st.integers(1, 60),
    seed=st.integers(0, LARGEST_SEED),
)


@given(settings=chains, network=st.integers(1, 5))
def test_a_longer_chain_makes_no_run_again(settings, network):
    longer = settings.model_copy(update={"networks": settings.networks + 1})
    for filled_with in ("champions", "random", "nothing"):
        made = jobs(settings, min(network, settings.networks), filled_with=filled_with)
        later = jobs(longer, min(network, settings.networks), filled_with=filled_with)
        assert made == later[: len(made)]


@given(settings=chains, network=st.integers(1, 5))
def test_there_are_runs_for_all_that_is_asked_of_them(settings, network):
    runs = runs_against(settings, network, filled_with="champions")
    assert runs >= settings.measured_runs
    if network < settings.networks:
        assert runs >= supply(settings, network).runs


@given(settings=chains, network=st.integers(1, 5), runs=st.integers(1, 200))
def test_every_run_has_a_seed_of_its_own_and_a_job(settings, network, runs):
    made = blocks(settings, "lenet", network, runs=runs)
    seeds = [block.first_seed + run for block in made for run in range(block.runs)]
    assert len(set(seeds)) == len(seeds) == runs
    assert 0 <= min(seeds) <= max(seeds) <= LARGEST_SEED
    assert [block.number for block in made] == list(jobs_for(runs))
    assert all(block.runs == RUNS_PER_JOB for block in made[:-1])


def test_networks_have_seeds_of_their_own():
    seeds = {network_seed(PAPER, first, number) for first in ("a", "b") for number in range(2, 16)}
    assert len(seeds) == 28
    other = RetrainingSettings(seed=2)
    assert network_seed(PAPER, "a", 2) != network_seed(other, "a", 2)


def jobs(settings, network, *, filled_with):
    return blocks(settings, "lenet", network, runs=runs_against(settings, network, filled_with=filled_with))
