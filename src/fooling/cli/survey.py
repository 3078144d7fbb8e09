"""The human study: draw its images, build its page, simulate participants, compute its power, analyse answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from fooling.artifacts import require_file, write_bytes, write_folder, write_table, write_tables, write_text
from fooling.attacks.evolution.record import RunRecord
from fooling.attacks.record import TargetedRecord, load_attack
from fooling.classifiers.classifier import Classifier
from fooling.cli._files import open_classifier, read_named_runs
from fooling.datasets.dataset import Dataset, load_dataset
from fooling.figures.planned_survey import survey_power as draw_survey_power
from fooling.figures.style import as_pdf, as_png
from fooling.inputs import digest_of, read_text
from fooling.messages import FoolingError, say
from fooling.settings import read_settings
from fooling.survey.accuracy import ACCURACY, IMAGES, AnalysisSettings, accuracy_table, image_table
from fooling.survey.agreement import (
    AGREEMENT,
    CONFIDENCE,
    CONFUSION,
    CONSISTENCY,
    TRIALS,
    agreement_table,
    confidence_table,
    confusion_table,
    consistency_table,
    trials_table,
)
from fooling.survey.assembly import OWN_SCRIPTS, RecruitmentSettings, assemble_page, cards, installed_libraries
from fooling.survey.composition import (
    FOLDER,
    Condition,
    Context,
    Scorer,
    ascent_images_of,
    champions_of,
    compose,
    random_images_of,
    real_images_of,
)
from fooling.survey.questionnaire import Questionnaire, QuestionnaireSettings, load_questionnaire, save_questionnaire
from fooling.survey.responses import EXCLUSIONS, FILES, SYNTHETIC_FILES, File, kept_answers, parsed_responses
from fooling.survey.simulation import POWER, PowerSettings, SimulationSettings, power_table, simulated_files

PANEL = "Survey"


def survey_sample(
    *,
    study: str,
    classifier: Path,
    dataset: Path,
    settings: str = "{}",
    output: Path,
    runs: list[str] | None = None,
    ascents: list[Path] | None = None,
    architecture: list[str] | None = None,
    device: str = "auto",
) -> None:
    """Draw the images that people are shown, and write the questionnaire.

    The rule of selection looks at no image. The images are written as stored to the folder ``stimuli`` beside the
    questionnaire.

    Args:
        study: Name of the study.
        runs: A run whose champions and random images may be shown, as experiment=path; once for each.
        ascents: Files of gradient ascents on the same network, from `attack ascent`; once for each.
        settings: How many images, trials and options there are: JSON or a YAML file.
        output: Questionnaire to write, as JSON; its images go to the folder `stimuli` beside it.
    """
    checked = read_settings(QuestionnaireSettings, settings)
    network = open_classifier(classifier, device=device, architecture=architecture)
    data, evolved = load_dataset(dataset), read_named_runs(runs or [])
    ascended = [load_attack(path) for path in ascents or []]
    identity = {"name": network.name, "sha256": digest_of(classifier)}
    records: list[RunRecord | TargetedRecord] = [*(run for group in evolved.values() for run in group), *ascended]
    for record in records:
        _require_its_own(record, identity, data)
    context = Context(study=study, network=identity, scorer=_judge(network), dataset=data, settings=checked)
    questionnaire, pictures = compose(_conditions(evolved, ascended, data), context)
    write_folder(output.parent / FOLDER, pictures)
    save_questionnaire(output, questionnaire)
    say(f"{questionnaire.summary}; version {questionnaire.version}; written to {output}")


def _conditions(
    evolved: Mapping[str, Sequence[RunRecord]], ascended: Sequence[TargetedRecord], data: Dataset
) -> list[Condition]:
    """Return all conditions: champions, ascents, random images if there are runs of evolution, and real images."""
    champions = {name: champions_of(name, runs) for name, runs in evolved.items()}
    random = [image for name, runs in evolved.items() for image in random_images_of(name, runs)]
    return [
        *(Condition(name=name, kind="champion", candidates=images) for name, images in champions.items()),
        *(Condition(name=ascent.name, kind="ascent", candidates=ascent_images_of(ascent)) for ascent in ascended),
        *([Condition(name="noise", kind="noise", candidates=random)] if random else []),
        Condition(name="real", kind="real", candidates=real_images_of(data)),
    ]


def _judge(network: Classifier) -> Scorer:
    """Return the scorer of the network: its input is as in training, or with the mean image subtracted."""

    def confidences(images: NDArray[np.uint8], mean_subtracted: bool) -> NDArray[np.float32]:
        fed = network.with_mean_subtracted() if mean_subtracted else network
        scores: NDArray[np.float32] = fed.confidences(torch.from_numpy(images)).cpu().numpy()
        return scores

    return confidences


def _require_its_own(record: RunRecord | TargetedRecord, network: Mapping[str, str], data: Dataset) -> None:
    """Raise :class:`FoolingError` unless ``record`` attacks this network, and has the classes of the data set."""
    made_against = record.classifier["sha256"]
    if made_against != network["sha256"] or record.class_names != data.class_names:
        raise FoolingError(
            f"these images are not of the network {network['name']} and the data set {data.name}",
            found=f"images of {record.classifier['name']}, SHA-256 {made_against}, {len(record.class_names)} classes",
            expected=f"SHA-256 {network['sha256']}, {len(data.class_names)} classes of the same names",
        )


def survey_build(*, questionnaire: Path, packages: Path, settings: str = "{}", output: Path) -> None:
    """Build the page of a questionnaire: a folder to host, and one file that works offline.

    Args:
        questionnaire: Questionnaire that `survey sample` wrote, with the folder `stimuli` beside it.
        packages: Folder of npm packages, `node_modules`; `make survey` installs them.
        settings: Where participants go at the end: JSON or a YAML file.
        output: Folder to write.
    """
    _require_own_folder(output)
    recruitment = read_settings(RecruitmentSettings, settings)
    checked = load_questionnaire(questionnaire)
    libraries = installed_libraries(packages)
    page = assemble_page(checked, _images(checked, questionnaire.parent), libraries, recruitment)
    single = f"{checked.study}-survey.html"
    write_folder(output, {**page.files, single: page.single.encode()})
    if not checked.contact:
        say("no contact is set, and the page says so: set survey.contact before you ask people")
    say(f"{len(checked.stimuli)} images to ask about; open {output / single}, or host {output}")


def _require_own_folder(output: Path) -> None:
    """Raise :class:`FoolingError` for a folder with other files: a page replaces the whole content of its folder."""
    if output.is_dir() and any(output.iterdir()) and not (output / OWN_SCRIPTS[0]).is_file():
        raise FoolingError(
            f"{output} contains other files than a page",
            expected="an empty folder, or an earlier page",
            remedy="give another --output",
        )


def _images(questionnaire: Questionnaire, folder: Path) -> dict[str, bytes]:
    """Return the images beside the questionnaire, by their paths in it."""
    files = [card.file for card in cards(questionnaire)]
    for file in files:
        require_file(folder / file)
    return {file: (folder / file).read_bytes() for file in files}


def survey_simulate(*, questionnaire: Path, settings: str = "{}", output: Path) -> None:
    """Simulate participants who answer a questionnaire, to test the analysis.

    Write one response file for each participant, marked as synthetic.

    Args:
        questionnaire: Questionnaire that `survey sample` wrote.
        output: Folder for a response file of each participant.
        settings: Number of participants, and variation between people and images: JSON or a YAML file.
    """
    checked = read_settings(SimulationSettings, settings)
    asked = load_questionnaire(questionnaire)
    if output.is_dir() and (
        others := sorted(x.name for x in output.iterdir() if not x.name.startswith(SYNTHETIC_FILES))
    ):
        raise FoolingError(f"{output} contains other files", found=others[0], expected="only simulated answers")
    for name, text in simulated_files(asked, checked):
        write_text(output / name, text)
    say(f"{checked.participants} simulated participants; written to {output}")


def survey_power(*, settings: str = "{}", table: Path, png: Path, pdf: Path) -> None:
    """Simulate studies of every planned size, and compute how often they find the effect.

    Args:
        settings: Effect, margin, sizes, and variation between people and images: JSON or a YAML file.
        table: Table of the sizes to write.
        png: PNG file of the plot to write.
        pdf: PDF file of the plot to write.
    """
    found = power_table(read_settings(PowerSettings, settings))
    drawn = draw_survey_power(survey_power=found)
    write_table(table, found, POWER)
    write_bytes(png, as_png(drawn))
    write_bytes(pdf, as_pdf(drawn))
    say(f"{len(found)} sizes of a study simulated; written to {table}, {png} and {pdf}")


def survey_analyse(
    responses: Path,
    *,
    questionnaire: Path,
    settings: str = "{}",
    files: Path,
    exclusions: Path,
    accuracy: Path,
    images: Path,
    agreement: Path,
    confidence: Path,
    confusion: Path,
    consistency: Path,
    trials: Path,
) -> None:
    """Analyse the answers: accuracy beside chance, single images, agreement, confidence.

    Response files in the folder ``responses`` that cannot be read are listed, not counted.

    Args:
        responses: Folder with the response files, CSV or JSON; invalid ones are refused and listed.
        questionnaire: Questionnaire that was answered, from `survey sample`.
        settings: Rules of exclusion, margin, and how intervals are made: JSON or a YAML file.
        files: Table of all response files, with the reason if one is refused, to write.
        exclusions: Table of the excluded answers to write.
        accuracy: Table of the accuracy per block and condition to write.
        images: Table of the single images to write.
        agreement: Table of the agreement between people to write.
        confidence: Table of the agreement with the network's confidence to write.
        confusion: Table of the answers to the images of each class to write.
        consistency: Table of the error consistency between people to write.
        trials: Table of all answers, in the columns of model-vs-human, to write.
    """
    checked, asked = read_settings(AnalysisSettings, settings), load_questionnaire(questionnaire)
    taken, listed = _read_folder(responses, asked)
    kept = kept_answers(pd.concat(taken, ignore_index=True), checked)
    if kept.answers.empty:
        rules = Counter(kept.exclusions["rule"])
        raise FoolingError(
            f"{responses}: no answers are left to analyse",
            found=", ".join(f"{count} left out: {rule}" for rule, count in rules.items()) or "catch cards alone",
        )
    table = image_table(kept.answers, asked, checked)
    write_tables(
        (files, listed, FILES),
        (exclusions, kept.exclusions, EXCLUSIONS),
        (accuracy, accuracy_table(kept.answers, asked, checked), ACCURACY),
        (images, table, IMAGES),
        (agreement, agreement_table(kept.answers, asked, checked), AGREEMENT),
        (confidence, confidence_table(table, checked), CONFIDENCE),
        (confusion, confusion_table(kept.answers, asked), CONFUSION),
        (consistency, consistency_table(kept.answers, asked, checked), CONSISTENCY),
        (trials, trials_table(kept.answers, asked), TRIALS),
    )
    people = kept.answers["participant"].nunique()
    of = "simulated answers" if taken[0]["synthetic"].any() else "answers"
    refused = f"{int((~listed['accepted']).sum())} files refused"
    say(f"{len(kept.answers)} {of} of {people} participants analysed, {refused}; written to {accuracy}")


def _read_folder(folder: Path, asked: Questionnaire) -> tuple[list[pd.DataFrame], pd.DataFrame]:
    """Return the answers of every accepted file, and the list of all files; report those that are refused.

    Raises :class:`FoolingError` if no file is accepted, or if the folder mixes people's answers with simulated ones.
    """
    taken: dict[Path, pd.DataFrame] = {}
    reasons: dict[Path, str] = {}
    file_of: dict[str, Path] = {}
    for path in _files_in(folder):
        try:
            table = _read_file(path, asked)
            if again := sorted(set(table["participant"]) & set(file_of)):
                first = file_of[again[0]]
                raise FoolingError(f"{path} repeats the answers of a participant", found=f"those in {first}")
        except FoolingError as error:
            reasons[path] = str(error)
            say(f"refused: {error}")
        else:
            taken[path] = table
            file_of |= dict.fromkeys(table["participant"], path)
    if not taken:
        problem, found = f"{folder} holds no response file that can be read", f"{len(reasons)} files, all refused"
        raise FoolingError(problem, found=found, expected="a CSV or JSON file of the page")
    _require_one_kind(taken, folder)
    told = {path: " ".join(reasons.get(path, "").split()) for path in sorted([*taken, *reasons])}
    rows = [(_in_utf8(path.name), path in taken, len(taken.get(path, ())), _in_utf8(why)) for path, why in told.items()]
    return list(taken.values()), pd.DataFrame(rows, columns=FILES.names)


def _in_utf8(text: str) -> str:
    """Escape the bytes of a file name that are not UTF-8."""
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _files_in(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise FoolingError(f"{folder} cannot be read", found=error.strerror, expected="a folder") from None


def _read_file(path: Path, asked: Questionnaire) -> pd.DataFrame:
    """Return the answers in one file; raise :class:`FoolingError` with the reason if it is refused."""
    kinds: dict[str, File] = {".csv": "csv", ".json": "json"}
    if (kind := kinds.get(path.suffix.lower())) is None:
        raise FoolingError(f"{path} is no response file", found=path.suffix or "no ending", expected=".csv or .json")
    require_file(path)
    table = parsed_responses(read_text(path), kind=kind, source=path, questionnaire=asked)
    if table["synthetic"].any() != path.name.startswith(SYNTHETIC_FILES):
        raise FoolingError(
            f"{path} does not say clearly whether its answers are simulated",
            found=f"format {table['format'].iloc[0]} in a file of this name",
            expected=f"the beginning {SYNTHETIC_FILES} in the names of files with simulated answers, and in no others",
        )
    return table


def _require_one_kind(taken: dict[Path, pd.DataFrame], folder: Path) -> None:
    simulated = [bool(table["synthetic"].any()) for table in taken.values()]
    if len(set(simulated)) > 1:
        raise FoolingError(
            f"{folder} mixes answers of people with simulated ones",
            found=f"{sum(simulated)} of {len(simulated)} files are simulated",
            remedy="keep each kind in a folder of its own",
        )
