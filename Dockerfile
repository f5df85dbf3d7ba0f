# The environment of `make setup` in a container, and Snakemake as what it runs. The project itself is
# mounted over /project, so that its code, recordings and results are those of your folder:
#
#   docker build --tag rawtone .
#   docker run --rm --init --stop-timeout 120 --user "$(id -u):$(id -g)" --volume "$PWD:/project" rawtone
#
# docs/container.md has Podman and Apptainer, too.
FROM debian:bookworm-slim

RUN apt-get update \
  && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
    ca-certificates git make python3 python3-venv \
  && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home rawtone && install --directory --owner rawtone /project /opt/rawtone
USER rawtone

COPY requirements.lock /opt/rawtone/
RUN python3 -m venv /opt/rawtone/venv \
  && /opt/rawtone/venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps \
    --require-hashes --requirement /opt/rawtone/requirements.lock

COPY --chown=rawtone pyproject.toml README.md LICENSE /project/
COPY --chown=rawtone src /project/src/
RUN /opt/rawtone/venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps \
  --no-build-isolation --editable /project

# Whoever runs it may have no name and no home in here.
ENV PATH=/opt/rawtone/venv/bin:$PATH HOME=/tmp USER=rawtone
WORKDIR /project
ENTRYPOINT ["snakemake"]
