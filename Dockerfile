# `make run` in a container, on an address that is reachable from outside.
FROM python:3.11-slim-bookworm

RUN apt-get update \
    && apt-get install --yes --no-install-recommends make \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 thunder \
    && install --directory --owner thunder /srv/thunder /srv/thunder/.thunder

USER thunder
WORKDIR /srv/thunder

# Packages come first, because they change less often than the code.
COPY --chown=thunder Makefile requirements.lock requirements-parquet.lock ./
RUN make .venv/.runtime

COPY --chown=thunder manage.py ./
COPY --chown=thunder core ./core
COPY --chown=thunder functions ./functions
COPY --chown=thunder sql ./sql
# For the printed commands and `manage.py demo`.
COPY --chown=thunder docs/samples ./docs/samples
COPY --chown=thunder docs/labelled/traces.ndjson.gz ./docs/labelled/

ENV APP_HOST=0.0.0.0
EXPOSE 6767
HEALTHCHECK --interval=10s --timeout=4s --start-period=30s \
    CMD ["/srv/thunder/.venv/bin/python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:6767/healthz', timeout=3)"]
CMD ["make", "run"]
