"""The tables of the networks: their training, their errors, their confidences in real images."""

from __future__ import annotations

from fooling.columns import COUNT, NOT_NEGATIVE, NUMBER, SHARE, TEXT, Column, Form, one_of

TRAINING = Form(
    columns={"classifier": TEXT, "iteration": COUNT, "train_loss": NOT_NEGATIVE, "test_error": SHARE},
    keys=("classifier", "iteration"),
    may_be_empty=True,
)
CLASSIFIERS = Form(
    columns={
        "classifier": TEXT,
        "dataset": TEXT,
        "architecture": TEXT,
        "crop": COUNT.or_nothing,
        "views": one_of("centre", "ten"),
        "seed": COUNT.or_nothing,
        "iterations": COUNT.or_nothing,
        "test_images": COUNT,
        **dict.fromkeys(("test_error", "test_error_low", "test_error_high"), SHARE),
        **dict.fromkeys(("top5_error", "top5_error_low", "top5_error_high"), SHARE.or_nothing),
        **dict.fromkeys(("published_error", "published_top5_error"), SHARE.or_nothing),
        "published_source": TEXT.or_nothing,
    },
    keys=("classifier",),
)
CALIBRATION = Form(
    columns={
        "classifier": TEXT,
        "temperature": Column(kind="number", least=0.001, most=1000).or_nothing,
        "calibration_images": COUNT,
        "evaluation_images": COUNT,
        "nll_before": NOT_NEGATIVE.or_nothing,
        "nll_after": NOT_NEGATIVE.or_nothing,
        "ece_before": SHARE.or_nothing,
        "ece_after": SHARE.or_nothing,
    },
    keys=("classifier",),
)
REAL = Form(
    columns={
        "classifier": TEXT,
        "image": COUNT,
        "split": one_of("calibration", "evaluation"),
        "label": COUNT,
        "predicted": COUNT,
        "confidence": SHARE,
        "calibrated_confidence": SHARE.or_nothing,
        "log_odds": NUMBER,
    },
    keys=("classifier", "image"),
)
