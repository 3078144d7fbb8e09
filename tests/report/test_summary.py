from fooling.report.summary import headline, summarise_experiment

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


def test_the_headline_counts_what_is_controlled_and_not_small(make_champions):
    large = summarise_experiment(make_champions(), threshold=THRESHOLD)
    small = summarise_experiment(make_champions("colour", seeds=1), threshold=THRESHOLD)
    finding, contrast = headline([large, small], threshold=THRESHOLD)
    assert finding == "16 of 24 evolved images reach at least 99.99 % confidence in their class"
    assert contrast == "Direct encoding (direct): 16 of 24; random search with the same budget: 0 of 24."


def test_without_controls_the_headline_says_nothing_of_random_search(make_champions):
    table = make_champions()
    found = summarise_experiment(table[table["search"] == "map-elites"], threshold=THRESHOLD)
    finding, contrast = headline([found], threshold=THRESHOLD)
    assert finding.startswith("16 of 24")
    assert contrast == ""


def test_a_confidence_just_below_the_threshold_does_not_count(make_champions):
    table = make_champions()
    table["confidence"] = 0.99989999
    assert summarise_experiment(table, threshold=THRESHOLD).evolution.fooling == 0
