# Build stage: wheels from the hash-locked requirements, then our own.
ARG PYTHON_IMAGE=python:3.13-slim-trixie
FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
COPY requirements.txt pyproject.toml README.md LICENSE ./
RUN python -m venv /opt/cdshooks \
 && /opt/cdshooks/bin/pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: -r requirements.txt
COPY cdshooks cdshooks
RUN /opt/cdshooks/bin/pip install --no-cache-dir --no-deps .

# Run stage: no compiler, no package cache, a user without rights.
FROM ${PYTHON_IMAGE}
COPY --from=build /opt/cdshooks /opt/cdshooks
ENV PATH=/opt/cdshooks/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
ENTRYPOINT ["cdshooks"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
