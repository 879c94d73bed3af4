# The detector as a command and as a service, with its training code. models/ is what `dvc repro` (or
# `dvc pull`) leaves, so that comes first:
#
#   make repro
#   docker build -t avfake .
#   docker run --rm -v "$PWD/clips:/data:ro" avfake score /data/clip.mp4
#   docker run --rm --read-only --tmpfs /tmp -v avfake-state:/state -p 127.0.0.1:8000:8000 avfake serve
#   docker run --rm -it -v "$PWD/clips:/data:ro" --entrypoint bash avfake      # dvc repro, avfake --help, ...
#
# docs/container.md says more; scripts/check_image.py builds and tries it where there is no engine.
FROM debian:bookworm-slim

# git for DVC; libgl1 and libglib2.0-0 for opencv-python.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git libgl1 libglib2.0-0 python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*

# /state is what a service keeps between starts.
RUN useradd --create-home avfake && install -d -o avfake -g avfake /app /state
USER avfake
WORKDIR /app

# Packages first, so that a change of the source does not install them again. requirements-run.lock has the
# extra `serve` and leaves out the tools of development and what the default data set alone needs: one of
# those must not be redistributed.
COPY --chown=avfake requirements-uv.lock requirements-run.lock ./
ENV VIRTUAL_ENV=/app/.venv
ENV PATH=/app/.venv/bin:$PATH
RUN python3 -m venv .venv \
    && pip install --no-cache-dir --require-hashes -r requirements-uv.lock \
    && uv pip sync --no-cache --require-hashes --compile-bytecode requirements-run.lock

COPY --chown=avfake pyproject.toml README.md LICENSE ./
COPY --chown=avfake src src
RUN uv pip install --no-cache --no-deps --no-build-isolation -e . \
    && python -m compileall -q src

COPY --chown=avfake .dvc/config .dvc/config
COPY --chown=avfake .dvcignore params.yaml dvc.yaml dvc.lock ./
COPY --chown=avfake data/dvc.yaml data/dvc.yaml
COPY --chown=avfake teachers/none teachers/none
RUN dvc config --local core.no_scm true

COPY --chown=avfake models models

# A read-only root will do: what libraries want to keep goes to /tmp, nothing beside the source.
ENV XDG_CACHE_HOME=/tmp/cache NUMBA_CACHE_DIR=/tmp/numba MPLCONFIGDIR=/tmp/matplotlib PYTHONDONTWRITEBYTECODE=1
# Inside a container all addresses are its own; which of them the world sees is said by `-p`.
ENV AVFAKE_HOST=0.0.0.0 AVFAKE_STATE=/state
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=2m CMD ["python", "-m", "avfake.service.health"]

ARG REVISION=unknown
LABEL org.opencontainers.image.title="avfake" \
      org.opencontainers.image.description="Tells whether an audio-video clip is a deepfake, and how sure it is" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.base.name="docker.io/library/debian:bookworm-slim"

ENTRYPOINT ["avfake"]
CMD ["--help"]
