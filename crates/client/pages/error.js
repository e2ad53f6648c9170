// Shown in place of a page that cannot be answered for a moment: asks again until it can.
import { answer } from "./api.js";
import { element } from "./dom.js";
import { text } from "./texts.js";

const RETRY = 5000;

document.querySelector("main section")?.append(element("p", { class: "quiet", text: text("error.retry") }));
againLater();

/** Not all pages that wait for the same servidor ask in the same moment. */
function againLater() {
  setTimeout(again, RETRY * (1 + Math.random()));
}

async function again() {
  const isAnswered = !document.hidden && await answer(location.href).then(({ ok }) => ok, () => false);
  if (!isAnswered) againLater();
  // No answer to a form has the fragment of a new reserva, which is to stay; with it, the same address loads nothing.
  else if (location.hash === "#nova") location.reload();
  // Not by a reload, which would send a form again.
  else location.replace(location.pathname + location.search);
}
