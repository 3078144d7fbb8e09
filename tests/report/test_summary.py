from fooling.report.summary import counted_experiments, summarise_experiment

THRESHOLD = 0.9999


def test_an_experiment_is_summed_up_search_by_search(make_champions):
    found = summarise_experiment(make_champions(), threshold=THRESHOLD)
    evolution, random = found.searches
    assert (evolution.search, evolution.runs, evolution.champions) == ("map-elites", 8, 24)
    assert (evolution.fooling, evolution.saturated, evolution.median) == (16, 8, "≥ 99.99 %")
    assert (random.search, random.fooling, random.median) == ("random-search", 0, "50 %")
    assert not found.is_small


def test_five_runs_are_small(make_champions):
    assert summarise_experiment(make_champions(seeds=5), threshold=THRESHOLD).is_small


def test_only_experiments_that_are_controlled_and_not_small_are_counted(make_champions):
    large = summarise_experiment(make_champions(), threshold=THRESHOLD)
    small = summarise_experiment(make_champions("colour", seeds=1), threshold=THRESHOLD)
    assert counted_experiments([large, small]) == [large]
    assert counted_experiments([small]) == [small]


def test_without_any_control_all_are_counted(make_champions):
    table = make_champions()
    found = summarise_experiment(table[table["search"] == "map-elites"], threshold=THRESHOLD)
    assert counted_experiments([found]) == [found]


def test_a_confidence_just_below_the_threshold_does_not_count(make_champions):
    table = make_champions()
    table["confidence"] = 0.99989999
    assert summarise_experiment(table, threshold=THRESHOLD).evolution.fooling == 0
