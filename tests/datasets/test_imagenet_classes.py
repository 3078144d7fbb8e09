import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooling.artifacts import read_table
from fooling.datasets.imagenet_classes import IMAGENET_CLASSES, WORDNET_ID, ClassList, class_list
from fooling.errors import FoolingError

SOURCE = "classes.csv"


def listed(*classes: tuple[str, str]) -> ClassList:
    table = pd.DataFrame([(index, *row) for index, row in enumerate(classes)], columns=IMAGENET_CLASSES.names)
    return class_list(table, source=SOURCE)


def test_a_class_is_called_by_the_first_of_its_synonyms():
    classes = listed(("n01440764", "tench, Tinca tinca"), ("n02099601", "golden retriever"))
    assert classes.wnids == ("n01440764", "n02099601")
    assert classes.names == ("tench", "golden retriever")


def test_classes_that_share_a_name_are_told_apart():
    classes = listed(
        ("n02012849", "crane"), ("n03126707", "crane"), ("n03710637", "maillot"), ("n03710721", "maillot, tank suit")
    )
    assert classes.names == ("crane (n02012849)", "crane (n03126707)", "maillot", "maillot, tank suit")


def test_part_of_the_classes_stays_in_order():
    classes = listed(("n00000001", "a"), ("n00000002", "b"), ("n00000003", "c"))
    assert classes.part({"n00000003", "n00000001"}) == ClassList(wnids=("n00000001", "n00000003"), names=("a", "c"))


WORDS = st.sampled_from(["crane", "maillot", "maillot, tank suit", "tench, Tinca tinca", "crane, bird", "cat"])


@given(st.lists(WORDS, min_size=1, max_size=30))
def test_names_are_always_unique_and_begin_with_the_first_synonym(names):
    classes = listed(*((f"n{number:08}", name) for number, name in enumerate(names)))
    assert len(set(classes.names)) == len(names)
    for name, told in zip(names, classes.names, strict=True):
        assert told.startswith(name.partition(",")[0])


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([(1, "n00000001", "a")], r"class 1 (.|\n)*found: index 1\n  expected: index 0"),
        ([(0, "n00000001", "a"), (2, "n00000002", "b")], r"class 2 (.|\n)*index 1: from 0 up"),
        ([(0, "n0000001", "a")], "a WordNet id"),
        ([(0, "n000000011", "a")], "a WordNet id"),
        ([(0, "n00000002", "a"), (1, "n00000001", "b")], "n00000001 after n00000002"),
        ([(0, "n00000001", "a"), (1, "n00000001", "b")], "every id once"),
        ([(0, "n00000001", " , b")], r"found: name ', b'"),
    ],
)
def test_a_list_that_is_none_is_refused_with_its_row(rows, complaint):
    with pytest.raises(FoolingError, match=complaint):
        class_list(pd.DataFrame(rows, columns=IMAGENET_CLASSES.names), source=SOURCE)


def test_the_real_list_has_a_thousand_unique_names(real_data):
    path = real_data / "imagenet_classes.csv"
    classes = class_list(read_table(path, IMAGENET_CLASSES), source=path)
    assert len(set(classes.names)) == len(classes.wnids) == 1000
    assert classes.names[0] == "tench"
    assert classes.names[134] == "crane (n02012849)"
    assert classes.names[638:640] == ("maillot", "maillot, tank suit")
    assert all(map(WORDNET_ID.fullmatch, classes.wnids))
