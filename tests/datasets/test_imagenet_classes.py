import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooling.artifacts import read_table
from fooling.datasets.imagenet_classes import IMAGENET_CLASSES, WORDNET_ID, ClassList, class_list, class_names_in
from fooling.messages import FoolingError

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


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("names.txt", "safe\n\nnsfw, or so\n  third \n"),
        ("names", "\ufeffsafe\r\nnsfw, or so\r\nthird"),
        ("names.csv", 'name\nsafe\n"nsfw, or so"\nthird\n'),
        ("names.csv", 'index,name\n0,safe\n1,"nsfw, or so"\n2,third\n'),
        ("names.csv", '\ufeffname , index, colour\nthird,2,red\n"nsfw, or so",1,\nsafe,0,blue\n'),
    ],
)
def test_names_are_read_from_lines_and_from_tables(tmp_path, file, text):
    (tmp_path / file).write_text(text, newline="")
    assert class_names_in(tmp_path / file) == ("safe", "nsfw, or so", "third")


def test_the_list_of_imagenet_names_its_classes_as_in_a_data_set(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text('index,wnid,name\n0,n00000001,"crane, bird"\n1,n00000002,crane\n2,n00000003,"cat, house cat"\n')
    assert class_names_in(path) == ("crane, bird", "crane", "cat")


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("a.txt", "cat\ndog\ncat\n", r"a name twice(.|\n)*found: 'cat' \(2 times\)"),
        ("a.csv", "name\ncat\ndog\ncat\n", r"'cat' \(2 times\)"),
        ("a.csv", "index,name\n0,cat\n1,\n", r"an empty one(.|\n)*'' \(1 times\)"),
        ("a.csv", "index,name\n1,cat\n2,dog\n", r"found: index '2'\n  expected: 0 to 1, each once"),
        ("a.csv", "index,name\n0,cat\n0,dog\n", "an index twice"),
        ("a.csv", "index,name\nzero,cat\n1,dog\n", "index 'zero'"),
        ("a.csv", "cat\ndog\n", r"found: the columns cat\n(.|\n)*a first line with the column name"),
        ("a.csv", "", "the columns of an empty file"),
        ("a.txt", "cat\n", "1 names"),
    ],
)
def test_a_list_of_names_that_is_none_is_refused(tmp_path, file, text, complaint):
    (tmp_path / file).write_text(text)
    with pytest.raises(FoolingError, match=complaint):
        class_names_in(tmp_path / file)
