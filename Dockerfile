# The image of sidecar and aggregator, for `docker build .` or `podman build .`.
#
# The base is named by version. Whoever needs the same bytes each time gives a digest and a date, and has the engine put
# the date on every file:
#   docker buildx build --build-arg PYTHON=3.13-slim@sha256:... --build-arg SOURCE_DATE_EPOCH=1767225600 \
#     --output type=image,name=pluginmgr:0.1.0,rewrite-timestamp=true .

ARG PYTHON=3.13-slim

FROM python:${PYTHON} AS build
ARG SOURCE_DATE_EPOCH
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY requirements/build.txt requirements/cluster.txt requirements/
COPY deploy/image/install.sh deploy/image/
COPY crds crds
COPY controller controller
RUN deploy/image/install.sh

# Debian's slim image has setpriv and prlimit, through which plugins are started.
FROM python:${PYTHON}
LABEL org.opencontainers.image.title="pluginmgr" \
      org.opencontainers.image.description="Keeps go-plugin subprocesses in a pod as a PluginConfig says" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/pluginmgr /opt/pluginmgr
# So that `kubectl exec POD -c pluginmgr -- pluginmgr status` finds the directories of the manifests.
ENV PATH=/opt/pluginmgr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    XDG_STATE_HOME=/var/lib \
    XDG_RUNTIME_DIR=/run
USER 65532:65532
ENTRYPOINT ["pluginmgr"]
