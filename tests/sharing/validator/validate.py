"""Validate an RO-Crate without a network; run by the Python of the validator's own environment.

The validator looks up the JSON-LD context of RO-Crate 1.1 in its HTTP cache, where this script puts the copy that the
package rocrate contains.
"""

import importlib.resources
import io
import subprocess
import sys
import tempfile
from pathlib import Path

import requests
import urllib3
from requests.adapters import BaseAdapter
from requests_cache import CachedSession

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
PROFILES = ("workflow-run-crate",)


class Copy(BaseAdapter):
    """Answer each request with the context of RO-Crate 1.1."""

    def send(self, request, **options):
        """Return the answer to a request."""
        content = importlib.resources.files("rocrate").joinpath("data/ro-crate.jsonld").read_bytes()
        assert f'"@id": "{CONTEXT}"'.encode() in content
        headers = {"Content-Type": "application/ld+json"}
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = 200, request.url, request
        answer.headers.update(headers)
        answer.raw = urllib3.HTTPResponse(io.BytesIO(content), headers, 200, preload_content=False)
        return answer

    def close(self):
        """Do nothing."""


def main(crate: str) -> int:
    """Return 0 if the crate follows all profiles."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder, "cache")
        with CachedSession(str(cache), backend="sqlite", expire_after=-1) as session:
            session.mount("https://", Copy())
            session.get(CONTEXT)
        command = [str(Path(sys.executable).with_name("rocrate-validator")), "--no-interactive", "--disable-color"]
        options = ["--offline", "--cache-path", str(cache), "--no-paging", "--verbose"]
        for profile in PROFILES:
            chosen = ["--profile-identifier", profile]
            if code := subprocess.run([*command, "validate", crate, *chosen, *options, *sys.argv[2:]]).returncode:
                return code
    return 0


sys.exit(main(sys.argv[1]))
