"""Write the generated files: the default study, the JSON schema, the table of settings and the list of claims."""

from __future__ import annotations

from pathlib import Path

from fooling.artifacts import write_text
from fooling.claims.claim import Claims
from fooling.claims.documentation import claims_documentation
from fooling.findings.registry import every_table
from fooling.progress import say
from fooling.settings import read_settings
from fooling.study.default import default_study
from fooling.study.documentation import commented_yaml, json_schema, settings_table
from fooling.study.settings import StudySettings
from fooling.study.tables_documentation import tables_documentation

DEFAULT_STUDY_HEADER = """\
# yaml-language-server: $schema=schema.json
# The default study, written by `fooling write-config`. To make a study of your own, copy this file and give it a name.
# Every key is explained where it stands first, and may be left out where it has a default (docs/settings.md).

"""
SETTINGS_PAGE_HEADER = """\
# Settings

Every key of a study file. This page is written by `fooling write-config` from the settings classes themselves.
A file holds a whole study: `config/config.yaml` is the default one, `--configfile` names another.

"""


def write_config(*, folder: Path = Path()) -> None:
    """Write the generated files below ``folder``; the claims are those of its ``config/claims.yaml``.

    Args:
        folder: Folder of the repository.
    """
    claims = read_settings(Claims, str(folder / "config" / "claims.yaml"))
    written = {
        Path("config/config.yaml"): DEFAULT_STUDY_HEADER + commented_yaml(default_study()),
        Path("config/schema.json"): json_schema(StudySettings),
        Path("docs/settings.md"): SETTINGS_PAGE_HEADER + settings_table(StudySettings),
        Path("docs/claims.md"): claims_documentation(claims),
        Path("docs/tables.md"): tables_documentation(every_table()),
    }
    for path, text in written.items():
        write_text(folder / path, text)
    say(f"written: {', '.join(map(str, written))}")
