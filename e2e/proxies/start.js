"use strict";

// The proxies of deploy/proxies, each as a child process with its own folder, on loopback ports. A file of deploy/ is
// used as it is: only what it tells its reader to change is changed, and the ports.

const { existsSync, readFileSync, writeFileSync } = require("node:fs");
const https = require("node:https");
const path = require("node:path");
const tls = require("node:tls");
const { certificate: ownCertificate } = require("../certificate");
const { againIfTaken, dataFolder, describeServer, freePort, launch, started } = require("../target");

const FILES = path.join(__dirname, "..", "..", "deploy", "proxies");
const HOST = "localhost";

// For each proxy: its file, what else that file needs, and how it is run in the foreground. `place` has the folder, the
// ports `secure` and `plain`, and the certificate's files.
const PROXIES = {
  nginx: {
    file: "nginx.conf",
    ports: ({ secure, plain }) => [
      ["listen 80;", `listen 127.0.0.1:${plain};`],
      ["listen [::]:80;", ""], // a machine may have no IPv6
      ["listen 443 ", `listen 127.0.0.1:${secure} `],
      ["listen [::]:443 ssl http2;", ""],
    ],
    // One process, without a master: what ends it leaves no worker behind.
    around: ({ folder, file }) => `
      daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr;
      events { worker_connections 768; }
      http {
        access_log off;
        ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((of) => `${of}_temp_path ${folder}/${of};`).join(" ")}
        gzip on;
        include ${file};
      }`,
    command: ({ folder, main }) => ["nginx", "-e", "stderr", "-p", folder, "-c", main],
  },
  caddy: {
    file: "Caddyfile",
    ports: () => [["# tls /etc", "tls /etc"]],
    around: ({ secure, plain, file }) => `{
      admin off
      http_port ${plain}
      https_port ${secure}
      default_bind 127.0.0.1
      skip_install_trust
    }
    import ${file}`,
    command: ({ main }) => ["caddy", "run", "--config", main, "--adapter", "caddyfile"],
  },
  haproxy: {
    file: "haproxy.cfg",
    ports: ({ secure, plain }) => [
      ["bind :80\n", `bind 127.0.0.1:${plain}\n`],
      ["bind :443 ", `bind 127.0.0.1:${secure} `],
    ],
    around: () => "global\n    maxconn 1000\n    log stdout format raw local0 info\n",
    command: ({ main, file }) => ["haproxy", "-db", "-f", main, "-f", file],
  },
  apache: {
    file: "apache.conf",
    ports: ({ secure, plain }) => [
      ["<VirtualHost *:80>", `<VirtualHost 127.0.0.1:${plain}>`],
      ["<VirtualHost *:443>", `<VirtualHost 127.0.0.1:${secure}>`],
      ["Redirect permanent / https://chat.example.org/", `Redirect permanent / https://chat.example.org:${secure}/`],
    ],
    // The modules that Debian has on, those that the file tells to switch on, and its limits.
    around: ({ folder, secure, plain, file, text }) => `
      ${[...APACHE_MODULES, ...text.match(/a2enmod (.*)/)[1].split(" ")].map(loadModule).join("\n")}
      ServerRoot ${folder}
      ServerName ${HOST}
      PidFile ${folder}/apache.pid
      DefaultRuntimeDir ${folder}
      Mutex pthread
      ErrorLog ${folder}/error.log
      User nobody
      Group nogroup
      Listen 127.0.0.1:${plain}
      Listen 127.0.0.1:${secure}
      ThreadsPerChild 64
      MaxRequestWorkers 64
      Timeout 300
      RequestReadTimeout header=20-40,minrate=500 body=10,minrate=500
      AddOutputFilterByType DEFLATE text/html text/plain text/css text/javascript application/javascript
      Include ${file}`,
    // One process with its threads, for the same reason as with nginx.
    command: ({ folder, main }) => ["apache2", "-X", "-d", folder, "-f", main],
  },
};

const APACHE_MODULES = ["mpm_event", "authz_core", "alias", "deflate", "filter", "reqtimeout", "setenvif"];
const loadModule = (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`;

// The certificate that all proxies of this process show: {folder, ca}. It names localhost.
let made;
function certificate() {
  if (made) return made;
  const { folder, cert, key } = ownCertificate();
  const ca = readFileSync(cert, "utf8");
  writeFileSync(path.join(folder, "both.pem"), ca + readFileSync(key, "utf8"));
  return (made = { folder, ca });
}

// The text with each of the values changed; one that is not there is an error.
function change(text, values) {
  for (const [from, to] of values) {
    if (!text.includes(from)) throw new Error(`there is no ${JSON.stringify(from)} to change in:\n${text}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

// Tries until TLS is spoken: a proxy may open its port before it has read all of its files.
async function serving(child, port, ca) {
  while (child.exitCode === null) {
    const up = await new Promise((resolve) => {
      const socket = tls.connect({ port, host: "127.0.0.1", servername: HOST, ca }, () => (socket.destroy(), resolve(true)));
      socket.once("error", () => resolve(false));
    });
    if (up) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// Starts the proxy of this name in front of http://127.0.0.1:`upstream`. `edit` gets the text of its file and answers with
// what is used instead: to see what a mistake in it does.
//
// The answer is {name, url, ca, port, plainPort, agent, log(), ended, terminate(), stop(), kill()}: `url` is https, `ca` the
// certificate that clients have to trust, `plainPort` speaks HTTP and redirects, `agent` is for https.request.
const startProxy = (name, how) => againIfTaken(() => startOnce(name, how));

async function startOnce(name, { upstream, edit = (text) => text }) {
  const proxy = PROXIES[name];
  const { folder: certificates, ca } = certificate();
  const place = { folder: dataFolder(), secure: await freePort(), plain: await freePort() };
  place.file = path.join(place.folder, proxy.file);
  place.main = path.join(place.folder, "main.conf");
  place.text = change(edit(readFileSync(path.join(FILES, proxy.file), "utf8")), [
    ...proxy.ports(place),
    ["/etc/ssl/crier", certificates],
    ["chat.example.org", HOST],
    ["127.0.0.1:3000", `127.0.0.1:${upstream}`],
  ]);
  writeFileSync(place.file, place.text);
  writeFileSync(place.main, proxy.around(place));
  const home = { HOME: place.folder, XDG_DATA_HOME: place.folder, XDG_CONFIG_HOME: place.folder };
  const log = path.join(place.folder, "error.log"); // Apache's
  const child = launch(proxy.command(place), { ...home, PATH: `${process.env.PATH}:/usr/sbin:/sbin` });
  await started(child, serving(child, place.secure, ca));
  return Object.assign(describeServer(child, place.secure), {
    name,
    url: `https://${HOST}:${place.secure}`,
    plainPort: place.plain,
    ca,
    agent: new https.Agent({ ca }),
    log: () => child.said + (existsSync(log) ? readFileSync(log, "utf8") : ""),
  });
}

module.exports = { PROXIES: Object.keys(PROXIES), certificate, startProxy };
