// The site that the screenshots show: postos of two operators, a month of sessions, and a day on which
// something is going on.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { placa, random, sessions } from "./history.mjs";
import { Program } from "./program.mjs";
import { until } from "./until.mjs";

const LIBRARY = "libfaketimeMT.so.1";
const HOUR = 3_600_000;
const QUARTER = HOUR / 4;

/**
 * Starts the suite with what its servidores had a month ago: their postos, and the reservas of the days
 * since then. Returns the sessions of those days.
 */
export async function beginMonthAgo(suite) {
  await suite.broker.start();
  await suite.elsewhere.start();
  const made = [];
  for (const { name, command, env, folder, isReady } of [suite.server1, suite.server2]) {
    const past = new Program(`${name}-past`, command, { env: { ...env, ...monthAgo() }, folder, isReady });
    await past.start();
    const postos = await until(`${name} answers`, () => suite.postos(name));
    const all = sessions(postos);
    if (name === "server1") made.push(...all);
    // Four of five carros had reserved, somewhat more than they needed.
    for (const { posto_id, placa: reserved, inicio, fim } of all.filter((_, number) => number % 5 > 0)) {
      const interval = { inicio: minutes(inicio, -5), fim: minutes(fim, 15) };
      await suite.reserveElsewhere({ id: posto_id, server_id: name }, { placa: reserved, ...interval });
    }
    await past.end();
  }
  await suite.start();
  return made;
}

const minutes = (at, later) => new Date(Date.parse(at) + later * 60_000).toISOString();

/** What gives a program a wall clock that is a month behind: the library of Debian's `faketime`. */
function monthAgo() {
  const folder = readdirSync("/usr/lib").find((name) => existsSync(`/usr/lib/${name}/faketime/${LIBRARY}`));
  if (!folder) throw new Error("the package faketime is not installed");
  return { LD_PRELOAD: `/usr/lib/${folder}/faketime/${LIBRARY}`, FAKETIME: "-31d", FAKETIME_DONT_FAKE_MONOTONIC: "1" };
}

/** Reports the sessions of the last month, and begins what goes on now. */
export async function fill(suite, past) {
  const { postos } = await suite.operate("postos");
  const byId = (id) => ({ server_id: "server1", ...postos.find((posto) => posto.id === id) });
  const newPlaca = ((next) => () => placa(next))(random(7));
  // A few of the carros did not come.
  for (const { posto_id, ...session } of past.filter((_, number) => number % 17 > 0)) {
    await suite.operate(`postos/${posto_id}/carregamentos`, { method: "POST", body: session });
  }
  for (const id of [2, 8, 11]) {
    const charging = newPlaca();
    await suite.reserveElsewhere(byId(id), { placa: charging, fim: inHours(2) });
    await suite.operate(`postos/${id}/carregamentos`, { method: "POST", body: { placa: charging } });
  }
  for (const id of [4, 10]) await suite.reserveElsewhere(byId(id), { placa: newPlaca(), fim: inHours(1) });
  await suite.reserveElsewhere(byId(9), { placa: newPlaca(), inicio: inHours(1), fim: inHours(3) });
  // Refusals, for their plot.
  for (let count = 0; count < 4; count += 1) await suite.reserveElsewhere(byId(4)).catch(() => {});
  await suite.operate("postos/6/disponibilidade", { method: "PUT", body: { disponivel: false, em_manutencao: true } });
  const fault = JSON.stringify({ server_id: "server1", ponto_id: 12, disponivel: false });
  execFileSync("mosquitto_pub", ["-p", String(suite.brokerPort), "-q", "1", "-t", "pontos/12/disponibilidade", "-m", fault]);
  await until("the charger's fault is known", async () => (await suite.operate("postos/12")).carregador !== null);
}

/** A quarter of an hour, so many hours from now. */
function inHours(hours) {
  return new Date(Math.ceil((Date.now() + hours * HOUR) / QUARTER) * QUARTER).toISOString();
}
