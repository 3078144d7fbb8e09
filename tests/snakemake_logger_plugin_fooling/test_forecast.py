import pytest

from snakemake_logger_plugin_fooling.forecast import PRIOR, Expectation, Forecast

#: Two networks of 30 s and two runs of 10 s, as expected.
JOBS = {
    1: Expectation("train", 30),
    2: Expectation("train", 30),
    3: Expectation("evolve", 10),
    4: Expectation("evolve", 10),
}


def test_the_share_done_is_weighted_by_seconds():
    forecast = Forecast(JOBS)
    assert forecast.share(now=0) == 0
    forecast.begin(1, now=0)
    assert forecast.finish(1, now=30) == 30
    assert forecast.share(now=30) == pytest.approx(30 / 80)
    forecast.begin(3, now=30)
    forecast.finish(3, now=40)
    assert forecast.share(now=40) == pytest.approx(40 / 80)


def test_nothing_is_forecast_before_a_job_is_finished():
    forecast = Forecast(JOBS)
    assert forecast.seconds_left(now=0) is None
    forecast.begin(1, now=0)
    assert forecast.seconds_left(now=10) is None


def test_nothing_is_forecast_from_a_job_of_little_weight():
    forecast = Forecast({1: Expectation("fetch", 2), 2: Expectation("train", 1000)})
    forecast.begin(1, now=0)
    forecast.finish(1, now=2)
    forecast.begin(2, now=2)
    assert forecast.seconds_left(now=10) is None
    assert forecast.seconds_left(now=30) == pytest.approx(972)


def test_one_job_at_a_time_leaves_the_expected_seconds():
    forecast = Forecast(JOBS)
    forecast.begin(1, now=100)
    forecast.finish(1, now=130)
    assert forecast.seconds_left(now=130) == pytest.approx(50)
    forecast.begin(2, now=130)
    assert forecast.seconds_left(now=142) == pytest.approx(38)


def test_jobs_that_run_at_the_same_time_share_what_is_left():
    forecast = Forecast(JOBS)
    forecast.begin(1, now=0)
    forecast.begin(2, now=0)
    forecast.finish(1, now=30)
    forecast.finish(2, now=30)
    assert forecast.seconds_left(now=30) == pytest.approx(10)


def test_the_longest_running_job_bounds_the_time_left():
    forecast = Forecast({number: Expectation("short", 1) for number in range(8)} | {9: Expectation("long", 100)})
    for number in range(8):
        forecast.begin(number, now=0)
    forecast.begin(9, now=0)
    for number in range(8):
        forecast.finish(number, now=1)
    assert forecast.seconds_left(now=1) == pytest.approx(99)


def test_finished_jobs_correct_their_own_rule_fully_and_the_others_as_far_as_they_weigh():
    forecast = Forecast(JOBS)
    forecast.begin(1, now=0)
    forecast.finish(1, now=60)  # twice as long as expected
    overall = (60 + PRIOR) / (30 + PRIOR)
    assert forecast.seconds_left(now=60) == pytest.approx(60 + 20 * overall)


def test_a_running_job_that_takes_longer_corrects_its_rule():
    forecast = Forecast(JOBS)
    forecast.begin(1, now=0)
    forecast.finish(1, now=30)
    forecast.begin(3, now=30)
    assert forecast.seconds_left(now=35) == pytest.approx(30 + 5 + 10)
    assert forecast.seconds_left(now=130) == pytest.approx(30 + 0 + 100)  # the other run takes at least as long


def test_a_failed_job_is_to_come_again():
    forecast = Forecast(JOBS)
    forecast.begin(1, now=0)
    forecast.finish(1, now=30)
    forecast.begin(2, now=30)
    forecast.stop(2)
    assert forecast.done == 1
    forecast.begin(2, now=50)
    assert forecast.finish(2, now=80) == 30
    assert forecast.share(now=80) == pytest.approx(60 / 80)


def test_the_share_reaches_one_with_the_last_job_alone():
    forecast = Forecast(JOBS | {5: Expectation("all", 0)})
    for number, one in JOBS.items():
        forecast.begin(number, now=0)
        forecast.finish(number, now=one.seconds)
    assert forecast.share(now=100) == 1.0  # nothing of weight is left
    assert forecast.done == 4 < len(forecast)


def test_jobs_without_expected_seconds_count_by_their_number():
    forecast = Forecast({number: Expectation("touch", 0) for number in range(4)})
    forecast.begin(0, now=0)
    forecast.finish(0, now=0)
    assert forecast.share(now=0) == 0.25
    assert forecast.seconds_left(now=0) == 0
