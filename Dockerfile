# The image of the service: `docker build -t cdshooks .`; `make image-check` builds and runs it where there is no engine.
# The digest belongs to tag 3.13-slim-trixie. To move on: docker buildx imagetools inspect python:3.13-slim-trixie, then
# docker build --build-arg PYTHON_IMAGE=python:3.13-slim-trixie@sha256:...
ARG PYTHON_IMAGE=python:3.13-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1 SOURCE_DATE_EPOCH=1700000000
WORKDIR /src
# The environment gets no installer of its own; the tools stay behind in this stage.
COPY requirements.txt requirements-image.txt ./
RUN python -m venv --without-pip /opt/cdshooks \
 && python -m venv /tmp/tools \
 && /tmp/tools/bin/pip install --no-deps --require-hashes --only-binary :all: -r requirements-image.txt \
 && /tmp/tools/bin/pip --python /opt/cdshooks/bin/python install --no-compile --no-deps --require-hashes --only-binary :all: -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY cdshooks cdshooks
RUN /tmp/tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /tmp/wheel . \
 && /tmp/tools/bin/pip --python /opt/cdshooks/bin/python install --no-compile --no-deps --no-index /tmp/wheel/*.whl \
 && /tmp/tools/bin/cyclonedx-py environment --output-reproducible --pyproject pyproject.toml \
      --output-file /opt/cdshooks/sbom.cdx.json /opt/cdshooks/bin/python
COPY scripts/slim_environment.py /tmp/
RUN PYTHONPYCACHEPREFIX=/opt/cdshooks/bytecode /opt/cdshooks/bin/python /tmp/slim_environment.py && mkdir /tmp/state

# Run stage: no compiler, no installer in the environment, a user without rights; no shell is ever called.
FROM ${PYTHON_IMAGE}
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="cdshooks" \
      org.opencontainers.image.description="Decision support beside an order for HER2-positive metastatic breast cancer (CDS Hooks, FHIR R4)" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="docker.io/library/python:3.13-slim-trixie"
COPY --from=build /opt/cdshooks /opt/cdshooks
# Only the default SQLite store and its key are written here; with PostgreSQL and CDSHOOKS_HASH_KEY_FILE it stays empty.
COPY --from=build --chown=10001:10001 /tmp/state /var/lib/cdshooks
ENV PATH=/opt/cdshooks/bin:$PATH XDG_STATE_HOME=/var/lib PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 PYTHONPYCACHEPREFIX=/opt/cdshooks/bytecode CDSHOOKS_REVISION=${REVISION}
VOLUME /var/lib/cdshooks
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
ENTRYPOINT ["cdshooks"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
