# The detector as a command, with its training code. models/ is what `dvc repro` (or `dvc pull`) leaves, so
# that comes first:
#
#   make repro
#   docker build -t avfake .
#   docker run --rm -v "$PWD/clips:/data:ro" avfake score /data/clip.mp4
#   docker run --rm -it -v "$PWD/clips:/data:ro" --entrypoint bash avfake      # dvc repro, avfake --help, ...
FROM debian:bookworm-slim

# git for DVC; libgl1 and libglib2.0-0 for opencv-python.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git libgl1 libglib2.0-0 python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home avfake && install -d -o avfake -g avfake /app
USER avfake
WORKDIR /app

# Packages first, so that a change of the source does not install them again. requirements-run.lock leaves out
# the tools of development and what the default data set alone needs: one of those must not be redistributed.
COPY --chown=avfake requirements-uv.lock requirements-run.lock ./
ENV VIRTUAL_ENV=/app/.venv
ENV PATH=/app/.venv/bin:$PATH
RUN python3 -m venv .venv \
    && pip install --no-cache-dir --require-hashes -r requirements-uv.lock \
    && uv pip sync --no-cache --require-hashes --compile-bytecode requirements-run.lock

COPY --chown=avfake pyproject.toml README.md LICENSE ./
COPY --chown=avfake src src
RUN uv pip install --no-cache --no-deps --no-build-isolation -e .

COPY --chown=avfake .dvc/config .dvc/config
COPY --chown=avfake .dvcignore params.yaml dvc.yaml dvc.lock ./
COPY --chown=avfake data/dvc.yaml data/dvc.yaml
COPY --chown=avfake teachers/none teachers/none
RUN dvc config --local core.no_scm true

COPY --chown=avfake models models

ENTRYPOINT ["avfake"]
CMD ["--help"]
