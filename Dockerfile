# The client scripts of npm that the binary carries.
FROM node:20-bookworm-slim AS client
WORKDIR /src/public
COPY public/package.json public/package-lock.json public/.npmrc ./
RUN npm ci --ignore-scripts --omit=dev
RUN npm run bundle

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=client /src/public/client/ public/client/
ARG VERSION=devel
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=${VERSION}" -o /crier . \
 && mkdir /data

# Nothing but the binary: no shell, no packages to patch.
FROM scratch
COPY --from=build /crier /crier
# What was said. A new volume takes its owner from here; a folder of the host that is mounted in its place must be 65532's.
COPY --from=build --chown=65532:65532 /data /data
ENV CRIER_DATA=/data
VOLUME ["/data"]
USER 65532:65532
EXPOSE 3000
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s --retries=3 CMD ["/crier", "healthcheck"]
ENTRYPOINT ["/crier"]
