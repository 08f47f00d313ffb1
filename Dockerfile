# The client scripts of npm that the binary carries.
FROM node:20-bookworm-slim AS client
WORKDIR /src/public
COPY public/package.json public/package-lock.json public/.npmrc ./
RUN npm ci --ignore-scripts --omit=dev
RUN npm run bundle

# What `crier version` says: VERSION, or what git says of these sources. Without either (a copy of the sources, or a work tree,
# whose .git is elsewhere) it is "devel".
FROM golang:1.26-bookworm AS version
ARG VERSION
COPY go.mod .gi[t] /git/
RUN echo "${VERSION:-$(git --git-dir=/git describe --tags --always 2>/dev/null || echo devel)}" > /version

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=client /src/public/client/ public/client/
COPY --from=version /version /version
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$(cat /version)" -o /crier . \
 && mkdir /data

# Nothing but the binary and the certificate authorities that ACME and `crier doctor` trust: no shell, no packages to patch.
FROM scratch
ARG VERSION
# The version is empty unless it is given: a label can't ask git. `docker run crier version` always tells.
LABEL org.opencontainers.image.title="Crier" \
      org.opencontainers.image.description="The Socket.IO server that you can just run" \
      org.opencontainers.image.url="https://github.com/crier/crier" \
      org.opencontainers.image.source="https://github.com/crier/crier" \
      org.opencontainers.image.documentation="https://github.com/crier/crier#readme" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /crier /crier
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
# What was said. A new volume takes its owner from here; a folder of the host that is mounted in its place must be 65532's.
COPY --from=build --chown=65532:65532 /data /data
ENV CRIER_DATA=/data
VOLUME ["/data"]
USER 65532:65532
EXPOSE 3000
# It finds Crier where the data folder says that it listens, also when that was a flag: `docker run crier --addr :8080`.
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s --retries=3 CMD ["/crier", "healthcheck"]
ENTRYPOINT ["/crier"]
