# The server in a container: docker build -t fakeflowdock . && docker run --rm -p 127.0.0.1:8080:8080 fakeflowdock
#
# Options are arguments (docker run … fakeflowdock --tls) or variables (-e FAKEFLOWDOCK_TLS=true). The root file system
# may be read-only: only /state is written, by --state and --save-on-exit.

FROM python:3.13-slim AS build
COPY . /src
RUN python -m venv /opt/fakeflowdock && /opt/fakeflowdock/bin/pip install --no-cache-dir "/src[redis]"

FROM python:3.13-slim
COPY --from=build /opt/fakeflowdock /opt/fakeflowdock
COPY docs/deploy/healthy.py /opt/fakeflowdock/healthy.py
RUN useradd --uid 10001 --user-group --no-create-home fakeflowdock && install -d -o fakeflowdock -g fakeflowdock -m 0700 /state
# TMPDIR: where a certificate is written for TLS. Containers have /dev/shm even if everything else is read-only.
ENV PATH=/opt/fakeflowdock/bin:/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 TMPDIR=/dev/shm
ENV FAKEFLOWDOCK_HOST=0.0.0.0 FAKEFLOWDOCK_PORT=8080 FAKEFLOWDOCK_JSON=true
USER 10001:10001
WORKDIR /state
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --start-period=10s CMD ["python", "/opt/fakeflowdock/healthy.py"]
ENTRYPOINT ["fakeflowdock"]
