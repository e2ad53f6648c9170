// The programs under test: a broker, two servidores and three gateways, each a process of its own. The
// servidor `server1` asks for tokens, `server2` does not; so do the gateways `closed` and the others. At
// `server2` a posto waits for a carro for TOLERANCE minutes, at `server1` until the end.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { Program, isReady, listens } from "./program.mjs";
import { until } from "./until.mjs";

const BROKER = 28883;
const PORTS = { server1: 28000, server2: 28003, gateway: 28001, elsewhere: 28002, closed: 28004 };
/** Minutes. */
export const TOLERANCE = 45;
const at = (name) => `http://127.0.0.1:${PORTS[name]}`;

export class Suite {
  /** @param {{ folder: string, programs: string, postos: string }} paths `postos` has a folder for each servidor. */
  constructor({ folder, programs, postos }) {
    this.folder = folder;
    for (const id of ["server1", "server2"]) {
      mkdirSync(`${folder}/data/${id}`, { recursive: true });
      copyFileSync(`${postos}/${id}/postos.csv`, `${folder}/data/${id}/postos.csv`);
    }
    writeFileSync(`${folder}/mosquitto.conf`, `user root\nlistener ${BROKER} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n`);
    this.appToken = this.makeAppToken(`${programs}/client`);
    const program = (binary, name, env) => new Program(name, `${programs}/${binary}`, {
      folder,
      env: { MQTT_PORT: String(BROKER), HTTP_ADDR: `127.0.0.1:${PORTS[name]}`, ...env },
      isReady: () => isReady(at(name)),
    });
    this.broker = new Program("mosquitto", "mosquitto", {
      args: ["-c", "mosquitto.conf"], folder, isReady: () => listens(BROKER),
    });
    this.server1 = program("server", "server1", { SERVER_ID: "server1" });
    this.server2 = program("server", "server2", { SERVER_ID: "server2", ADMIN_ABERTO: "sim", RESERVA_TOLERANCIA_MIN: String(TOLERANCE) });
    this.gateway = program("client", "gateway", { MQTT_CLIENT_ID: "cliente1" });
    this.elsewhere = program("client", "elsewhere", { MQTT_CLIENT_ID: "cliente2" });
    this.closed = program("client", "closed", { MQTT_CLIENT_ID: "cliente3", API_TOKENS_FILE: "app.tokens" });
    this.all = [this.broker, this.server1, this.server2, this.gateway, this.elsewhere, this.closed];
    // Nothing that was started outlives the tests.
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(1));
    process.on("exit", () => this.kill());
    this.used = new Set();
    this.placas = 0;
  }

  brokerPort = BROKER;
  /** The base URLs of the programs. */
  urls = Object.fromEntries(Object.keys(PORTS).map((name) => [name, at(name)]));

  makeAppToken(client) {
    const made = execFileSync("sh", ["-c", `"${client}" token app1 >app.tokens 2>app.token; cat app.token`], {
      cwd: this.folder, encoding: "utf8",
    });
    return made.trim();
  }

  /** The token of the operator of `server1`. */
  get operatorToken() {
    return readFileSync(`${this.folder}/data/server1.db.token`, "utf8").trim();
  }

  /** Starts what does not run, and waits until both servidores answer through each gateway. */
  async start() {
    for (const program of this.all) await program.start();
    for (const gateway of ["gateway", "elsewhere", "closed"]) {
      for (const id of ["server1", "server2"]) {
        await until(`${id} answers through ${gateway}`, async () => (await this.postos(id, gateway)) !== null);
      }
    }
  }

  async end() {
    for (const program of this.all.toReversed()) await program.end();
  }

  /** Ends what runs, at once. */
  kill() {
    for (const { child } of this.all) child?.kill("SIGKILL");
  }

  async postos(id, gateway = "elsewhere", query = "") {
    const answer = await fetch(`${at(gateway)}/postos?server_id=${id}${query}`).catch(() => null);
    return answer?.ok ? (await answer.json()).postos : null;
  }

  /** A posto that is free, and that no other check uses. */
  async freePosto(id = "server1", fits = () => true) {
    const postos = await this.postos(id, "elsewhere", "&disponivel=true");
    // By name, because a list shows 200 postos and begins with these.
    postos.sort((one, other) => one.nome.localeCompare(other.nome, "pt-BR"));
    const posto = postos.find((one) => !this.used.has(`${id} ${one.id}`) && fits(one));
    if (!posto) throw new Error(`no posto of ${id} is left for this check`);
    this.used.add(`${id} ${posto.id}`);
    return { ...posto, server_id: id };
  }

  /** A placa that no other check uses. */
  placa() {
    this.placas += 1;
    return `TST${String(this.placas).padStart(4, "0")}`;
  }

  /** Calls a program, as any app does. */
  async call(name, path, { method = "GET", body, token } = {}) {
    const headers = {};
    if (body !== undefined) headers["content-type"] = "application/json";
    if (token) headers.authorization = `Bearer ${token}`;
    const answer = await fetch(`${at(name)}/${path}`, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    return { status: answer.status, body: text === "" ? null : JSON.parse(text) };
  }

  /** Calls the admin API of `server1` as its operator; the call must succeed. */
  async operate(path, options = {}) {
    const { status, body } = await this.call("server1", path, { token: this.operatorToken, ...options });
    if (status >= 300) throw new Error(`${options.method ?? "GET"} ${path}: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  /** Reserves a posto through another gateway than the one whose pages are open. */
  async reserveElsewhere(posto, { placa = this.placa(), ...interval } = {}) {
    const carro = { placa, modelo: "BYD Dolphin", capacidade_bateria: 44.5, nivel_bateria_atual: 22.3, taxa_descarga: 0.19 };
    const asked = { ...carro, posto_id: posto.id, server_id: posto.server_id, ...interval };
    const { status, body } = await this.call("elsewhere", "reservar", { method: "POST", body: asked });
    if (status !== 200) throw new Error(`${posto.nome} is not reserved elsewhere: ${JSON.stringify(body)}`);
    return body;
  }

  async cancelElsewhere(posto, requestId) {
    const path = `reservas/${requestId}/cancelar?server_id=${posto.server_id}`;
    return this.call("elsewhere", path, { method: "POST" });
  }

  /** What the API says of a reserva; `null` if it does not say it now. */
  async reserva(serverId, requestId) {
    const { status, body } = await this.call("elsewhere", `reservas/${requestId}?server_id=${serverId}`);
    return status === 200 ? body.reserva : null;
  }
}
