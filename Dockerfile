FROM python:3.12-slim AS build
WORKDIR /src
COPY requirements.lock ./
RUN python3 -m venv /opt/latchwork && \
    /opt/latchwork/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN /opt/latchwork/bin/pip install --no-cache-dir --no-deps .

FROM python:3.12-slim
COPY --from=build /opt/latchwork /opt/latchwork
RUN useradd --system --uid 8700 --home-dir /data --create-home latchwork
ENV PATH=/opt/latchwork/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    LATCHWORK_HOST=0.0.0.0 \
    LATCHWORK_PORT=8700 \
    LATCHWORK_DATABASE_URL=sqlite:////data/latchwork.sqlite3
USER 8700
VOLUME /data
EXPOSE 8700
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s CMD ["latchwork", "health"]
ENTRYPOINT ["latchwork"]
CMD ["serve"]
