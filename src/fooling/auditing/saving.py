"""The files of an audit: ``index.html``, ``audit.json``, and one PNG for each image that was found."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from fooling.auditing.audit import AuditResult, SearchResult
from fooling.auditing.page import audit_page
from fooling.formatting import percent
from fooling.images import png_bytes

VERSION = 1  # of audit.json
LEAST_SIDE = 112  # pixels of a picture; smaller images are enlarged by a whole number
CURVE_POINTS = 200  # points of a curve in audit.json at most


def files_of(result: AuditResult) -> dict[str, bytes]:
    """Return the content of every file of an audit, by path below its folder."""
    files = {
        "index.html": audit_page(result).encode(),
        "audit.json": (json.dumps(as_json(result), indent=1, allow_nan=False) + "\n").encode(),
    }
    for search in result.searches:
        for index, image in enumerate(search.images):
            files[f"images/{search.name}/{picture_name(result, search, index)}"] = enlarged(image)
    return files


def as_json(result: AuditResult) -> dict[str, Any]:
    """Return an audit as JSON values; ``docs/audit.md`` describes the keys."""
    threshold = result.settings.threshold
    return {
        "version": VERSION,
        "network": result.name,
        "classes": list(result.class_names),
        "input_shape": list(result.input_shape),
        "scores": result.scores,
        "log_odds_limited": result.scores != "logits",
        "settings": result.settings.model_dump(mode="json"),
        "summary": result.sentences(),
        "remarks": list(result.remarks),
        "single_images": [
            {
                "kind": single.kind,
                "images": single.images,
                "median_confidence": single.median_confidence,
                "fooling": single.fooling,
            }
            for single in result.single
        ],
        "searches": [_search(result, search, threshold) for search in result.searches],
        "provenance": result.provenance,
    }


def picture_name(result: AuditResult, search: SearchResult, index: int) -> str:
    """Return the file name of an image: the number and name of its class, and the confidence, rounded down."""
    number = int(search.classes[index])
    plain = re.sub(r"[^A-Za-z0-9]+", "-", result.class_names[number]).strip("-")[:40] or "class"
    sure = percent(float(search.confidences[index])).removeprefix("≥ ").removesuffix(" %")
    return f"{number:04d}-{plain}-{sure}.png"


def enlarged(image: Any) -> bytes:
    """Return a uint8 image (C, H, W) as a PNG file, small ones enlarged."""
    return png_bytes(image, zoom=max(1, -(-LEAST_SIDE // max(image.shape[1:]))))


def _search(result: AuditResult, search: SearchResult, threshold: float) -> dict[str, Any]:
    points = np.unique(np.linspace(0, len(search.evaluations) - 1, CURVE_POINTS).astype(int))
    kept = search.history[points].astype(np.float64)
    return {
        "name": search.name,
        "title": search.title,
        "control": search.control or None,
        "classes_searched": len(search.classes),
        "fooled": search.fooled(threshold),
        "first_evaluation": search.first(threshold),
        "evaluations": int(search.evaluations[-1]),
        "median_confidence": float(np.median(search.confidences)),
        "images": [
            {
                "class": int(search.classes[index]),
                "confidence": float(search.confidences[index]),
                "log_odds": float(search.log_odds[index]),
                "file": f"images/{search.name}/{picture_name(result, search, index)}",
            }
            for index in range(len(search.images))
        ],
        "curve": {
            "evaluations": search.evaluations[points].tolist(),
            "median_confidence": np.median(kept, axis=1).tolist(),
            "fooled": (kept >= threshold).sum(axis=1).tolist(),
        },
    }
