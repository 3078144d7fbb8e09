import base64
import io

import numpy as np
from PIL import Image

from fooling.report.pictures import galleries, gallery


def decoded(uri):
    head, _, content = uri.partition(",")
    assert head == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))).convert("L"))


def test_a_gallery_holds_the_very_images_with_class_and_confidence(make_run, make_examined):
    runs = [make_run(1), make_run(2)]
    shown = gallery("direct", runs, make_examined())
    assert list(shown.rows) == [1, 2]
    pictures = shown.rows[2]
    assert [picture.class_name for picture in pictures] == ["zero", "one", "<two>"]
    assert [picture.confidence for picture in pictures] == ["≥ 99.99 %", "≥ 99.99 %", "40.00 %"]
    assert np.array_equal(decoded(pictures[1].source), runs[1].images[1, 0])
    assert (shown.classifier, shown.encoding, shown.evaluations) == ("lenet-a", "direct encoding", 4200)


def test_small_images_keep_sharp_pixels(make_run, make_examined):
    assert gallery("direct", [make_run(1, side=28)], make_examined()).rows[1][0].is_coarse
    assert not gallery("direct", [make_run(1, side=96)], make_examined()).rows[1][0].is_coarse


def test_each_classifier_has_its_own_gallery(make_run):
    runs = {"direct": [make_run(1), make_run(2), make_run(1, classifier="lenet-b")], "cppn": [make_run(1)]}
    found = [(each.experiment, each.classifier, list(each.rows)) for each in galleries(runs, None)]
    assert found == [("direct", "lenet-a", [1, 2]), ("direct", "lenet-b", [1]), ("cppn", "lenet-a", [1])]
    assert all(each.proxies == () for each in galleries(runs, None))


def test_proxies_compare_champions_with_real_images(make_run, make_examined):
    independent, distance = gallery("direct", [make_run(1)], make_examined()).proxies
    assert "The independent classifier lenet-b gives the same label to 6 of 24 champions" in independent
    assert "and to 2 of 2 real test images" in independent
    assert "0.40" in distance
    assert "0.15" in distance


def test_without_another_network_only_the_distance_is_told(make_run, make_examined):
    examined = make_examined().assign(independent=None)
    (sentence,) = gallery("direct", [make_run(1)], examined).proxies
    assert "nearest training image" in sentence


def test_without_training_images_no_distance_is_told(make_run, make_examined):
    examined = make_examined().assign(nearest_distance=np.nan)
    (sentence,) = gallery("direct", [make_run(1)], examined).proxies
    assert "lenet-b" in sentence


def test_champions_of_other_networks_and_experiments_do_not_count(make_run, make_examined):
    import pandas as pd

    table = make_examined()
    more = pd.concat([table, make_examined(classifier="lenet-b"), make_examined("cppn")])
    assert gallery("direct", [make_run(1)], more).proxies == gallery("direct", [make_run(1)], table).proxies
