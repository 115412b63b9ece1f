# The API with its page. `docker compose up` runs it beside a Qdrant server; alone it keeps its own store in /data.
FROM python:3.11.14-slim-bookworm

# Further flags for pip: with an index of CPU builds of torch the image is some 4 GB smaller.
ARG PIP_FLAGS=""

ENV PYTHONUNBUFFERED=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1

WORKDIR /app

# What it stands on first, in a layer of its own: it changes seldom and is large. An editable install is one path, so
# the code itself can follow.
COPY pyproject.toml ./
COPY constraints/ constraints/
RUN pip install ${PIP_FLAGS} --constraint constraints/py311.txt --editable .

COPY search/ search/
COPY classifier/ classifier/
COPY indexer/ indexer/
COPY api/ api/
COPY vitrine/ vitrine/
COPY ui/ ui/

# Not root, and nothing to write to but /data.
RUN useradd --uid 10001 --create-home vitrine && install --directory --owner vitrine /data
USER vitrine

ENV VITRINE_DATA=/data \
    VITRINE_HOST=0.0.0.0 \
    VITRINE_PORT=8000
VOLUME /data
EXPOSE 8000

HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=4)"]

ENTRYPOINT ["vitrine"]
CMD ["serve"]
