# The package and the workflow, for `fooling audit` and for whole studies (docs/containers.md).
#   docker build --tag fooling .
#   docker run --rm --user "$(id -u)" --volume "$PWD:/study" fooling snakemake --snakefile /opt/fooling/Snakefile --cores all
FROM python:3.11-slim-bookworm

# Another index of packages, such as one with a PyTorch without CUDA, which makes the image much smaller.
ARG PIP_EXTRA_INDEX_URL=""

WORKDIR /opt/fooling
COPY pyproject.toml constraints.txt README.md LICENSE MANIFEST.in CITATION.cff Snakefile ./
COPY src src
RUN pip install --no-cache-dir --constraint constraints.txt '.[study]'
COPY workflow workflow
COPY rules rules
COPY sharing sharing
COPY config config
COPY profiles profiles
COPY envs envs
COPY examples examples
COPY docs/captions docs/captions

# Any user can run it: what is written outside of /study goes to /tmp.
ENV HOME=/tmp OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE
WORKDIR /study
USER 65534:65534
CMD ["fooling", "--help"]
