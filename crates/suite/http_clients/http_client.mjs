// POSTs to the first argument and prints the status. See http_clients.sh for the other arguments.
import http from "node:http";
const [url, type, coding, length, chunked] = process.argv.slice(2);
const body = Buffer.alloc(Number(length), " ");
const headers = { "Content-Type": type };
if (coding) headers["Content-Encoding"] = coding;
if (chunked !== "chunked") headers["Content-Length"] = body.length;
const request = http.request(url, { method: "POST", headers }, (answer) => {
  let text = "";
  answer.on("data", (piece) => (text += piece));
  answer.on("end", () => console.log(answer.statusCode, text ? "" : "without a body"));
});
request.on("error", (error) => console.log(error.code ?? error.message));
for (let at = 0; at < body.length; at += 65536) request.write(body.subarray(at, at + 65536));
request.end();
