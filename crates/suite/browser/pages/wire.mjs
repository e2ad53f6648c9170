// A proxy that counts what a browser receives: head and body of every answer, the service worker's too,
// and what has come so far of answers that do not end.
import net from "node:net";

export async function countingProxy(target) {
  const { hostname, port } = new URL(target);
  const sockets = new Set();
  const counted = { received: 0, connections: 0 };
  const server = net.createServer((near) => {
    const far = net.connect(Number(port), hostname);
    counted.connections += 1;
    far.on("data", (part) => { counted.received += part.length; });
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => { near.destroy(); far.destroy(); });
      socket.on("close", () => sockets.delete(socket));
    }
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  /** Waits until nothing has come for a second. */
  const isQuiet = async () => {
    const before = counted.received;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return counted.received === before;
  };
  return { isQuiet, base: `http://127.0.0.1:${server.address().port}`, counted, close };
}
