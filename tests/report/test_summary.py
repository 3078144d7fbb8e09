from fooling.report.summary import headline, summarised

THRESHOLD = 0.9999


def test_an_experiment_is_summed_up_search_by_search(make_champions):
    found = summarised(make_champions(), threshold=THRESHOLD)
    evolution, random = found.searches
    assert (evolution.search, evolution.runs, evolution.champions) == ("map-elites", 8, 24)
    assert (evolution.fooling, evolution.saturated, evolution.median) == (16, 8, "99.996 %")
    assert (random.search, random.fooling, random.median) == ("random-search", 0, "50 %")
    assert not found.is_small


def test_five_runs_are_small(make_champions):
    assert summarised(make_champions(seeds=5), threshold=THRESHOLD).is_small


def test_the_headline_counts_what_is_controlled_and_not_small(make_champions):
    large = summarised(make_champions(), threshold=THRESHOLD)
    small = summarised(make_champions("colour", seeds=1), threshold=THRESHOLD)
    finding, contrast = headline([large, small], threshold=THRESHOLD)
    assert finding == "16 of 24 evolved images reach a confidence of 99.99 % or more in their class"
    assert contrast == "Direct encoding (direct): 16 of 24; random search with the same budget: 0 of 24."


def test_without_controls_the_headline_says_nothing_of_random_search(make_champions):
    table = make_champions()
    found = summarised(table[table["search"] == "map-elites"], threshold=THRESHOLD)
    finding, contrast = headline([found], threshold=THRESHOLD)
    assert finding.startswith("16 of 24")
    assert contrast == ""


def test_a_confidence_just_below_the_threshold_does_not_count(make_champions):
    table = make_champions()
    table["confidence"] = 0.99989999
    assert summarised(table, threshold=THRESHOLD).evolution.fooling == 0
