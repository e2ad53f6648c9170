// POSTs to the first argument and prints the status. See http_clients.sh for the other arguments.
const [url, type, coding, length, chunked] = process.argv.slice(2);
const body = Buffer.alloc(Number(length), " ");
async function* pieces() {
  for (let at = 0; at < body.length; at += 65536) yield body.subarray(at, at + 65536);
}
const headers = { "Content-Type": type };
if (coding) headers["Content-Encoding"] = coding;
const streamed = chunked === "chunked";
const answer = await fetch(url, {
  method: "POST",
  headers,
  body: streamed ? pieces() : body,
  ...(streamed ? { duplex: "half" } : {}),
});
const text = await answer.text();
console.log(answer.status, text ? "" : "without a body");
